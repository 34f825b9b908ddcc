"""The panels that the dashboards are made of: each has a unit, a description and one Prometheus as its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "churn-operator"
GOOD, WARNING, BAD = "green", "orange", "red"
_DASHED = {"fill": "dash", "dash": [8, 8]}


@dataclass(frozen=True)
class Query:
    """PromQL, and how its series are called in the legend."""

    promql: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Text:
    """Title and description of a panel; `unit` is one of Grafana's, such as `s` or `reqps`."""

    title: str
    description: str
    unit: str


def graph(
    text: Text,
    *queries: Query,
    stacked: bool = False,
    maximum: float | None = None,
    thresholds: Sequence[Query] = (),
    limit: float | None = None,
) -> timeseries.Panel:
    """Lines over time. `thresholds` are series drawn as dashed lines, `limit` is the value at which an alert fires."""
    panel = (
        timeseries.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .height(8)
        .span(12)
        .min(0)
        .show_points(VisibilityMode.NEVER)
        .fill_opacity(30 if stacked else 5)
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
    )
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(StackingMode.NORMAL))
    if maximum is not None:
        panel = panel.max(maximum)
    if limit is not None:
        panel = panel.thresholds(_steps((None, GOOD), (limit, BAD))).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        )
    for letter, query in zip("ABCDEFGH", (*queries, *thresholds), strict=False):
        panel = panel.with_target(_over_time(query, letter))
        if query in thresholds:
            style = [DynamicConfigValue("custom.lineStyle", _DASHED), DynamicConfigValue("custom.fillOpacity", 0)]
            panel = panel.override_by_query(letter, style)
    return panel


def number(
    text: Text,
    promql: str,
    steps: Sequence[tuple[float | None, str]] = ((None, GOOD),),
    decimals: int | None = None,
    nothing: str = "none",
) -> stat.Panel:
    """One number, now; `nothing` stands where there is no series."""
    panel = (
        stat.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .height(4)
        .span(4)
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.VALUE)
        .no_value(nothing)
        .thresholds(_steps(*steps))
        .with_target(_now(Query(promql), "A"))
    )
    return panel if decimals is None else panel.decimals(decimals)


def states(text: Text, names: Mapping[int, tuple[str, str]], *queries: Query) -> statetimeline.Panel:
    """Which state was when; `names` has text and colour of each number."""
    results = {str(value): ValueMappingResult(text=name, color=color) for value, (name, color) in names.items()}
    panel = (
        statetimeline.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .height(8)
        .span(12)
        .mappings([ValueMap(results)])
    )
    for letter, query in zip("ABCD", queries, strict=False):
        panel = panel.with_target(_over_time(query, letter))
    return panel


def rows(text: Text, columns: Mapping[str, str], keys: Sequence[str], span: int = 24) -> table.Panel:
    """A table with a row for each combination of the labels `keys`; `columns` are titles and their PromQL."""
    panel = table.Panel().title(text.title).description(text.description).unit(text.unit).datasource(SOURCE)
    panel = panel.height(9).span(span)
    renamed: dict[str, str] = {}
    for letter, (title, promql) in zip("ABCDEFGHIJ", columns.items(), strict=False):
        panel = panel.with_target(_now(Query(promql), letter).format(PromQueryFormat.TABLE))
        renamed[f"Value #{letter}"] = title
    if len(columns) == 1:
        renamed["Value"] = next(iter(columns))
    panel = panel.with_transformation(DataTransformerConfig("merge", options={}))
    order = {name: index for index, name in enumerate(keys)}
    options = {"excludeByName": {"Time": True}, "renameByName": renamed, "indexByName": order}
    return panel.with_transformation(DataTransformerConfig("organize", options=options))


def dashboard(uid: str, title: str, description: str) -> dashboards.Dashboard:
    """An empty dashboard whose Prometheus can be chosen."""
    return (
        dashboards.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboards.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )


def variable(name: str, label: str, query: str, every: bool = False) -> dashboards.QueryVariable:
    """A choice among the values of a label; with `every`, of several or all of them."""
    made = (
        dashboards.QueryVariable(name)
        .label(label)
        .query({"query": query, "refId": name})
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
    return made.multi(True).include_all(True).all_value(".*") if every else made


def _over_time(query: Query, letter: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery().expr(query.promql).legend_format(query.legend).ref_id(letter).range().datasource(SOURCE)
    )


def _now(query: Query, letter: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(query.promql)
        .legend_format(query.legend)
        .ref_id(letter)
        .instant()
        .datasource(SOURCE)
    )


def _steps(*steps: tuple[float | None, str]) -> dashboards.ThresholdsConfig:
    thresholds = [Threshold(value, color) for value, color in steps]
    return dashboards.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds)
