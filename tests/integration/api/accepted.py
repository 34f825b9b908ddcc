"""Specs that must be accepted, as YAML laid over the minimal one."""

from __future__ import annotations

from churn_operator.api.v1alpha1 import METRICS

_TWENTY = ", ".join(f"{{weight: {5 * place}, bake: 0s}}" for place in range(1, 21))

GOOD = {
    "nothing but the dataset": "{}",
    "a prefix of Parquet files": "dataset: {uri: 's3://data.lake-1/customers/2026/', format: parquet}",
    "another bucket with a secret of its own": "dataset: {secretRef: {name: s3.reader}, endpoint: 'https://s3.example.com'}",
    "a contract of one's own": """
dataset:
  target: left
  positiveLabel: "true"
  idColumn: id
  columns:
    - {name: monthly price, kind: number, minimum: 0, maximum: 99.5, nullable: true}
    - {name: Vertrag, kind: category, categories: [monatlich, jährlich]}
""",
    "hyperparameters of every scalar type": """
training:
  algorithm: randomForest
  hyperparameters: {n_estimators: 200, max_features: 0.5, bootstrap: true, criterion: gini}
""",
    "whole processors without quotes": "training: {resources: {requests: {cpu: 1}, limits: {cpu: 2, memory: 4Gi}}}",
    "a request equal to its limit": "serving: {resources: {requests: {cpu: 1000m}, limits: {cpu: 1}}}",
    "an image by digest at a port": f"training: {{image: 'localhost:5000/team/trainer:1.0@sha256:{'0' * 64}'}}",
    "Kubeflow Pipelines of a profile": """
training:
  pipelines: {endpoint: 'https://kfp.example.com/pipeline', namespace: team, experiment: Churn 2026, tokenPath: /token}
""",
    "a pipeline of one's own": "training: {pipeline: {uri: 's3://mlops-data/pipelines/churn-1.4.yaml'}}",
    "a pipeline of one's own takes hyperparameters without an algorithm": """
training: {pipeline: {uri: 's3://b/p.yml'}, hyperparameters: {depth: 3}, image: 'team/trainer:7', seed: 7}
""",
    "new data": "triggers: {datasetChange: {enabled: true, pollInterval: 1h30m}}",
    "a floor and a ceiling for the same metric": "evaluation: {minimums: {rocAuc: 0.8}, maximums: {rocAuc: 0.9}}",
    "every metric": f"evaluation: {{maximums: {{{', '.join(f'{metric}: 1' for metric in METRICS)}}}}}",
    "metrics beyond 1 where they go beyond": "evaluation: {minimums: {liftTopDecile: 2.5}, maximums: {logLoss: 1.2}}",
    "an alarm and a champion by their defaults": "evaluation: {tooGood: {}, champion: {}}",
    "an alarm beyond 1, and any metric for the champion": """
evaluation:
  tooGood: {metric: liftTopDecile, above: 3.5}
  champion: {metric: expectedCalibrationError, margin: 0, confidence: 0.999}
""",
    "scale to zero": "serving: {minReplicas: 0, maxReplicas: 1, trafficDriver: knative}",
    "a runtime with dots": "serving: {runtime: churn-serving.v1, serviceAccountName: sa.minio, trafficDriver: gateway}",
    "twenty steps": f"rollout: {{steps: [{_TWENTY}]}}",
    "steps that end below 100": "rollout: {steps: [{weight: 1, bake: 168h}], progressDeadline: 24h}",
    "an analysis by its defaults": "rollout: {analysis: {prometheus: 'http://prometheus:9090'}}",
    "built-in checks with thresholds of one's own, and a query": """
rollout:
  analysis:
    prometheus: https://prometheus.example.com/tenant
    interval: 30s
    minRequests: 500
    failureLimit: 1
    onInconclusive: Rollback
    checks:
      - {name: errorRatio, maximum: 0.01}
      - {name: latencyQuantile}
      - {name: revenue, query: 'sum(rate(revenue{model="$name"}[$interval]))', minimum: 3, maximum: 9}
""",
    "an analysis by queries where all the traffic moves at once": """
rollout:
  analysis: {prometheus: 'http://p', checks: [{name: cost, query: sum(cost), maximum: 3}]}
  steps: [{weight: 100}]
""",
    "every type of hook": """
rollout:
  hooks:
    - {name: start, type: confirm-rollout, url: 'https://gate.example.com/start', retries: 0}
    - {name: more, type: confirm-traffic-increase, url: 'http://gate/more', timeout: 5m, secretRef: {name: hook-key}}
    - {name: end, type: confirm-promotion, url: 'http://gate/end'}
    - {name: brake, type: rollback, url: 'http://gate/brake'}
    - {name: log, type: event, url: 'http://gate/log'}
""",
    "blue and green": "rollout: {strategy: BlueGreen, bake: 1h}",
    "all at once, and not watched": "rollout: {strategy: Immediate, bake: 0s, steps: []}",
    "shadows, then approvals": """
serving: {trafficDriver: gateway}
rollout:
  steps:
    - {weight: 50, shadow: true, bake: 10m}
    - {weight: 100, shadow: true, approval: true}
    - {weight: 10}
    - {weight: 50, approval: true}
""",
    "a shadow whose answers are compared": """
serving: {trafficDriver: gateway}
rollout:
  steps: [{weight: 50, shadow: true, bake: 10m}]
  analysis: {prometheus: 'http://p:9090', checks: [{name: disagreement}, {name: errorRatio, maximum: 0.01}]}
""",
    "a pinned version": "{rollbackTo: 3, history: {limit: 2}}",
    "suspended, and everything removed with it": "{suspend: true, deletionPolicy: Delete}",
    "KServe's own canaries": """
serving: {trafficDriver: canary}
rollout: {steps: [{weight: 10, bake: 1h}, {weight: 50, bake: 1h}]}
""",
    "what comes later, switched off": """
triggers: {specChange: true, drift: false}
rollout: {strategy: Canary, hooks: [], steps: [{weight: 50, shadow: false, approval: false}]}
""",
}
