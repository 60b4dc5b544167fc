"""Policies, and objects beside them, as short texts for a rule to look at."""

from __future__ import annotations

_METADATA = "metadata: {name: web, namespace: photos}\n"
CNP = f"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n{_METADATA}"
CCNP = "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: web}\n"
NP = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n{_METADATA}"
WEB = (
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: photos, labels: {app: web}}\n"
    "spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}\n"
)
HELM_RELEASE = (
    "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    "metadata: {name: a, namespace: b}\n"
)
NODE = "---\napiVersion: v1\nkind: Node\nmetadata: {name: one}\n"
PHOTOS = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: photos}\n"
API = (
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\n"
    "spec: {clusterIP: 10.0.0.1}\n"
)
FAR = "fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: far}}]"


def cnp(spec: str) -> str:
    """A CiliumNetworkPolicy for one app; PORT is one port."""
    return of(CNP, f"endpointSelector: {{matchLabels: {{app: web}}}}, {spec}")


def of(head: str, spec: str) -> str:
    """A policy of one of the kinds above; PORT likewise."""
    port = 'toPorts: [{ports: [{port: "8080", protocol: TCP}]}]'
    return f"{head}spec: {{{spec.replace('PORT', port)}}}\n"
