"""Selectors whose labels Cilium leaves out of identities: they select no endpoint, or every one.

Looks at what people wrote: shared resources, NetworkProfiles, and the settings' own labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from homelab_netpol.cilium.identity_labels import IdentityLabels
from homelab_netpol.cilium.selectors import Requirement, read_selector
from homelab_netpol.cilium.terms import NAMESPACE_LABELS_PREFIX
from homelab_netpol.definitions.model import (
    NotUsable,
    ProfileDefinition,
    ResourceDefinition,
    UnusableReason,
)
from homelab_netpol.definitions.resolve import Definitions
from homelab_netpol.settings import Settings, SharedResource

_ENDPOINTS = {"ingress": "fromEndpoints", "egress": "toEndpoints"}
_TAKE_ANOTHER = "Select by another label, such as app.kubernetes.io/name"


class SettingsLabel(NamedTuple):
    """A label by which the operator's policies select, as the settings have it.

    Attributes:
        path: of the setting.
        key: of the label, as it is in identities.
        namespace: of the pods that are meant; "": of any.
    """

    path: str
    key: str
    namespace: str


def settings_labels(settings: Settings) -> Iterator[SettingsLabel]:
    """The labels by which baselines, profiles and the hatch's net select.

    Not the grant `kube-api`, by which a baseline selects: the policy that the grant has in its
    Namespace selects by name and allows the same, so docs/datapath.md advises to leave it out.
    """
    domain, mesh = settings.label_domain, settings.mesh
    for path, peer in settings.named_peers():
        for key in peer.pod_labels:
            yield SettingsLabel(f"{path}.podLabels", key, peer.namespace or "")
        for key in peer.selector.keys if peer.selector is not None else ():
            yield SettingsLabel(f"{path}.selector", key, "")
    for name, companion in settings.companions.items():
        for key in companion.pods.keys:
            yield SettingsLabel(f"companions.{name}.pods", key, "")
    for path, key in (
        ("mesh.label", mesh.label),
        ("labelDomain", f"{domain}/enforcement"),
    ):
        yield SettingsLabel(path, NAMESPACE_LABELS_PREFIX + key, "")


def usable_with(definitions: Definitions, identity_labels: IdentityLabels) -> Definitions:
    """The same definitions; those that select by what no identity has cannot be used."""
    return Definitions(
        {
            name: _with_problem(each, profile_problem(each, identity_labels))
            for name, each in definitions.profiles.items()
        },
        {
            name: _without_resource(each, identity_labels)
            for name, each in definitions.resources.items()
        },
    )


def resource_problem(
    resource: SharedResource, identity_labels: IdentityLabels, path: str
) -> NotUsable | None:
    """Why a shared resource selects no endpoint; None: it may select some.

    Args:
        resource: what it says.
        identity_labels: of the cluster.
        path: of its fields, with `{}` in place of their names, for the message.
    """
    selecting = [("podLabels", key) for key in resource.pod_labels]
    if resource.value_label is not None:
        selecting.append(("valueLabel", resource.value_label))
    for field, key in selecting:
        why = identity_labels.why_left_out(key)
        if why is not None:
            message = f"{path.format(field)}: {key} selects no pod, as {why}. {_TAKE_ANOTHER}"
            return NotUsable(UnusableReason.LABEL_NOT_IN_IDENTITY, message)
    return None


def profile_problem(
    profile: ProfileDefinition, identity_labels: IdentityLabels
) -> NotUsable | None:
    """Why a rule of a NetworkProfile selects no endpoint, or every one; None: none does."""
    for direction, rules in (("ingress", profile.ingress), ("egress", profile.egress)):
        for index, rule in enumerate(rules):
            for number, selector in enumerate(rule.get(_ENDPOINTS[direction]) or ()):
                path = f"spec.{direction}[{index}].{_ENDPOINTS[direction]}[{number}]"
                for one in _requirements(selector):
                    why = identity_labels.why_left_out(one.key)
                    if why is not None:
                        what = "every endpoint" if one.operator.is_negative else "no endpoint"
                        message = f"{path}: {one.key} ({one.operator}) selects {what}, as {why}."
                        return NotUsable(
                            UnusableReason.LABEL_NOT_IN_IDENTITY, f"{message} {_TAKE_ANOTHER}"
                        )
    return None


def _requirements(selector: Mapping[str, Any]) -> Iterator[Requirement]:
    for one in read_selector(selector).requirements:
        if one.is_of_pods:
            yield one


def _with_problem(profile: ProfileDefinition, problem: NotUsable | None) -> ProfileDefinition:
    return profile if problem is None else dataclasses.replace(profile, problem=problem)


def _without_resource(
    definition: ResourceDefinition, identity_labels: IdentityLabels
) -> ResourceDefinition:
    if definition.resource is None:
        return definition
    problem = resource_problem(definition.resource, identity_labels, "spec.{}")
    if problem is None:
        return definition
    return dataclasses.replace(definition, problem=problem, resource=None)
