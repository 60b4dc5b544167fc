"""Reads a cluster's objects as commands read them from files. Read only."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP, NETWORK_POLICY
from homelab_netpol.cluster.errors import Forbidden, NotFound, refusal
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.manifests import kinds as known

if TYPE_CHECKING:
    # A command that reads files only must not wait for the Kubernetes client.
    from homelab_netpol.cluster.client import Api

_SOURCE = Source("cluster")
_CILIUM = "cilium.io/v2"
_OWN = "network-policy.homelab/v1alpha1"
_GATEWAYS = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
_ADMISSION = "admissionregistration.k8s.io/v1"
_ISTIO = ("security.istio.io/v1", "security.istio.io/v1beta1")

# Of each kind the versions, the newest first: the first that is served counts.
_VERSIONS: dict[str, tuple[str, ...]] = {
    known.NAMESPACE: ("v1",),
    known.NETWORK_PROFILE: (_OWN,),
    known.SHARED_RESOURCE: (_OWN,),
    CNP: (_CILIUM,),
    CCNP: (_CILIUM,),
    known.CIDR_GROUP: (_CILIUM, "cilium.io/v2alpha1"),
    NETWORK_POLICY: ("networking.k8s.io/v1",),
    CLUSTER_NETWORK_POLICY: ("policy.networking.k8s.io/v1alpha2",),
    known.POD: ("v1",),
    known.SERVICE: ("v1",),
    "EndpointSlice": ("discovery.k8s.io/v1",),
    "Node": ("v1",),
    "Deployment": ("apps/v1",),
    "StatefulSet": ("apps/v1",),
    "DaemonSet": ("apps/v1",),
    "Ingress": ("networking.k8s.io/v1",),
    "IngressClass": ("networking.k8s.io/v1",),
    "Gateway": _GATEWAYS,
    "GatewayClass": _GATEWAYS,
    "HTTPRoute": _GATEWAYS,
    "AuthorizationPolicy": _ISTIO,
    "PeerAuthentication": _ISTIO,
    known.LOCAL_REDIRECT: (_CILIUM,),
    "ValidatingWebhookConfiguration": (_ADMISSION,),
    "MutatingWebhookConfiguration": (_ADMISSION,),
    "APIService": ("apiregistration.k8s.io/v1",),
    **dict.fromkeys(sorted(known.RBAC), (f"{known.RBAC_GROUP}/v1",)),
}
_CALICO = (("NetworkPolicy", "networkpolicies"), ("GlobalNetworkPolicy", "globalnetworkpolicies"))
_CALICO_VERSION = "crd.projectcalico.org/v1"


async def read_cluster(
    api: Api,
    kinds: Collection[str],
    *,
    calico: bool = False,
    config_maps: Collection[tuple[str, str]] = (),
) -> ManifestSet:
    """Lists the objects of some kinds.

    What the account may not list is a gap of the result; a kind that the cluster does not have is
    none.

    Args:
        api: the cluster.
        kinds: which kinds.
        calico: Calico's policies as well.
        config_maps: namespace and name of each that is read.

    Raises:
        ApiError: the API server did not answer.
    """
    found = ManifestSet(with_rbac=not known.RBAC.isdisjoint(kinds))
    for kind in kinds:
        await _add(found, api, kind, [(each, _plural(kind)) for each in _VERSIONS[kind]])
    if calico:
        for kind, plural in _CALICO:
            await _add(found, api, kind, [(_CALICO_VERSION, plural)])
    for namespace, name in config_maps:
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        try:
            found.add([_manifest(await api.request("GET", path), "v1", "ConfigMap")])
        except NotFound:
            continue
        except Forbidden as error:
            found.unread.add("ConfigMap")
            found.gaps.append(f"the ConfigMap {namespace}/{name} may not be read: {refusal(error)}")
    return found


async def _add(found: ManifestSet, api: Api, kind: str, places: list[tuple[str, str]]) -> None:
    for version, plural in places:
        path = f"/api/{version}/{plural}" if "/" not in version else f"/apis/{version}/{plural}"
        try:
            async for items, _ in api.pages(path):
                found.add(_manifest(item, version, kind) for item in items)
        except NotFound:
            continue
        except Forbidden as error:
            found.unread.add(kind)
            found.gaps.append(f"{plural} may not be listed: {refusal(error)}")
        return


def _plural(kind: str) -> str:
    lower = kind.lower()
    if lower.endswith("y") and lower[-2] not in "aeiou":
        return f"{lower[:-1]}ies"
    return f"{lower}{'es' if lower.endswith('s') else 's'}"


def _manifest(item: dict[str, Any], version: str, kind: str) -> Manifest:
    return Manifest({"apiVersion": version, "kind": kind, **item}, _SOURCE)
