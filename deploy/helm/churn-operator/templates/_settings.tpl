{{/* Every setting of the operator as its environment variable: CHURN_ and its name in capitals. */}}
{{- define "churn-operator.settings" -}}
{{- $settings := dict }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
{{- $variable := regexReplaceAll "([A-Z])" $name "_${1}" | upper }}
{{- /* Helm reads numbers as floats, and writes a large one as 1.2e+06. */}}
{{- if kindIs "float64" $value }}
{{- $value = ternary (int64 $value | toString) (toString $value) (eq (floor $value) $value) }}
{{- end }}
{{- $_ := set $settings (printf "CHURN_%s" $variable) (toString $value) }}
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
