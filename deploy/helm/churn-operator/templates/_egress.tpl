{{/* Egress to DNS and to the named parts, from (list <context> <names>). */}}
{{- define "churn-operator.egress" -}}
{{- $context := index . 0 -}}
# DNS
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- range $name := index . 1 }}
{{- $rule := index $context.Values.networkPolicy.egress $name }}
# {{ $name }}
- ports:
    {{- range $rule.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with $rule.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
