"""Dashboard of all ChurnModels: who needs somebody, and who is busy?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from deploy.grafana.panels import BAD, GOOD, WARNING, Query, Text, dashboard, graph, number, rows, variable

_IN = 'namespace=~"$namespace"'
_OF = "namespace, name"
_TRUE = '="True"'
_NOT_TRUE = '!="True"'
_ONE = "/d/churn-model?var-namespace=${__data.fields.namespace}&var-name=${__data.fields.name}"


def churnmodels_dashboard() -> Dashboard:
    """Counts, a table with a row for each, and the busiest."""
    made = dashboard("churn-models", "Churn models", "All ChurnModels: state, versions and traffic.")
    query = "label_values(churn_operator_model_condition, namespace)"
    made = made.with_variable(variable("namespace", "Namespaces", query, every=True))
    return _traffic(_table(_counts(made)))


def _condition(kind: str, status: str) -> str:
    return f'churn_operator_model_condition{{{_IN},type="{kind}",status{status}}}'


def _counts(made: Dashboard) -> Dashboard:
    models = f'max by ({_OF}) (churn_operator_model_condition{{{_IN},type="Ready"}})'
    broken = (
        f"max by ({_OF}) ({_condition('Ready', _NOT_TRUE)}) and on ({_OF}) churn_operator_model_stable_version{{{_IN}}}"
    )
    rolled_back = f"time() - max by ({_OF}) (churn_operator_model_rolled_back_timestamp_seconds{{{_IN}}}) < 86400"
    return (
        made.with_panel(
            number(Text("ChurnModels", "How many there are in these namespaces.", "short"), f"count({models})")
        )
        .with_panel(
            number(
                Text("Not answering", "They have a version in service, and it does not answer.", "short"),
                f"count({broken}) or vector(0)",
                ((None, GOOD), (1, BAD)),
            )
        )
        .with_panel(
            number(
                Text("Waiting for a person", "Stalled: nothing goes on until somebody changes something.", "short"),
                f"count(max by ({_OF}) ({_condition('Stalled', _TRUE)})) or vector(0)",
                ((None, GOOD), (1, WARNING)),
            )
        )
        .with_panel(
            number(
                Text("Rolling out", "They have a version on its way into service.", "short"),
                f"count(max by ({_OF}) (churn_operator_model_candidate_version{{{_IN}}})) or vector(0)",
            )
        )
        .with_panel(
            number(
                Text(
                    "Refused in a row", "The most versions in a row that the gate refused. The alert is at 3.", "short"
                ),
                f"max(churn_operator_model_gate_rejections{{{_IN}}})",
                ((None, GOOD), (1, WARNING), (3, BAD)),
            )
        )
        .with_panel(
            number(
                Text("Rolled back today", "ChurnModels of which a version was rolled back within 24 hours.", "short"),
                f"count({rolled_back}) or vector(0)",
                ((None, GOOD), (1, WARNING)),
            )
        )
    )


def _table(made: Dashboard) -> Dashboard:
    columns = {
        "ready": f"sum by ({_OF}) ({_condition('Ready', _TRUE)})"
        f" or 0 * max by ({_OF}) (churn_operator_model_condition{{{_IN}}})",
        "stable": f"max by ({_OF}) (churn_operator_model_stable_version{{{_IN}}})",
        "candidate": f"max by ({_OF}) (churn_operator_model_candidate_version{{{_IN}}})",
        "candidate's traffic": f"max by ({_OF}) (churn_operator_model_candidate_weight_percent{{{_IN}}})",
        "ROC AUC": f'max by ({_OF}) (churn_operator_model_roc_auc{{{_IN},state="Stable"}})',
        "age": f"time() - max by ({_OF}) (churn_operator_model_promoted_timestamp_seconds{{{_IN}}})",
        "refused in a row": f"max by ({_OF}) (churn_operator_model_gate_rejections{{{_IN}}})",
    }
    panel = rows(
        Text("Each ChurnModel", "A row for each; the name leads to its own dashboard.", "none"),
        columns,
        _OF.split(", "),
    )
    link = [{"title": "Its dashboard", "url": _ONE}]
    panel = panel.override_by_name("name", [DynamicConfigValue("links", link)])
    panel = panel.override_by_name("age", [DynamicConfigValue("unit", "s")])
    panel = panel.override_by_name("candidate's traffic", [DynamicConfigValue("unit", "percent")])
    waiting = rows(
        Text("What they are at", "Reasons of Stalled and Reconciling, the conditions that are True.", "short"),
        {"since": f'max by ({_OF}, type, reason) (churn_operator_model_condition{{{_IN},type!="Ready"}})'},
        (*_OF.split(", "), "type", "reason"),
    )
    return made.with_row(Row("Each")).with_panel(panel).with_panel(waiting)


def _traffic(made: Dashboard) -> Dashboard:
    def rate(metric: str, more: str = "") -> str:
        return f"sum by (namespace, model) (rate({metric}{{{_IN}{more}}}[$__rate_interval]))"

    requests = rate("churn_prediction_requests_total")
    internal = ',reason="Internal"'
    failed = rate("churn_prediction_errors_total", internal)
    return (
        made.with_row(Row("Traffic"))
        .with_panel(
            graph(
                Text("Busiest", "Requests to the ten that get most.", "reqps"),
                Query(f"topk(10, {requests})", "{{namespace}}/{{model}}"),
            )
        )
        .with_panel(
            graph(
                Text(
                    "Failing", "Share of requests that fail by the model server's fault, the ten worst.", "percentunit"
                ),
                Query(f"topk(10, ({failed} or 0 * {requests}) / {requests})", "{{namespace}}/{{model}}"),
                limit=0.01,
            )
        )
        .with_panel(
            graph(
                Text("ChurnModels by phase", "What they are at, in all namespaces.", "short"),
                Query("sum by (phase) (churn_operator_churnmodels)", "{{phase}}"),
                stacked=True,
            ).span(24)
        )
    )
