"""The rights that the operator's account needs, and those by which `doctor` reads. Pure.

The operator's are those of manifests/base/rbac.yaml, one by one; docs/rights.md says what each is
for. A test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from homelab_netpol.cluster.rights import Right
from homelab_netpol.settings import Settings

_ISTIO = "security.istio.io"
# Group, resources, verbs: without one of these the operator is never ready, or does not write.
_ESSENTIAL: tuple[tuple[str, str, str], ...] = (
    ("", "namespaces", "list watch"),
    (
        "cilium.io",
        "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies",
        "get list watch create update delete",
    ),
    ("network-policy.homelab", "networkprofiles sharedresources", "list watch"),
)
_ISTIO_RULE = (_ISTIO, "authorizationpolicies peerauthentications", _ESSENTIAL[1][2])
# Without one of these something that helps is missing; what labels say is written all the same.
_HELPFUL: tuple[tuple[str, str, str], ...] = (
    ("network-policy.homelab", "networkprofiles/status sharedresources/status", "patch"),
    ("", "pods services", "list"),
    ("networking.k8s.io", "networkpolicies ingresses", "list"),
    ("gateway.networking.k8s.io", "gateways httproutes grpcroutes tlsroutes", "list"),
    ("policy.networking.k8s.io", "clusternetworkpolicies", "list"),
    ("", "events", "create patch"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "list watch"),
)
# What `doctor` itself lists.
_READ: tuple[tuple[str, str, str], ...] = (
    ("", "namespaces", "list"),
    ("cilium.io", "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", "list"),
    ("network-policy.homelab", "networkprofiles sharedresources", "list"),
    ("apps", "deployments", "list"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "get"),
    ("authorization.k8s.io", "subjectaccessreviews", "create"),
)


def _rights(rules: Iterable[tuple[str, str, str]]) -> Iterator[Right]:
    for group, resources, verbs in rules:
        for resource in resources.split():
            for verb in verbs.split():
                yield Right(group, resource, verb)


def lease_place(settings: Settings, home: str) -> tuple[str, str]:
    """Namespace and name of the Lease."""
    return settings.leader_election.namespace or home, settings.leader_election.name


def essential(settings: Settings, home: str) -> list[Right]:
    """The operator's, without which it does not do its work."""
    rules = [*_ESSENTIAL, *([_ISTIO_RULE] if settings.mesh.writes_istio else [])]
    namespace, name = lease_place(settings, home)
    leases = ("coordination.k8s.io", "leases")
    return [
        *_rights(rules),
        Right(*leases, "create", namespace),
        *(Right(*leases, verb, namespace, name) for verb in ("get", "update")),
    ]


def helpful(settings: Settings) -> list[Right]:
    """The operator's, without which it does it, and something else is missing."""
    place = settings.cilium
    return [
        *_rights(_HELPFUL),
        Right("", "configmaps", "get", place.namespace, place.config_map),
    ]


def reading(settings: Settings, home: str) -> list[Right]:
    """What `doctor` reads by."""
    place = settings.cilium
    namespace, name = lease_place(settings, home)
    return [
        *_rights(_READ),
        Right("", "pods", "list", home),
        Right("", "pods", "list", place.namespace),
        Right("", "configmaps", "get", place.namespace, place.config_map),
        Right("", "configmaps", "get", home),
        Right("coordination.k8s.io", "leases", "get", namespace, name),
        Right("", "pods/proxy", "get", home),
    ]
