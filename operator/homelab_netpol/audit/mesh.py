"""Mutual TLS by Namespace, as Istio's PeerAuthentications set it. Pure.

By https://istio.io/latest/docs/reference/config/security/peer_authentication/: one with a selector
is about some pods, one without about its Namespace, in the root namespace about the mesh; what sets
no mode inherits, and where nothing does it is PERMISSIVE. In ambient mode DISABLE is not supported.
"""

from __future__ import annotations

from collections import Counter

from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import Mtls, MtlsMode
from homelab_netpol.manifests import Manifest
from homelab_netpol.shapes import mapping, text

_PEER, _AUTHORIZATION = "PeerAuthentication", "AuthorizationPolicy"
_MODES = {each.value: each for each in (MtlsMode.STRICT, MtlsMode.PERMISSIVE, MtlsMode.DISABLE)}
# https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/: by the Namespace's labels.
_INJECTION, _REVISION = "istio-injection", "istio.io/rev"


class MeshReader:
    """Reads what Istio is told."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._unread = given.manifests.unread
        root = given.settings.mesh.root_namespace
        self._of_namespace: dict[str, Manifest] = {}
        self._of_pods: dict[str, list[Manifest]] = {}
        for each in given.manifests.of(_PEER):
            if mapping(each.data, "spec", "selector"):
                self._of_pods.setdefault(each.namespace, []).append(each)
            elif _mode(each) is not None:
                self._of_namespace.setdefault(each.namespace, each)
        self._of_mesh = self._of_namespace.get(root)
        policies = given.manifests.of(_AUTHORIZATION)
        self._policies = Counter(each.namespace for each in policies)

    def of(self, namespace: str) -> Mtls:
        """Mutual TLS in a Namespace."""
        count = None if _AUTHORIZATION in self._unread else self._policies[namespace]
        kind = self._kind(namespace)
        if not kind:
            return Mtls(MtlsMode.NONE, "", count)
        if _PEER in self._unread:
            return Mtls(MtlsMode.UNKNOWN, f"{_PEER}s could not be read", count)
        found = self._of_namespace.get(namespace) or self._of_mesh
        mode = _mode(found) if found is not None else None
        said = _name(found) if found is not None else "Istio's default"
        if mode is MtlsMode.DISABLE and kind == "ambient":
            mode, said = MtlsMode.PERMISSIVE, f"{said}, whose DISABLE ambient mode does not have"
        others = [
            f"{_name(each)} of some pods: {other}"
            for each in self._of_pods.get(namespace, ())
            if (other := _mode(each)) is not None or mapping(each.data, "spec", "portLevelMtls")
        ]
        return Mtls(mode or MtlsMode.PERMISSIVE, "; ".join([said, *others]), count)

    def _kind(self, namespace: str) -> str:
        """`ambient` or `sidecar`; "": it is in no mesh, as far as its labels say."""
        intent = self._given.model.desired.intents.get(namespace)
        if intent is not None and intent.meshed:
            return "ambient"
        labels = self._given.model.namespaces.get(namespace, {})
        injected = labels.get(_INJECTION) == "enabled" or bool(labels.get(_REVISION))
        return "sidecar" if injected and labels.get(_INJECTION) != "disabled" else ""


def _mode(manifest: Manifest) -> MtlsMode | None:
    return _MODES.get(text(manifest.data, "spec", "mtls", "mode"))


def _name(manifest: Manifest) -> str:
    return f"{_PEER} {manifest.namespace}/{manifest.name}"
