{{/* Egress to DNS and to the named parts, from (list <context> <names>). */}}
{{- define "churn-operator.egress" -}}
{{- $context := index . 0 -}}
{{- $dns := $context.Values.networkPolicy.egress.dns -}}
# DNS
- ports:
    {{- range $protocol := list "UDP" "TCP" }}
    {{- range $dns.ports }}
    - {protocol: {{ $protocol }}, port: {{ . }}}
    {{- end }}
    {{- end }}
  {{- with $dns.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
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
