"""What Cilium's ConfigMap says of how soon a pod's identity changes."""

from __future__ import annotations

from tests.cluster.kube import Kube

_CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
_NO_DELAY = {"identity-max-jitter": "0s", "identity-change-grace-period": "0s"}


def write_quick_identities(kube: Kube) -> None:
    """Identities change without delay."""
    kube.create(_CONFIG_MAPS, {"metadata": {"name": "cilium-config"}, "data": _NO_DELAY})


def delete_cilium_config(kube: Kube) -> None:
    """Nothing is known of it any more."""
    kube.delete(f"{_CONFIG_MAPS}/cilium-config")
