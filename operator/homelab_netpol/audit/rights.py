"""Who may change what decides about access: labels of Namespaces, custom resources, policies. Pure.

By Kubernetes' RBAC (https://kubernetes.io/docs/reference/access-authn-authz/rbac/): rights add up,
`*` is every verb, group or resource, and a RoleBinding grants in its Namespace only; there also
on the Namespace itself. What other authorizers allow does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import MayChange
from homelab_netpol.manifests import Manifest, kinds
from homelab_netpol.shapes import items, mappings, text, texts

_CHANGE = ("update", "patch")
_WRITE = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True, slots=True)
class _Object:
    """A kind of objects that decides about access, and which verbs change what they say."""

    group: str
    resource: str
    verbs: tuple[str, ...]


_DECIDING = (
    _Object("", "namespaces", _CHANGE),
    # The API server takes labels here as well.
    _Object("", "namespaces/status", _CHANGE),
    _Object("", "namespaces/finalize", ("update",)),
    _Object("network-policy.homelab", "networkprofiles", _WRITE),
    _Object("network-policy.homelab", "sharedresources", _WRITE),
    _Object("cilium.io", "ciliumnetworkpolicies", _WRITE),
    _Object("cilium.io", "ciliumclusterwidenetworkpolicies", _WRITE),
    _Object("networking.k8s.io", "networkpolicies", _WRITE),
    _Object("policy.networking.k8s.io", "clusternetworkpolicies", _WRITE),
)
_CLUSTERWIDE = frozenset(
    {
        *("networkprofiles", "sharedresources"),
        *("ciliumclusterwidenetworkpolicies", "clusternetworkpolicies"),
    }
)
_EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
_EDIT = {
    "apiGroups": ["networking.k8s.io"],
    "resources": ["networkpolicies"],
    "verbs": ["create", "delete", "deletecollection", "patch", "update"],
}
# Those that every cluster has, as far as they matter here: a tree of files never holds them.
_BUILT_IN: dict[str, list[Mapping[str, Any]]] = {
    "cluster-admin": [_EVERYTHING],
    "admin": [_EDIT],
    "edit": [_EDIT],
    "view": [],
}
_SYSTEM = "system:"
# Of these, everybody is a member, or may be.
EVERYBODY = (
    "system:authenticated",
    "system:unauthenticated",
    "system:anonymous",
    "system:serviceaccounts",
)
_OF_KUBERNETES = "kube-system"


class RightsReader:
    """Reads the roles and bindings of one cluster.

    Attributes:
        missing: roles that a binding names and that are not given, in sentences.
    """

    def __init__(self, given: Given) -> None:
        self._given = given
        manifests = given.manifests
        self._roles = {
            (each.kind, each.namespace, each.name): each
            for kind in (kinds.CLUSTER_ROLE, kinds.ROLE)
            for each in manifests.of(kind)
        }
        self.missing: dict[str, None] = {}

    @property
    def is_known(self) -> bool:
        """Roles and bindings could be read; of files, some are given."""
        manifests = self._given.manifests
        if not manifests.unread.isdisjoint(kinds.RBAC):
            return False
        return self._given.from_cluster or any(manifests.of(each) for each in kinds.RBAC)

    def all(self) -> list[MayChange]:
        """Everybody who may, by subject."""
        manifests = self._given.manifests
        bindings = [
            each
            for kind in (kinds.CLUSTER_ROLE_BINDING, kinds.ROLE_BINDING)
            for each in manifests.of(kind)
        ]
        found = [each for binding in bindings for each in self._of_binding(binding)]
        return sorted(found, key=lambda each: (each.system, each.subject, each.through))

    def _of_binding(self, binding: Manifest) -> Iterator[MayChange]:
        rules = self._rules(binding)
        may = tuple(_may(rules, binding.namespace))
        if not may:
            return
        through = "/".join(each for each in (binding.kind, binding.namespace, binding.name) if each)
        for subject in mappings(binding.data, "subjects"):
            kind, name = text(subject, "kind"), text(subject, "name")
            namespace = text(subject, "namespace")
            if kind == "User" and name.startswith("system:serviceaccount:"):
                kind, (namespace, _, name) = "ServiceAccount", name.split(":", 2)[2].partition(":")
            named = f"{namespace}/{name}" if kind == "ServiceAccount" else name
            yield MayChange(
                f"{kind} {named}",
                kind,
                binding.namespace or None,
                may,
                through,
                _is_system(kind, name, namespace, binding),
            )

    def _rules(self, binding: Manifest) -> Sequence[Mapping[str, Any]]:
        kind, name = text(binding.data, "roleRef", "kind"), text(binding.data, "roleRef", "name")
        namespace = binding.namespace if kind == kinds.ROLE else ""
        role = self._roles.get((kind, namespace, name))
        if role is not None:
            return self._of_role(role)
        if kind == kinds.CLUSTER_ROLE and name in _BUILT_IN:
            return _BUILT_IN[name]
        if not name.startswith(_SYSTEM):
            self.missing[f"{kind} {name}, which {binding} binds, is not given"] = None
        return ()

    def _of_role(self, role: Manifest) -> Sequence[Mapping[str, Any]]:
        """Its rules; where a controller has not aggregated them yet, those of the others."""
        rules = mappings(role.data, "rules")
        if rules or role.stands:
            return rules
        selectors = mappings(role.data, "aggregationRule", "clusterRoleSelectors")
        wanted = [texts(each, "matchLabels") for each in selectors]
        return [
            rule
            for (kind, _, name), other in self._roles.items()
            if kind == kinds.CLUSTER_ROLE
            and name != role.name
            and any(each and each.items() <= other.labels.items() for each in wanted)
            for rule in mappings(other.data, "rules")
        ]


def _may(rules: Sequence[Mapping[str, Any]], namespace: str) -> Iterator[str]:
    """What rules allow of it: `namespaces: patch, update`; of single objects with their names."""
    for each in _DECIDING:
        if namespace and each.resource in _CLUSTERWIDE:
            continue
        verbs: dict[tuple[str, ...], set[str]] = {}
        for rule in rules:
            if _names(rule, "apiGroups", each.group) and _names_resource(rule, each.resource):
                given = set(map(str, items(rule, "verbs")))
                changing = [verb for verb in each.verbs if given & {"*", verb}]
                names = tuple(sorted(map(str, items(rule, "resourceNames"))))
                verbs.setdefault(names, set()).update(changing)
        for names, allowed in sorted(verbs.items()):
            if allowed:
                of = f" {', '.join(names)}" if names else ""
                yield f"{each.resource}{of}: {', '.join(sorted(allowed))}"


def _names(rule: Mapping[str, Any], key: str, value: str) -> bool:
    found = items(rule, key)
    return "*" in found or value in found


def _names_resource(rule: Mapping[str, Any], resource: str) -> bool:
    """Of a subresource `*/status` is one too, for all resources that have it."""
    _, _, subresource = resource.partition("/")
    return _names(rule, "resources", resource) or bool(
        subresource and _names(rule, "resources", f"*/{subresource}")
    )


def _is_system(kind: str, name: str, namespace: str, binding: Manifest) -> bool:
    """It is part of Kubernetes itself; never where everybody is meant."""
    if kind == "Group" and name.startswith(EVERYBODY):
        return False
    if kind == "ServiceAccount":
        return namespace == _OF_KUBERNETES and binding.name.startswith(_SYSTEM)
    return name.startswith(_SYSTEM)


def everybody_may(change: MayChange) -> bool:
    """Anybody with an account may, or even without."""
    _, _, name = change.subject.partition(" ")
    return change.kind != "ServiceAccount" and name in EVERYBODY


def labels_of_all(change: MayChange) -> bool:
    """It may change the labels of every Namespace."""
    return change.namespace is None and any(
        each.startswith(("namespaces:", "namespaces/")) and " " not in each.partition(":")[0]
        for each in change.may
    )
