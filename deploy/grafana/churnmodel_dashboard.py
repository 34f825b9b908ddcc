"""Dashboard of one ChurnModel: what is in service, what comes, and what live traffic says of it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import (
    BAD,
    GOOD,
    WARNING,
    Query,
    Text,
    dashboard,
    graph,
    number,
    rows,
    states,
    variable,
)

_MODEL = 'namespace="$namespace",name="$name"'
_SERVER = 'namespace="$namespace",model="$name"'
_VERDICTS = {0: ("Passed", GOOD), 1: ("Inconclusive", WARNING), 2: ("Failed", BAD), 3: ("Error", "purple")}


def churnmodel_dashboard() -> Dashboard:
    """Its state, its traffic by version, the analysis of a canary, and the gate."""
    made = dashboard("churn-model", "Churn model", "One ChurnModel: versions, traffic, analysis and gate.")
    names = "churn_operator_model_condition"
    made = made.with_variable(variable("namespace", "Namespace", f"label_values({names}, namespace)"))
    made = made.with_variable(variable("name", "ChurnModel", f'label_values({names}{{namespace="$namespace"}}, name)'))
    return _gate(_analysis(_traffic(_summary(made))))


def _summary(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            number(
                Text("Ready", "1: the version in service answers.", "bool_yes_no"),
                f'sum(churn_operator_model_condition{{{_MODEL},type="Ready",status="True"}})',
                ((None, BAD), (1, GOOD)),
                nothing="No",
            )
        )
        .with_panel(
            number(
                Text("In service", "Number of the version in service.", "none"),
                f"max(churn_operator_model_stable_version{{{_MODEL}}})",
            )
        )
        .with_panel(
            number(
                Text("On its way", "Number of the version on its way into service.", "none"),
                f"max(churn_operator_model_candidate_version{{{_MODEL}}})",
            )
        )
        .with_panel(
            number(
                Text("Traffic of the candidate", "Share of live traffic that is wished for it.", "percent"),
                f"max(churn_operator_model_candidate_weight_percent{{{_MODEL}}})",
            )
        )
        .with_panel(
            number(
                Text("Age", "Since when the version in service is there.", "s"),
                f"time() - max(churn_operator_model_promoted_timestamp_seconds{{{_MODEL}}})",
            )
        )
        .with_panel(
            number(
                Text("ROC AUC", "Of the version in service, on its frozen holdout.", "none"),
                f'max(churn_operator_model_roc_auc{{{_MODEL},state="Stable"}})',
                decimals=4,
            )
        )
        .with_panel(
            rows(
                Text("Conditions", "Ready, and Reconciling or Stalled while they are True.", "short"),
                {"now": f"max by (type, status, reason) (churn_operator_model_condition{{{_MODEL}}})"},
                ("type", "status", "reason"),
                span=12,
            )
        )
        .with_panel(
            graph(
                Text("Traffic of the candidate over time", "Percent of live traffic that is wished for it.", "percent"),
                Query(f"max(churn_operator_model_candidate_weight_percent{{{_MODEL}}})", "candidate"),
                maximum=100,
            ).height(9)
        )
    )


def _traffic(made: Dashboard) -> Dashboard:
    def rate(metric: str, by: str = "version", more: str = "") -> str:
        return f"sum by ({by}) (rate({metric}{{{_SERVER}{more}}}[$__rate_interval]))"

    requests = rate("churn_prediction_requests_total")
    internal = ',reason="Internal"'
    failed = rate("churn_prediction_errors_total", more=internal)
    buckets = rate("churn_prediction_duration_seconds_bucket", "version, le")
    scores = rate("churn_prediction_score_bucket", "version, le")
    mean = f"{rate('churn_prediction_score_sum')} / {rate('churn_prediction_score_count')}"
    return (
        made.with_row(Row("Traffic"))
        .with_panel(
            graph(
                Text("Requests by version", "Answered predictions, whatever the status code.", "reqps"),
                Query(requests, "version {{version}}"),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                Text("Failed requests by version", "The model server's own faults. The alert is at 1%.", "percentunit"),
                Query(f"({failed} or 0 * {requests}) / {requests}", "version {{version}}"),
                limit=0.01,
            )
        )
        .with_panel(
            graph(
                Text("Latency by version", "95 of 100 requests are quicker, from headers to answer.", "s"),
                Query(f"histogram_quantile(0.95, {buckets})", "version {{version}}"),
            )
        )
        .with_panel(
            graph(
                Text("Mean score by version", "Mean predicted probability to churn.", "percentunit"),
                Query(mean, "version {{version}}"),
                maximum=1,
            )
        )
        .with_panel(
            graph(
                Text("Median score by version", "Half of the customers score lower.", "percentunit"),
                Query(f"histogram_quantile(0.5, {scores})", "version {{version}}"),
                maximum=1,
            )
        )
        .with_panel(
            graph(
                Text(
                    "Requests without a prediction", "By reason; all but Internal are refusals of bad input.", "reqps"
                ),
                Query(rate("churn_prediction_errors_total", "reason"), "{{reason}}"),
            )
        )
    )


def _analysis(made: Dashboard) -> Dashboard:
    value = f"max by (check) (churn_operator_analysis_value{{{_MODEL}}})"
    threshold = f"max by (check) (churn_operator_analysis_threshold{{{_MODEL}}})"
    return (
        made.with_row(Row("Analysis of the canary"))
        .with_panel(
            graph(
                Text("Checks and their thresholds", "What was observed, and dashed what is still good.", "short"),
                Query(value, "{{check}}"),
                thresholds=[Query(threshold, "{{check}}: still good")],
            )
        )
        .with_panel(
            states(
                Text("Verdicts", "Error: the check could not be made, which says nothing of the candidate.", "short"),
                _VERDICTS,
                Query(f"max by (check) (churn_operator_analysis_verdict{{{_MODEL}}})", "{{check}}"),
            )
        )
    )


def _gate(made: Dashboard) -> Dashboard:
    by = "version, metric, check"
    seen = f"max by ({by}) (churn_operator_model_gate_value{{{_MODEL}}})"
    bound = f"churn_operator_model_gate_threshold{{{_MODEL},bound="
    return (
        made.with_row(Row("Gate"))
        .with_panel(
            rows(
                Text(
                    "Gate of the newest version",
                    "What the gate saw on the frozen holdout, and what it asks for.",
                    "none",
                ),
                {
                    "value": seen,
                    "at least": f'max by ({by}) ({bound}"minimum"}})',
                    "at most": f'max by ({by}) ({bound}"maximum"}})',
                },
                ("version", "metric", "check"),
                span=12,
            )
        )
        .with_panel(
            graph(
                Text(
                    "ROC AUC over time",
                    "Of the version in service and the one on its way, with the gate's floor.",
                    "none",
                ),
                Query(
                    f"max by (version, state) (churn_operator_model_roc_auc{{{_MODEL}}})",
                    "version {{version}} {{state}}",
                ),
                thresholds=[Query(f'max({bound}"minimum",metric="rocAuc",check="Threshold"}})', "at least")],
                maximum=1,
            ).height(9)
        )
    )
