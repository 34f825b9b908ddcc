{{/* What the operator does in a namespace that has ChurnModels. */}}
{{- define "churn-operator.rules" -}}
# The watch, and the finalizer: a patch. That a patch never reaches spec is what the admission policy is for.
- apiGroups: [churnops.dev]
  resources: [churnmodels]
  verbs: [get, list, watch, patch]
- apiGroups: [churnops.dev]
  resources: [churnmodels/status]
  verbs: [update]
# Owner references that hold back the owner's deletion need it where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [churnops.dev]
  resources: [churnmodels/finalizers]
  verbs: [update]
# Server-side apply is a patch, and a create where there is nothing yet.
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
# A repeated event is counted, not posted again.
- apiGroups: [""]
  resources: [events]
  verbs: [get, create, patch]
{{- end }}

{{/* What it looks at elsewhere in the cluster. */}}
{{- define "churn-operator.clusterRules" -}}
# The address that a Gateway answers at.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [get]
# KServe's default deployment mode.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [inferenceservice-config]
  verbs: [get]
# kopf watches definitions, so that KServe may be installed after the operator.
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [list, watch]
{{- end }}

{{/* spec.dataset.secretRef names a Secret beside its ChurnModel. The operator can read one by name and list none. */}}
{{- define "churn-operator.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}

{{/* What the web app reads by itself. What a person does there is done with the person's own token. */}}
{{- define "churn-operator.webappRules" -}}
- apiGroups: [churnops.dev]
  resources: [churnmodels]
  verbs: [get, list]
- apiGroups: [""]
  resources: [events]
  verbs: [list]
{{- end }}

{{/*
A Role or ClusterRole and its binding, from a dict: context, name, namespace ("" for the cluster), rules, account (the
operator's, if there is none).
*/}}
{{- define "churn-operator.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (ne .namespace "") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "churn-operator.labels" .context | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "churn-operator.labels" .context | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ default (include "churn-operator.serviceAccountName" .context) .account }}
    namespace: {{ .context.Release.Namespace }}
{{- end }}
