{{/*
The model server of churn models, for every InferenceService that names it or asks for the format "churn", from a dict:
context, namespace ("" for the cluster). The operator sets CHURN_MODEL_SHA256 and CHURN_MODEL_VERSION in the
InferenceService's predictor.model.env.
*/}}
{{- define "churn-operator.servingRuntime" -}}
apiVersion: serving.kserve.io/v1alpha1
kind: {{ ternary "ServingRuntime" "ClusterServingRuntime" (ne .namespace "") }}
metadata:
  name: {{ .context.Values.servingRuntime.name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    app.kubernetes.io/name: churn-serving
    {{- if not (hasKey .context.Values.extraLabels "app.kubernetes.io/part-of") }}
    app.kubernetes.io/part-of: churn-operator
    {{- end }}
    {{- include "churn-operator.release" .context | nindent 4 }}
spec:
  annotations:
    prometheus.io/scrape: "true"
    prometheus.io/port: "8080"
    prometheus.io/path: /metrics
    prometheus.kserve.io/port: "8080"
    prometheus.kserve.io/path: /metrics
  protocolVersions:
    - v1
    - v2
  supportedModelFormats:
    # The artifact is a scikit-learn Pipeline, but not every scikit-learn model is a churn model: never chosen by itself.
    - name: sklearn
      version: "1"
      autoSelect: false
    - name: churn
      version: "1"
      autoSelect: true
  {{- with .context.Values.servingRuntime.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: kserve-container
      image: {{ include "churn-operator.image" (list .context.Values.servingRuntime.image .context) }}
      args:
        - --model_name={{ "{{.Name}}" }}
        - --model_dir=/mnt/models
        - --http_port=8080
        # A load balancer goes on sending requests for a moment after SIGTERM.
        - --drain_seconds=5
      ports:
        - containerPort: 8080
          protocol: TCP
      readinessProbe:
        httpGet:
          path: /v2/health/ready
          port: 8080
        periodSeconds: 2
        timeoutSeconds: 2
      livenessProbe:
        httpGet:
          path: /v2/health/live
          port: 8080
        initialDelaySeconds: 30
        periodSeconds: 10
        timeoutSeconds: 5
      resources:
        {{- toYaml .context.Values.servingRuntime.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        capabilities:
          drop:
            - ALL
        privileged: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
{{- end }}
