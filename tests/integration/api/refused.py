"""Typos and misunderstandings, and what the API server must say about each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bad:
    """YAML laid over the minimal spec, and fragments of the refusal: the field and what to change."""

    mistake: str
    spec: str
    said: tuple[str, ...]


def bad(mistake: str, spec: str, *said: str) -> Bad:
    """A row of the table."""
    return Bad(mistake, spec, said)


DATASET = (
    bad("a local file", "dataset: {uri: customers.csv}", "spec.dataset.uri", "must be s3://bucket/key"),
    bad(
        "an http address", "dataset: {uri: 'https://host/customers.csv'}", "spec.dataset.uri", "must be s3://bucket/key"
    ),
    bad("a bucket without a key", "dataset: {uri: 's3://mlops-data'}", "spec.dataset.uri", "e.g. s3://mlops-data/"),
    bad("a bucket in upper case", "dataset: {uri: 's3://MLOps/c.csv'}", "spec.dataset.uri", "bucket in lower case"),
    bad("a blank in the key", "dataset: {uri: 's3://mlops-data/my file.csv'}", "spec.dataset.uri", "no blanks"),
    bad("an empty uri", "dataset: {uri: ''}", "spec.dataset.uri", "must be s3://bucket/key"),
    bad("a misspelt field", "dataset: {url: 's3://b/c'}", 'unknown field "spec.dataset.url"'),
    bad(
        "an unknown format",
        "dataset: {format: xlsx}",
        "spec.dataset.format",
        'supported values: "auto", "csv", "parquet"',
    ),
    bad("a format that the ending denies", "dataset: {format: parquet}", "ends in .csv: set format to auto or csv"),
    bad("an unquoted Yes", "dataset: {positiveLabel: Yes}", "spec.dataset.positiveLabel", "must be of type string"),
    bad("an empty target", "dataset: {target: ''}", "spec.dataset.target", "at least 1 chars long"),
    bad("target as id", "dataset: {idColumn: Churn}", "idColumn and target name the same column"),
    bad(
        "an endpoint without scheme",
        "dataset: {endpoint: 'minio:9000'}",
        "spec.dataset.endpoint",
        "http:// or https://",
    ),
    bad(
        "a secret with a path",
        "dataset: {secretRef: {name: team/s3}}",
        "spec.dataset.secretRef.name",
        "lower case letters",
    ),
    bad("a secret by name only", "dataset: {secretRef: my-secret}", "spec.dataset.secretRef", "must be of type object"),
    bad(
        "the target as a feature",
        "dataset: {columns: [{name: Churn, kind: category, categories: ['Yes', 'No']}]}",
        "columns must not list the target",
    ),
    bad("the id as a feature", "dataset: {columns: [{name: customerID, kind: number}]}", "must not list the idColumn"),
    bad("a category without values", "dataset: {columns: [{name: c, kind: category}]}", "list every allowed value"),
    bad("a number with values", "dataset: {columns: [{name: c, kind: number, categories: [a]}]}", "has no categories"),
    bad(
        "bounds the wrong way",
        "dataset: {columns: [{name: c, kind: number, minimum: 9, maximum: 1}]}",
        "not be greater",
    ),
    bad(
        "a bound on a category",
        "dataset: {columns: [{name: c, kind: category, categories: [a], minimum: 1}]}",
        "belong to kind number",
    ),
    bad("a column twice", "dataset: {columns: [{name: c, kind: number}, {name: c, kind: number}]}", "Duplicate value"),
    bad(
        "a category twice",
        "dataset: {columns: [{name: c, kind: category, categories: [a, a]}]}",
        "spec.dataset.columns[0].categories[1]",
        "Duplicate value",
    ),
    bad(
        "pandas' type names", "dataset: {columns: [{name: c, kind: float64}]}", 'supported values: "number", "category"'
    ),
)

TRAINING = (
    bad("an unknown algorithm", "training: {algorithm: xgboost}", "spec.training.algorithm", '"histGradientBoosting"'),
    bad("hyperparameters of auto", "training: {hyperparameters: {C: 1}}", "name the algorithm or remove them"),
    bad(
        "a list of hyperparameters",
        "training: {hyperparameters: [C]}",
        "spec.training.hyperparameters",
        "of type object",
    ),
    bad("a negative seed", "training: {seed: -1}", "spec.training.seed", "greater than or equal to 0"),
    bad("a fractional seed", "training: {seed: 1.5}", "spec.training.seed", "must be of type integer"),
    bad("an image as an address", "training: {image: 'https://ghcr.io/t'}", "spec.training.image", "without http://"),
    bad("a time-out without unit", "training: {timeout: '90'}", "spec.training.timeout", "such as 90s, 10m or 1h30m"),
    bad("a time-out as a number", "training: {timeout: 90}", "spec.training.timeout", "must be of type string"),
    bad("a time-out in days", "training: {timeout: 1d}", "spec.training.timeout", "a day is 24h"),
    bad("a time-out of a week", "training: {timeout: 168h}", "spec.training.timeout", "at most 48h"),
    bad("a time-out of a second", "training: {timeout: 1s}", "spec.training.timeout", "at least 30s"),
    bad("endless retries", "training: {retries: 100}", "spec.training.retries", "less than or equal to 10"),
    bad(
        "GB for Gi",
        "training: {resources: {limits: {memory: 4GB}}}",
        "spec.training.resources.limits.memory",
        "not 4GB",
    ),
    bad(
        "fractions of an amount",
        "training: {resources: {limits: {cpu: 0.5}}}",
        "spec.training.resources.limits.cpu",
        "integer",
    ),
    bad(
        "a negative amount",
        "training: {resources: {limits: {cpu: -1}}}",
        "spec.training.resources.limits.cpu",
        "such as 2, 500m",
    ),
    bad(
        "a request above its limit",
        "training: {resources: {requests: {memory: 8Gi}, limits: {memory: 512Mi}}}",
        "spec.training.resources",
        "lower the request or raise the limit",
    ),
    bad("a GPU", "training: {resources: {limits: {gpu: 1}}}", 'unknown field "spec.training.resources.limits.gpu"'),
    bad("a package that is no YAML", "training: {pipeline: {uri: 's3://b/p.py'}}", "a compiled KFP package in S3"),
    bad(
        "a package that is not in S3", "training: {pipeline: {uri: 'http://b/p.yaml'}}", "a compiled KFP package in S3"
    ),
    bad("a pipeline without its package", "training: {pipeline: {}}", "spec.training.pipeline.uri", "Required value"),
    bad("the path of an API", "training: {pipelines: {endpoint: 'http://kfp/apis/v2beta1'}}", "must end before /apis"),
    bad(
        "a namespace in capitals",
        "training: {pipelines: {namespace: Team}}",
        "spec.training.pipelines.namespace",
        "lower case",
    ),
    bad(
        "a relative token",
        "training: {pipelines: {tokenPath: token}}",
        "spec.training.pipelines.tokenPath",
        "absolute path",
    ),
    bad(
        "an empty experiment",
        "training: {pipelines: {experiment: ''}}",
        "spec.training.pipelines.experiment",
        "at least 1",
    ),
)

TRIGGERS = (
    bad(
        "a switch for an object",
        "triggers: {datasetChange: true}",
        "spec.triggers.datasetChange",
        "must be of type object",
    ),
    bad(
        "a busy poll",
        "triggers: {datasetChange: {pollInterval: 1s}}",
        "spec.triggers.datasetChange.pollInterval",
        "at least 5s",
    ),
)

EVALUATION = (
    bad("scikit-learn's name", "evaluation: {minimums: {roc_auc: 0.8}}", "roc_auc is not a metric: use one of rocAuc"),
    bad("percent", "evaluation: {minimums: {rocAuc: 80}}", "rocAuc lies between 0 and 1: write 0.8, not 80"),
    bad(
        "a floor for a loss",
        "evaluation: {minimums: {brier: 0.1}}",
        "brier is better when lower: put it under maximums",
    ),
    bad(
        "a threshold in quotes",
        "evaluation: {minimums: {rocAuc: '0.8'}}",
        "spec.evaluation.minimums.rocAuc",
        "of type number",
    ),
    bad("an unknown ceiling", "evaluation: {maximums: {ece: 0.1}}", "ece is not a metric", "expectedCalibrationError"),
    bad("a negative ceiling", "evaluation: {maximums: {brier: -0.1}}", "brier lies between 0 and 1"),
    bad(
        "a gate that none passes",
        "evaluation: {minimums: {f1: 0.9}, maximums: {f1: 0.1}}",
        "no version could ever pass",
    ),
    bad("an alarm for a loss", "evaluation: {tooGood: {metric: brier, above: 0.1}}", "better when higher, not brier"),
    bad("an alarm in percent", "evaluation: {tooGood: {above: 90}}", "write 0.9, not 90"),
    bad("an alarm that never rings", "evaluation: {tooGood: {above: 1}}", "lies between 0 and 1"),
    bad(
        "an alarm for an unknown metric",
        "evaluation: {tooGood: {metric: auc}}",
        "spec.evaluation.tooGood.metric",
        '"rocAuc"',
    ),
    bad(
        "a margin above 1",
        "evaluation: {champion: {margin: 5}}",
        "spec.evaluation.champion.margin",
        "less than or equal to 1",
    ),
    bad(
        "certainty",
        "evaluation: {champion: {confidence: 1}}",
        "spec.evaluation.champion.confidence",
        "between 0.5 and 0.999",
    ),
    bad(
        "a champion by name",
        "evaluation: {champion: best}",
        "spec.evaluation.champion",
        "must be of type object",
    ),
)

SERVING = (
    bad(
        "a service account with a blank", "serving: {serviceAccountName: my account}", "spec.serving.serviceAccountName"
    ),
    bad("a runtime in capitals", "serving: {runtime: ChurnServing}", "spec.serving.runtime", "lower case letters"),
    bad("negative replicas", "serving: {minReplicas: -1}", "spec.serving.minReplicas", "greater than or equal to 0"),
    bad("no replica at all", "serving: {maxReplicas: 0}", "spec.serving.maxReplicas", "greater than or equal to 1"),
    bad(
        "fewer at most than at least",
        "serving: {minReplicas: 5, maxReplicas: 2}",
        "raise maxReplicas or lower minReplicas",
    ),
    bad("an unknown driver", "serving: {trafficDriver: istio}", "spec.serving.trafficDriver", '"gateway"'),
    bad(
        "bad resources",
        "serving: {resources: {requests: {cpu: half}}}",
        "spec.serving.resources.requests.cpu",
        "such as 2, 500m",
    ),
)

ROLLOUT = (
    bad(
        "more than all",
        "rollout: {steps: [{weight: 150}]}",
        "spec.rollout.steps[0].weight",
        "less than or equal to 100",
    ),
    bad("nothing", "rollout: {steps: [{weight: 0}]}", "spec.rollout.steps[0].weight", "greater than or equal to 1"),
    bad(
        "a percent sign", "rollout: {steps: [{weight: 10%}]}", "spec.rollout.steps[0].weight", "must be of type integer"
    ),
    bad("a step without weight", "rollout: {steps: [{bake: 5m}]}", "spec.rollout.steps[0].weight", "Required value"),
    bad(
        "falling weights",
        "rollout: {steps: [{weight: 50}, {weight: 10}]}",
        "spec.rollout.steps",
        "must ascend, e.g. 10, 50, 100",
    ),
    bad("the same weight twice", "rollout: {steps: [{weight: 10}, {weight: 10}]}", "merge them and add up their bake"),
    bad(
        "a bake in words",
        "rollout: {steps: [{weight: 10, bake: 5 min}]}",
        "spec.rollout.steps[0].bake",
        "such as 90s, 10m",
    ),
    bad(
        "a bake of a year",
        "rollout: {steps: [{weight: 10, bake: 8760h}]}",
        "spec.rollout.steps[0].bake",
        "at most 168h",
    ),
    bad("Argo's setWeight", "rollout: {steps: [{setWeight: 10}]}", 'unknown field "spec.rollout.steps[0].setWeight"'),
    bad(
        "an unknown strategy",
        "rollout: {strategy: canary}",
        "spec.rollout.strategy",
        '"Canary", "BlueGreen", "Immediate"',
    ),
    bad(
        "steps of blue and green",
        "rollout: {strategy: BlueGreen, steps: [{weight: 10}]}",
        "steps belong to the strategy Canary",
    ),
    bad(
        "a shadow that nobody casts",
        "rollout: {steps: [{weight: 10, shadow: true}]}",
        "shadow in rollout.steps needs serving.trafficDriver: gateway",
    ),
    bad(
        "a shadow with Knative",
        "{serving: {trafficDriver: knative}, rollout: {steps: [{weight: 10, shadow: true}]}}",
        "no other driver mirrors requests",
    ),
    bad(
        "answers that disagree where no requests are mirrored",
        "{serving: {trafficDriver: gateway}, "
        "rollout: {analysis: {prometheus: 'http://p:9090', checks: [{name: disagreement}]}}}",
        "the check disagreement compares answers to mirrored requests: give steps one with shadow",
    ),
    bad(
        "answers that disagree with Knative",
        "{serving: {trafficDriver: knative}, rollout: {steps: [{weight: 10, shadow: true}], "
        "analysis: {prometheus: 'http://p:9090', checks: [{name: disagreement}]}}}",
        "no other driver mirrors requests",
    ),
    bad(
        "a shadow after live traffic",
        "{serving: {trafficDriver: gateway}, rollout: {steps: [{weight: 10}, {weight: 20, shadow: true}]}}",
        "spec.rollout.steps",
        "steps with shadow come first",
    ),
    bad(
        "falling weights behind a shadow",
        "{serving: {trafficDriver: gateway}, "
        "rollout: {steps: [{weight: 90, shadow: true}, {weight: 50}, {weight: 10}]}}",
        "spec.rollout.steps",
        "must ascend, e.g. 10, 50, 100",
    ),
    bad("an approval by name", "rollout: {steps: [{weight: 10, approval: alice}]}", "steps[0].approval", "boolean"),
    bad("an endless watch", "rollout: {strategy: BlueGreen, bake: 1y}", "spec.rollout.bake", "such as 90s, 10m"),
    bad("a watch of a year", "rollout: {strategy: Immediate, bake: 8760h}", "spec.rollout.bake", "at most 168h"),
    bad("no time to start", "rollout: {progressDeadline: 1s}", "spec.rollout.progressDeadline", "at least 5s"),
    bad(
        "too many steps",
        "rollout: {steps: [" + ", ".join(f"{{weight: {weight}}}" for weight in range(1, 22)) + "]}",
        "spec.rollout.steps",
        "at most 20 items",
    ),
)


def checked(check: str) -> str:
    """A rollout under analysis with this check."""
    return f"rollout: {{analysis: {{prometheus: 'http://p:9090', checks: [{check}]}}}}"


def hooked(hook: str) -> str:
    """A rollout with this hook."""
    return f"rollout: {{hooks: [{hook}]}}"


ANALYSIS = (
    bad("Prometheus by name", "rollout: {analysis: {prometheus: prom}}", "spec.rollout.analysis.prometheus", "http://"),
    bad("an analysis of nothing", "rollout: {analysis: {}}", "spec.rollout.analysis.prometheus", "Required value"),
    bad("a query without threshold", checked("{name: c, query: up}"), "needs minimum or maximum"),
    bad("Flagger's name", checked("{name: request-success-rate, maximum: 1}"), "use errorRatio, latencyQuantile"),
    bad("a floor for errors", checked("{name: errorRatio, minimum: 0.1}"), "a built-in check has no minimum"),
    bad("a negative threshold", checked("{name: scoreShift, maximum: -0.1}"), "cannot be negative"),
    bad(
        "a check that none passes",
        checked("{name: c, query: up, minimum: 2, maximum: 1}"),
        "minimum is greater than its maximum",
    ),
    bad("an empty query", checked("{name: c, query: '', maximum: 1}"), "at least 1 chars long"),
    bad("a check twice", checked("{name: errorRatio}, {name: errorRatio}"), "Duplicate value"),
    bad(
        "a comparison without two versions",
        "rollout: {analysis: {prometheus: 'http://p'}, steps: [{weight: 100}]}",
        "use the strategy Canary with a step below 100",
    ),
    bad(
        "no request at all",
        "rollout: {analysis: {prometheus: 'http://p', minRequests: 0}}",
        "spec.rollout.analysis.minRequests",
        "greater than or equal to 1",
    ),
    bad(
        "looks without pause",
        "rollout: {analysis: {prometheus: 'http://p', interval: 1s}}",
        "spec.rollout.analysis.interval",
        "at least 5s",
    ),
    bad(
        "Argo's word",
        "rollout: {analysis: {prometheus: 'http://p', onInconclusive: Pause}}",
        '"Hold", "Promote", "Rollback"',
    ),
)

HOOKS = (
    bad("an unknown hook", hooked("{name: h, type: pre, url: 'http://h'}"), '"confirm-promotion"'),
    bad("a hook by name", hooked("{name: h, type: event, url: h}"), "spec.rollout.hooks[0].url", "http://"),
    bad("a hook without address", hooked("{name: h, type: event}"), "spec.rollout.hooks[0].url", "Required value"),
    bad(
        "a hook twice",
        hooked("{name: h, type: event, url: 'http://h'}, {name: h, type: rollback, url: 'http://h'}"),
        "Duplicate value",
    ),
    bad(
        "an answer that takes all day",
        hooked("{name: h, type: event, url: 'http://h', timeout: 1h}"),
        "spec.rollout.hooks[0].timeout",
        "at most 5m",
    ),
)

THE_REST = (
    bad("a history of one", "history: {limit: 1}", "spec.history.limit", "greater than or equal to 2"),
    bad("a version before the first", "rollbackTo: 0", "spec.rollbackTo", "greater than or equal to 1"),
    bad("a version by name", "rollbackTo: v1", "spec.rollbackTo", "must be of type integer"),
    bad("suspend in quotes", "suspend: 'true'", "spec.suspend", "must be of type boolean"),
    bad("an unknown policy", "deletionPolicy: Keep", "spec.deletionPolicy", '"Delete", "Retain"'),
    bad("a misspelt part", "roleout: {}", 'unknown field "spec.roleout"'),
)

_LATER = "is not available in this version of the operator"

NOT_YET = (
    bad("no training on change", "triggers: {specChange: false}", "triggers.specChange: false", _LATER, "use suspend"),
    bad("a schedule", "triggers: {schedule: {cron: '0 3 * * 1'}}", "triggers.schedule", _LATER),
    bad("training on drift", "triggers: {drift: true}", "triggers.drift", _LATER),
    bad("a cooldown", "triggers: {cooldown: 1h}", "triggers.cooldown", _LATER),
    bad("a limit of runs", "triggers: {maxRunsPerDay: 4}", "triggers.maxRunsPerDay", _LATER),
    bad("drift", "drift: {}", "drift", _LATER),
)

LATER_BUT_WRONG = (
    bad("a schedule of four fields", "triggers: {schedule: {cron: '0 3 * *'}}", "must have five fields"),
    bad("a time zone with a blank", "triggers: {schedule: {cron: '0 3 * * 1', timeZone: New York}}", "IANA time zone"),
    bad("hysteresis upside down", "drift: {clearThreshold: 0.5}", "clearThreshold must not be above"),
)

BAD = (
    *DATASET,
    *TRAINING,
    *TRIGGERS,
    *EVALUATION,
    *SERVING,
    *ROLLOUT,
    *ANALYSIS,
    *HOOKS,
    *THE_REST,
    *NOT_YET,
    *LATER_BUT_WRONG,
)
