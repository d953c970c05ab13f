{{/* The base of every resource's name; 53 characters, so that suffixes fit into a label. */}}
{{- define "carillon.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | replace "." "-" | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the serving pods: never changes over the life of a release. */}}
{{- define "carillon.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: server
{{- end -}}

{{/* Labels of everything; the component is added by who uses it. */}}
{{- define "carillon.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "carillon.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "carillon.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "carillon.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Pod Security Standards "restricted", and the group that may read the mounted Secrets. */}}
{{- define "carillon.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int64 .Values.runAsId }}
runAsGroup: {{ int64 .Values.runAsId }}
fsGroup: {{ int64 .Values.runAsId }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "carillon.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop:
    - ALL
{{- end -}}

{{- define "carillon.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/*
How the kubelet asks: path and service say the same in two languages. Until 1.36 its gRPC probes know no TLS, and the
server knows nothing else.
*/}}
{{- define "carillon.probe" -}}
{{- if not .root.Values.probes.grpc.enabled -}}
httpGet:
  path: {{ .path }}
  port: https
  scheme: HTTPS
{{- else if semverCompare ">=1.37.0-0" .root.Capabilities.KubeVersion.Version -}}
grpc:
  port: {{ .root.Values.listenPort }}
  service: {{ .service }}
  mode: TLS
{{- else -}}
{{- fail "probes.grpc.enabled needs Kubernetes 1.37 or newer: before that the kubelet asks without TLS" -}}
{{- end -}}
{{- end }}
