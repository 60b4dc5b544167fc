"""Changes that may let something pass, each tried on the cluster in memory. Pure.

What is tried is what the operator would write after the change, beside what others wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from homelab_netpol.access.changed_cluster import changed_cluster, source_of
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, Member
from homelab_netpol.cilium.evaluation import Pod, PolicyRef
from homelab_netpol.definitions import Definitions, read_profile, read_resource
from homelab_netpol.manifests import Manifest, kinds
from homelab_netpol.policy.catalogue import Catalogue


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """A label or an annotation to put on a Namespace.

    Attributes:
        namespace: on which.
        key: its key.
        value: its value.
        annotation: it is an annotation.
    """

    namespace: str
    key: str
    value: str
    annotation: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Something to change, all of it together.

    Attributes:
        settings: labels and annotations.
        objects: custom resources, and policies, to add.
        undenied: policies whose deny rules go.
    """

    settings: tuple[Setting, ...] = ()
    objects: tuple[Mapping[str, Any], ...] = ()
    undenied: tuple[PolicyRef, ...] = ()

    @property
    def size(self) -> int:
        """How much there is to write: an object is more than a label."""
        return len(self.settings) + 2 * (len(self.objects) + len(self.undenied))

    def __add__(self, other: Change) -> Change:
        """Both."""
        settings = dict.fromkeys((*self.settings, *other.settings))
        undenied = dict.fromkeys((*self.undenied, *other.undenied))
        return Change(tuple(settings), (*self.objects, *other.objects), tuple(undenied))

    @property
    def is_consistent(self) -> bool:
        """It gives no key two values."""
        keys = {(each.namespace, each.key) for each in self.settings}
        return len(keys) == len(self.settings)


NOTHING = Change()


class Trials:
    """Makes clusters that differ by a change from the one that is given.

    Attributes:
        model: the cluster that is given.
    """

    def __init__(self, model: ClusterModel, namespaces: Collection[str] | None = None) -> None:
        """Prepares.

        Args:
            model: the cluster.
            namespaces: only these are made, beside what is clusterwide; None: all of them. Enough
                for questions about them, and much faster in a large cluster.
        """
        self.model = model
        self._source = source_of(model)
        self._kept = [
            each
            for each in model.manifests.manifests
            if namespaces is None or not each.namespace or each.namespace in namespaces
        ]
        self._namespaces = [
            each
            for each in model.manifests.namespaces()
            if namespaces is None or each["metadata"]["name"] in namespaces
        ]

    def after(self, change: Change) -> ClusterModel:
        """The cluster after a change.

        Raises:
            RenderError: a template cannot be rendered with it.
        """
        added = [Manifest(each, self._source) for each in change.objects]
        namespaces = [_changed(each, change.settings) for each in self._namespaces]
        undenied = set(change.undenied)
        kept = [
            made
            for each in self._kept
            for made in (
                without_deny_rules(each)
                if PolicyRef(each.kind, each.namespace, each.name) in undenied
                else [each]
            )
        ]
        return changed_cluster(self.model, namespaces, (*kept, *added), self._catalogue(added))

    def _catalogue(self, added: Iterable[Manifest]) -> Catalogue:
        known = self.model.desired.catalogue
        new = [
            each for each in added if each.kind in (kinds.NETWORK_PROFILE, kinds.SHARED_RESOURCE)
        ]
        if not new:
            return known
        profiles, resources = dict(known.definitions.profiles), dict(known.definitions.resources)
        for each in new:
            if each.kind == kinds.NETWORK_PROFILE:
                profiles[each.name] = read_profile(each.data)
            else:
                resources[each.name] = read_resource(each.data)
        return known.with_definitions(
            Definitions(profiles, resources), known.identity_labels, known.own_cluster
        )


def without_deny_rules(policy: Manifest) -> list[Manifest]:
    """A policy without its deny rules; none, if nothing is left of it."""
    data = {**policy.data}
    if isinstance(data.get("spec"), Mapping):
        data["spec"] = _without_deny(data["spec"])
    if isinstance(data.get("specs"), list):
        left = [_without_deny(each) for each in data["specs"] if isinstance(each, Mapping)]
        data["specs"] = [each for each in left if each]
    if not data.get("spec"):
        data.pop("spec", None)
    return [Manifest(data, policy.source)] if data.get("spec") or data.get("specs") else []


def _without_deny(spec: Mapping[str, Any]) -> dict[str, Any]:
    left = {key: value for key, value in spec.items() if key not in ("ingressDeny", "egressDeny")}
    for section in ("ingress", "egress"):
        if isinstance(left.get(section), list):
            rules = left[section]
            left[section] = [
                each
                for each in rules
                if not isinstance(each, Mapping) or each.get("action") != "Deny"
            ]
            if rules and not left[section]:
                del left[section]
    return left if any(left.get(each) is not None for each in ("ingress", "egress")) else {}


def moved(end: End, model: ClusterModel) -> End:
    """An end as it is in another model of the same cluster: labels of Namespaces may differ."""
    return replace(end, members=tuple(moved_member(each, model) for each in end.members))


def moved_member(member: Member, model: ClusterModel) -> Member:
    """Likewise a part of one."""
    endpoint = member.endpoint
    if not isinstance(endpoint, Pod) or endpoint.namespace not in model.namespaces:
        return member
    return replace(
        member, endpoint=replace(endpoint, namespace_labels=model.namespaces[endpoint.namespace])
    )


def _changed(namespace: Mapping[str, Any], settings: Iterable[Setting]) -> Mapping[str, Any]:
    metadata = namespace["metadata"]
    mine = [each for each in settings if each.namespace == metadata["name"]]
    labels = {each.key: each.value for each in mine if not each.annotation}
    annotations = {each.key: each.value for each in mine if each.annotation}
    return {
        **namespace,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), **labels},
            "annotations": {**(metadata.get("annotations") or {}), **annotations},
        },
    }
