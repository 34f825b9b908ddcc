{{/* The environment variable of a setting: CHURN_ and its name in capitals. */}}
{{- define "churn-operator.variable" -}}
CHURN_{{ regexReplaceAll "([A-Z])" . "_${1}" | upper }}
{{- end }}

{{/* A value as text. Helm reads numbers as floats, and would write a large one as 1.2e+06. */}}
{{- define "churn-operator.text" -}}
{{- if kindIs "float64" . }}
{{- ternary (int64 . | toString) (toString .) (eq (floor .) .) }}
{{- else }}
{{- toString . }}
{{- end }}
{{- end }}

{{/* The S3 credentials, as variables of a container; none where a role of the ServiceAccount opens the store. */}}
{{- define "churn-operator.credentials" -}}
{{- if .Values.artifactStore.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .Values.artifactStore.existingSecret }}
      key: {{ .Values.artifactStore.accessKeyIdKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.artifactStore.existingSecret }}
      key: {{ .Values.artifactStore.secretAccessKeyKey }}
- name: AWS_REGION
  valueFrom:
    secretKeyRef:
      name: {{ .Values.artifactStore.existingSecret }}
      key: {{ .Values.artifactStore.regionKey }}
      optional: true
{{- end }}
{{- end }}

{{/* Every setting of the operator, as the data of a ConfigMap. */}}
{{- define "churn-operator.settings" -}}
{{- $settings := dict }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $settings (include "churn-operator.variable" $name) (include "churn-operator.text" $value) }}
{{- end }}
{{- end }}
{{- $_ := set $settings "CHURN_TRAINER_IMAGE" (include "churn-operator.image" (list .Values.trainer.image .)) }}
{{- if ne .Values.servingRuntime.name "churn-serving" }}
{{- $_ := set $settings "CHURN_RUNTIME" .Values.servingRuntime.name }}
{{- end }}
{{- if .Values.watchNamespaces }}
{{- $_ := set $settings "CHURN_NAMESPACES" (join "," .Values.watchNamespaces) }}
{{- end }}
{{- if gt (int .Values.replicas) 1 }}
{{- $_ := set $settings "CHURN_LEADER_ELECTION" "true" }}
{{- $_ := set $settings "CHURN_LEASE_NAME" (include "churn-operator.fullname" .) }}
{{- end }}
{{- if .Values.pipelinesToken.enabled }}
{{- $_ := set $settings "CHURN_PIPELINES_TOKEN_PATH" "/var/run/secrets/kubeflow/pipelines/token" }}
{{- end }}
{{- toYaml $settings }}
{{- end }}
