"""Dashboard of the operator itself: does it work, how fast, and what does it wait for?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import BAD, GOOD, WARNING, Query, Text, dashboard, graph, number, variable

_JOB = '{job=~"$job"}'


def operator_dashboard() -> Dashboard:
    """Its loop, its calls, the ChurnModels it looks after, and its process."""
    made = dashboard("churn-operator", "Churn operator", "The operator of ChurnModels: its passes, calls and process.")
    made = made.with_variable(variable("job", "Job", "label_values(churn_operator_queue_depth, job)", every=True))
    return _process(_models(_calls(_passes(_summary(made)))))


def _summary(made: Dashboard) -> Dashboard:
    failing = 'sum(rate(churn_operator_passes_total{job=~"$job",result!="done"}[$__rate_interval]))'
    buckets = f"sum by (le) (rate(churn_operator_pass_duration_seconds_bucket{_JOB}[$__rate_interval]))"
    passes = f"sum(rate(churn_operator_passes_total{_JOB}[$__rate_interval]))"
    return (
        made.with_panel(
            number(
                Text(
                    "Leading", "Operators that run passes. Zero: nothing is trained, promoted or rolled back.", "short"
                ),
                f"sum(churn_operator_leading{_JOB})",
                ((None, BAD), (1, GOOD), (2, BAD)),
            )
        )
        .with_panel(
            number(Text("ChurnModels", "How many are looked after.", "short"), f"sum(churn_operator_churnmodels{_JOB})")
        )
        .with_panel(
            number(
                Text("Waiting", "ChurnModels that wait for a worker. The alert is at 100 for ten minutes.", "short"),
                f"sum(churn_operator_queue_depth{_JOB})",
                ((None, GOOD), (20, WARNING), (100, BAD)),
            )
        )
        .with_panel(
            number(
                Text("Failing passes", "Share of passes that failed or crashed. The alert is at 10%.", "percentunit"),
                f"{failing} / {passes}",
                ((None, GOOD), (0.01, WARNING), (0.1, BAD)),
                decimals=1,
            )
        )
        .with_panel(
            number(
                Text("Slowest passes", "99 of 100 passes are quicker. The alert is at ten seconds.", "s"),
                f"histogram_quantile(0.99, {buckets})",
                ((None, GOOD), (2, WARNING), (10, BAD)),
            )
        )
        .with_panel(
            number(
                Text("Dropped events", "Kubernetes Events lost since the start, since too many waited.", "short"),
                f"sum(churn_operator_dropped_events_total{_JOB})",
                ((None, GOOD), (1, WARNING)),
            )
        )
    )


def _passes(made: Dashboard) -> Dashboard:
    buckets = f"sum by (le) (rate(churn_operator_pass_duration_seconds_bucket{_JOB}[$__rate_interval]))"
    return (
        made.with_row(Row("Passes"))
        .with_panel(
            graph(
                Text("Passes by result", "failed: the status could not be written. crashed: a defect.", "ops"),
                Query(f"sum by (result) (rate(churn_operator_passes_total{_JOB}[$__rate_interval]))", "{{result}}"),
            )
        )
        .with_panel(
            graph(
                Text("Duration of a pass", "Most of it is waiting for answers. The alert is about the 99th.", "s"),
                *(Query(f"histogram_quantile({q}, {buckets})", f"{100 * q:g}%") for q in (0.5, 0.9, 0.99)),
                limit=10,
            )
        )
        .with_panel(
            graph(
                Text("Queue", "ChurnModels that wait for a worker, a replica.", "short"),
                Query(f"churn_operator_queue_depth{_JOB}", "{{instance}}"),
                limit=100,
            )
        )
        .with_panel(
            graph(
                Text("Status writes", "An operator with nothing to do writes nothing.", "wps"),
                Query(f"sum(rate(churn_operator_status_writes_total{_JOB}[$__rate_interval]))", "statuses"),
            )
        )
    )


def _calls(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Calls"))
        .with_panel(
            graph(
                Text("Errors by part of the platform", "Transient: no answer, or 5xx. Rejected: refused.", "cps"),
                Query(
                    f"sum by (source, kind) (rate(churn_operator_errors_total{_JOB}[$__rate_interval]))",
                    "{{source}} {{kind}}",
                ),
            )
        )
        .with_panel(
            graph(
                Text("Actions", "What was done: runs submitted, InferenceServices applied, and so on.", "cps"),
                Query(f"sum by (action) (rate(churn_operator_actions_total{_JOB}[$__rate_interval]))", "{{action}}"),
            )
        )
        .with_panel(
            graph(
                Text(
                    "Watches begun again",
                    "Each time no change is seen for seconds. The alert is at four in 15 minutes.",
                    "short",
                ),
                Query(f"increase(churn_operator_watch_restarts_total{_JOB}[$__rate_interval])", "{{instance}}"),
            ).span(24)
        )
    )


def _models(made: Dashboard) -> Dashboard:
    return made.with_row(Row("ChurnModels")).with_panel(
        graph(
            Text("ChurnModels by phase", "What they are at, by status.phase.", "short"),
            Query(f"sum by (phase) (churn_operator_churnmodels{_JOB})", "{{phase}}"),
            stacked=True,
        ).span(24)
    )


def _process(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Process"))
        .with_panel(
            graph(
                Text("CPU", "Cores in use, a replica.", "short"),
                Query(f"rate(process_cpu_seconds_total{_JOB}[$__rate_interval])", "{{instance}}"),
            )
        )
        .with_panel(
            graph(
                Text("Memory", "Resident memory, a replica. It grows with the number of ChurnModels.", "bytes"),
                Query(f"process_resident_memory_bytes{_JOB}", "{{instance}}"),
            )
        )
    )
