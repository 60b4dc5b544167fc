"""The rights that the manifests give, one by one, and roles that lack one of them."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator

from tests.cluster.audited import HOME, Right
from tests.cluster.kube import Manifest
from tests.cluster.service_account import rbac, rights_of

CILIUM, ISTIO = "cilium.io", "security.istio.io"
# Where Cilium's ConfigMap is.
ELSEWHERE = "kube-system"
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")


def rights(*groups: str) -> list[Right]:
    """Every right that the manifests give, the admission component's among them.

    Args:
        *groups: API groups to keep to; none given: all but Cilium's and Istio's.
    """
    found = sorted(rights_of(_documents()))
    if groups:
        return [right for right in found if right.group in groups]
    return [right for right in found if right.group not in (CILIUM, ISTIO)]


def rights_elsewhere() -> list[Right]:
    """The rights that the manifests give in `ELSEWHERE` only."""
    there = [each for each in _documents() if each["metadata"].get("namespace") == ELSEWHERE]
    return sorted(rights_of(there))


def without(lacking: Collection[Right], account: str, *, namespace: str = HOME) -> list[Manifest]:
    """An account with the roles of the manifests, under names of its own.

    Args:
        lacking: the rights that it lacks.
        account: its name, which its roles and bindings have as well.
        namespace: where it lacks them, and clusterwide; in other namespaces it has them.
    """
    found = copy.deepcopy(_documents())
    for document in found:
        home = document["metadata"].get("namespace", HOME)
        document["metadata"] = {"name": _renamed(document, account), "namespace": home}
        if document["kind"] in _BINDINGS:
            document["roleRef"]["name"] = f"{account}-{document['roleRef']['name']}"
            document["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": HOME}]
        for right in lacking if "rules" in document and home == namespace else ():
            document["rules"] = [
                smaller for rule in document["rules"] for smaller in _smaller(rule, right)
            ]
    return found


def _documents() -> list[Manifest]:
    return rbac(admission=True)


def _renamed(document: Manifest, account: str) -> str:
    if document["kind"] == "ServiceAccount":
        return account
    return f"{account}-{document['metadata']['name']}"


def _smaller(rule: Manifest, right: Right) -> Iterator[Manifest]:
    """A rule without a right: for its resource with fewer verbs, for the others as it was."""
    if right.group not in rule["apiGroups"] or right.resource not in rule["resources"]:
        yield rule
        return
    others = [resource for resource in rule["resources"] if resource != right.resource]
    verbs = [verb for verb in rule["verbs"] if verb != right.verb]
    if others:
        yield {**rule, "resources": others}
    if verbs:
        yield {**rule, "resources": [right.resource], "verbs": verbs}
