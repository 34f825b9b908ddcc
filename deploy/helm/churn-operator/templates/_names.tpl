{{/* Names and labels. */}}

{{- define "churn-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "churn-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- $name := include "churn-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "churn-operator.serviceAccountName" -}}
{{- default (include "churn-operator.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{/* What tells this release's objects from another's. */}}
{{- define "churn-operator.identity" -}}
app.kubernetes.io/name: {{ include "churn-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What tells the operator's pods from others of the release. */}}
{{- define "churn-operator.selector" -}}
{{ include "churn-operator.identity" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* What tells the web app's pods from others of the release. */}}
{{- define "churn-operator.webappSelector" -}}
{{ include "churn-operator.identity" . }}
app.kubernetes.io/component: webapp
{{- end }}

{{/* Labels of every object. */}}
{{- define "churn-operator.labels" -}}
{{ include "churn-operator.identity" . }}
{{ include "churn-operator.release" . }}
{{- end }}

{{/* Labels that only Helm sets. */}}
{{- define "churn-operator.release" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.extraLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A reference to an image, from (list <image values> <context>); a digest goes before a tag. */}}
{{- define "churn-operator.image" -}}
{{- $image := index . 0 }}
{{- $context := index . 1 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default $context.Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}
