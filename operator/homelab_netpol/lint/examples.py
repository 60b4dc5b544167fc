"""The examples of rules: policies, of which each writes its own part only. Pure."""

from __future__ import annotations


def cilium_policy(name: str, spec: str, namespace: str = "photos") -> str:
    """A CiliumNetworkPolicy.

    Args:
        name: its name.
        spec: what stands under `spec`, indented by two.
        namespace: where it is.
    """
    return _policy("cilium.io/v2", "CiliumNetworkPolicy", name, spec, namespace)


def network_policy(name: str, spec: str, namespace: str = "photos") -> str:
    """A NetworkPolicy of Kubernetes'; the arguments are those of `cilium_policy`."""
    return _policy("networking.k8s.io/v1", "NetworkPolicy", name, spec, namespace)


def _policy(version: str, kind: str, name: str, spec: str, namespace: str) -> str:
    return f"""\
apiVersion: {version}
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{spec}"""
