{{/* Labels of every object, beside those it has of its own. */}}
{{- define "homelab-netpol.labels" -}}
{{- with .Values.labels }}
{{- toYaml . }}
{{ end -}}
app.kubernetes.io/name: homelab-netpol
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The name is fixed: policies belong to the whole cluster, and two operators would fight over them. */}}
{{- define "homelab-netpol.selector" -}}
app.kubernetes.io/name: homelab-netpol
{{- end }}

{{/* The operator's port, which its settings may move. */}}
{{- define "homelab-netpol.port" -}}
{{- dig "server" "port" 8080 .Values.settings | int }}
{{- end }}

{{/*
The settings that other values imply, as the components of the kustomization do, joined with the user's.
*/}}
{{- define "homelab-netpol.settings" -}}
{{- $settings := deepCopy .Values.settings }}
{{- if .Values.admission.enabled }}
{{- $settings = mergeOverwrite (.Files.Get "files/admission/admission.yaml" | fromYaml) $settings }}
{{- if ne .Release.Namespace "homelab-netpol" }}
{{- $settings = mergeOverwrite (dict "admission" (dict "namespace" .Release.Namespace)) $settings }}
{{- end }}
{{- end }}
{{- if .Values.internetOnly.enabled }}
{{- $settings = mergeOverwrite (.Files.Get "files/internet-only/internet-only.yaml" | fromYaml) $settings }}
{{- end }}
{{- if .Values.mesh.enabled }}
{{- $settings = mergeOverwrite (.Files.Get "files/mesh/mesh.yaml" | fromYaml) $settings }}
{{- end }}
{{- toYaml $settings }}
{{- end }}

{{/*
The objects of one of the files that the chart shares with the kustomization, each in the release's
namespace and with its labels.
*/}}
{{- define "homelab-netpol.objects" -}}
{{- $context := .context }}
{{- range regexSplit "(?m)^---$" .text -1 }}
{{- $object := fromYaml . }}
{{- if $object.kind }}
{{- include "homelab-netpol.object" (dict "context" $context "object" $object) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
One object: the release's namespace wherever it names one of its own, and the release's labels. What is in
Cilium's namespace goes to where the settings say that Cilium's ConfigMap is.
*/}}
{{- define "homelab-netpol.object" -}}
{{- $object := .object }}
{{- $namespace := .context.Release.Namespace }}
{{- $clusterwide := list "ClusterRole" "ClusterRoleBinding" "CustomResourceDefinition" "ValidatingAdmissionPolicy" "ValidatingAdmissionPolicyBinding" }}
{{- if eq (get $object.metadata "namespace") "kube-system" }}
{{- $cilium := .context.Values.settings.cilium | default dict }}
{{- $_ := set $object.metadata "namespace" (dig "namespace" "kube-system" $cilium) }}
{{- range $object.rules }}
{{- $_ := set . "resourceNames" (list (dig "configMap" "cilium-config" $cilium)) }}
{{- end }}
{{- else if not (has $object.kind $clusterwide) }}
{{- $_ := set $object.metadata "namespace" $namespace }}
{{- end }}
{{- range $object.subjects }}
{{- $_ := set . "namespace" $namespace }}
{{- end }}
{{- with dig "spec" "paramRef" nil $object }}
{{- $_ := set . "namespace" $namespace }}
{{- end }}
{{- $own := get $object.metadata "labels" | default dict }}
{{- $_ := set $object.metadata "labels" (mergeOverwrite (include "homelab-netpol.labels" .context | fromYaml) $own) }}
---
{{ toYaml $object }}
{{ end }}

{{/*
Whom pods of the release's namespace must reach and be reached by, as the settings say it: `servers` of DNS
with `dnsPorts`, `apiPorts` of the API server, `scrapers` and `probes`.
*/}}
{{- define "homelab-netpol.ways" -}}
{{- $settings := .Values.settings }}
{{- $servers := dig "dns" "servers" (list (dict "namespace" "kube-system" "podLabels" (dict "k8s-app" "kube-dns"))) $settings }}
{{- $dnsPorts := list }}
{{- range dig "dns" "ports" (list (dict "port" 53 "protocol" "UDP") (dict "port" 53 "protocol" "TCP")) $settings }}
{{- $dnsPorts = append $dnsPorts (dict "port" (.port | int | toString) "protocol" (.protocol | default "TCP")) }}
{{- end }}
{{- $apiPorts := list }}
{{- range .Values.networkPolicies.apiServerPorts }}
{{- $apiPorts = append $apiPorts (dict "port" (. | int | toString) "protocol" "TCP") }}
{{- end }}
{{- $prometheus := list (dict "namespace" "monitoring" "podLabels" (dict "app.kubernetes.io/name" "prometheus")) }}
{{- $probes := list (dict "entities" (list "health")) (dict "cidrs" (list "169.254.0.0/16" "fd16:9254:7127:1337:ffff::/80")) }}
{{- dict "servers" $servers "dnsPorts" $dnsPorts "apiPorts" $apiPorts "scrapers" (dig "scrapers" $prometheus $settings) "probes" (dig "probes" $probes $settings) | toJson }}
{{- end }}

{{/*
Rules of the operator's own policy for a list of peers of the settings: the arguments are `way` (from or to),
`peers`, and `ports` as `toPorts` has them.
*/}}
{{- define "homelab-netpol.peers" -}}
{{- $way := .way }}
{{- $ports := .ports }}
{{- range .peers }}
{{- if .namespace }}
{{- $labels := merge (dict "io.kubernetes.pod.namespace" .namespace) (.podLabels | default dict) }}
- {{ $way }}Endpoints:
    - matchLabels: {{ toJson $labels }}
{{- else if .selector }}
{{- $anywhere := list (dict "key" "io.kubernetes.pod.namespace" "operator" "Exists") }}
- {{ $way }}Endpoints:
    - matchLabels: {{ .selector.matchLabels | default dict | toJson }}
      matchExpressions: {{ concat (.selector.matchExpressions | default list) $anywhere | toJson }}
{{- else if .entities }}
- {{ $way }}Entities: {{ toJson .entities }}
{{- else }}
- {{ $way }}CIDR: {{ toJson .cidrs }}
{{- end }}
  toPorts:
    - ports: {{ toJson $ports }}
{{- end }}
{{- end }}
