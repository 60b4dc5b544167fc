"""All policies that should stand, as a function of what is defined and labelled. Pure.

It knows no history but what it is given: what a label that cannot be understood leaves standing is
the reconciler's matter. The operator's work, once it comes to rest, amounts to this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.intent import Intent, LastGood, Waypoint, read_intent
from homelab_netpol.policy.applied import applied
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CILIUM_KINDS, GATEWAY_KEYS, Component
from homelab_netpol.policy.notes import ExpiredHatch
from homelab_netpol.policy.objects import Policy, as_object
from homelab_netpol.policy.plan import Planner
from homelab_netpol.policy.plan_clusterwide import PlatformNamespaces
from homelab_netpol.settings import DefaultDeny

Object = Mapping[str, Any]

_NOTHING = LastGood()


@dataclass(frozen=True)
class DesiredState:
    """What the operator would do with Namespaces, of which none has a policy yet.

    Attributes:
        catalogue: the settings, templates and custom resources.
        intents: what each Namespace wants, by its name; without those that are being deleted.
        policies: what should stand, clusterwide first.
        namespaces: the labels of each of these Namespaces, by its name.
    """

    catalogue: Catalogue
    intents: Mapping[str, Intent]
    policies: Sequence[Policy]
    namespaces: Mapping[str, Mapping[str, str]]

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """The policies as manifests, in the same order."""
        return [as_object(policy) for policy in self.policies]

    @cached_property
    def last_good(self) -> dict[str, LastGood]:
        """What stays in force in each Namespace, once all of it is carried out."""
        return {name: applied(each) for name, each in self.intents.items()}

    @staticmethod
    def is_around(policy: Policy, namespace: str) -> bool:
        """Whether a policy is in a Namespace, or lists it elsewhere: a grant's other end."""
        return policy.key.namespace == namespace or bool(
            policy.key.namespace
            and policy.component in (Component.GRANT, Component.MESH)
            and names_namespace(policy.body, namespace)
        )

    @cached_property
    def cilium_objects(self) -> list[dict[str, Any]]:
        """Likewise those that Cilium reads."""
        return [as_object(each) for each in self.policies if each.key.kind in CILIUM_KINDS]


def desired_state(
    catalogue: Catalogue,
    namespaces: Iterable[Object],
    now: datetime,
    *,
    istio: bool = True,
    last_good: Mapping[str, LastGood] | None = None,
    scope: DefaultDeny | None = None,
    closed: Collection[str] = (),
) -> DesiredState:
    """Renders everything.

    Args:
        catalogue: the settings, templates and custom resources.
        namespaces: Namespace manifests; those that are being deleted get nothing.
        now: the time by which hatches close by themselves; their labels are first seen now.
        istio: Istio's CRDs are there.
        last_good: what was in force in a Namespace before, which stays where a label of it cannot
            be understood. Policies that are left as they stand are not among those rendered.
        scope: where default deny is in force; None: where the settings say, `auto` being what it
            comes to in the end.
        closed: the Namespaces whose hatch closed a moment ago, unless it is open again.

    Raises:
        RenderError: a template cannot be rendered.
    """
    planner, words = Planner(catalogue, istio=istio, scope=scope), catalogue.vocabulary
    intents: dict[str, Intent] = {}
    uids: dict[str, str] = {}
    labels: dict[str, Mapping[str, str]] = {}
    known = last_good or {}
    for manifest in namespaces:
        metadata = manifest["metadata"]
        terminating = bool(metadata.get("deletionTimestamp"))
        facts = words.facts(
            metadata["name"],
            metadata.get("labels"),
            metadata.get("annotations"),
            terminating=terminating,
        )
        if not terminating:
            uid = metadata.get("uid") or ""
            intents[facts.name] = read_intent(facts, known.get(facts.name, _NOTHING), words, now)
            uids[facts.name] = uid
            labels[facts.name] = metadata.get("labels") or {}
    still_closed = [name for name in closed if name in intents and not intents[name].hatch_open]
    policies = _policies(planner, catalogue, intents, uids, still_closed)
    return DesiredState(catalogue, intents, policies, labels)


def names_namespace(body: Any, namespace: str) -> bool:
    """Whether rules name a namespace: Cilium's by its label, Istio's as a source."""
    if isinstance(body, Mapping):
        values = [*(body.get("namespaces") or ()), *(body.get("principals") or ())]
        if namespace in values or any(f"/ns/{namespace}/" in str(each) for each in values):
            return True
        if str(body.get("key")).endswith(NAMESPACE_KEY) and body.get("operator") == "In":
            return namespace in body["values"]
        return any(
            (key.endswith(NAMESPACE_KEY) and value == namespace)
            or names_namespace(value, namespace)
            for key, value in body.items()
        )
    if isinstance(body, list):
        return any(names_namespace(each, namespace) for each in body)
    return False


def desired_policies(
    catalogue: Catalogue,
    namespaces: Iterable[Object],
    now: datetime,
    *,
    istio: bool = True,
    scope: DefaultDeny | None = None,
) -> list[Policy]:
    """Only the policies of `desired_state`."""
    return list(desired_state(catalogue, namespaces, now, istio=istio, scope=scope).policies)


def _policies(
    planner: Planner,
    catalogue: Catalogue,
    intents: Mapping[str, Intent],
    uids: Mapping[str, str],
    closed: Collection[str],
) -> list[Policy]:
    words = catalogue.vocabulary

    def is_meshed(name: str) -> bool:
        return name in intents and intents[name].meshed

    def waypoint_of(name: str) -> Waypoint | None:
        return intents[name].waypoint if name in intents else None

    expired = {
        name: ExpiredHatch(intent.hatch_since, uids[name])
        for name, intent in intents.items()
        if intent.hatch_expired and intent.hatch_since is not None
    }
    platform = PlatformNamespaces(
        [each.namespace for each in intents.values() if each.platform],
        by_label={name: uids[name] for name, each in intents.items() if each.platform_label},
    )
    policies = planner.clusterwide(expired, platform, closed)
    for intent in intents.values():
        plan = planner.namespace(intent, is_meshed, waypoint_of)
        for error in plan.failed.values():
            raise error
        policies += plan.policies
    for name in words.resources:
        owner = intents.get(catalogue.resource(name).home or "")
        if owner is not None:
            let_in = {each.namespace: planner.let_in(each, name) for each in intents.values()}
            consumers = {namespace: value for namespace, value in let_in.items() if value}
            beside = planner.beside(name, consumers, owner, is_meshed, waypoint_of)
            policies += [each for each in beside if each.key.namespace in intents]
    for key in GATEWAY_KEYS:
        values = {e.namespace: planner.gateways.consumes(key, e) for e in intents.values()}
        listed = {name: value for name, value in values.items() if value is not None}
        policies += planner.gateways.beside(key, listed, is_meshed, intents.__contains__)
    served = [each for each in intents.values() if planner.waypoints.consumes(each)]
    serving = planner.waypoints.serving(served, is_meshed)
    policies += [each for each in serving if each.key.namespace in intents]
    return policies
