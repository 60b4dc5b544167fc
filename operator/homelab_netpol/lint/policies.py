"""Policies as the rules of the linter go through them: whatever is malformed is left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, select
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.lint.conditions import own_namespace, requirements
from homelab_netpol.lint.rule import Path
from homelab_netpol.manifests import Manifest
from homelab_netpol.policy.keys import Kind, PolicyKey, parse_policy_name
from homelab_netpol.policy.objects import is_managed

INGRESS, EGRESS = "ingress", "egress"
DIRECTIONS = (INGRESS, EGRESS)
WAYS = {INGRESS: "from", EGRESS: "to"}
_DENY = "Deny"
# Fields of a rule of Cilium's that name peers, without `from` or `to`; of the first, an empty list
# selects no peer, of the others it is as none.
SELECTING = ("Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes")
OTHER_PEERS = ("Groups", "FQDNs", "Services", "Requires")


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


class SelectorPlace(NamedTuple):
    """A label selector in a policy.

    Attributes:
        path: where.
        requirements: its conditions, as Cilium sees labels.
        of_peer: it names peers; else the policy's own pods.
    """

    path: Path
    requirements: list[Requirement]
    of_peer: bool


class RuleView(NamedTuple):
    """One rule of a policy.

    Attributes:
        path: where it is.
        direction: INGRESS or EGRESS.
        deny: it denies.
        body: what it says.
        cilium: it is in Cilium's words, not in those of a NetworkPolicy.
    """

    path: Path
    direction: str
    deny: bool
    body: Mapping[str, Any]
    cilium: bool

    @property
    def way(self) -> str:
        """`from` or `to`."""
        return WAYS[self.direction]

    @property
    def ports_field(self) -> str:
        """The field that lists ports."""
        return "toPorts" if self.cilium else "ports"

    def peers(self, kind: str = "") -> list[Any]:
        """The peers of one kind (`Endpoints`, `CIDR` etc.), or a NetworkPolicy's."""
        return items(self.body.get(self.way + kind))

    @property
    def peer_kinds(self) -> list[str]:
        """The kinds of Cilium's peers that are given, those of empty lists included."""
        known = (*SELECTING, *OTHER_PEERS)
        return [kind for kind in known if self.body.get(self.way + kind) is not None]

    @property
    def allows_nothing(self) -> bool:
        """It allows, and what it allows is nothing."""
        if self.deny or not self.cilium:
            return False
        kinds = self.peer_kinds
        if any(kind in SELECTING and not self.peers(kind) for kind in kinds):
            return True
        has_peer = any(self.peers(kind) for kind in kinds)
        return not (has_peer or items(self.body.get("toPorts")) or items(self.body.get("icmps")))

    def ports(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Each port, with its path."""
        if not self.cilium:
            for index, port in enumerate(items(self.body.get("ports"))):
                yield (*self.path, "ports", index), mapping(port)
            return
        for number, entry in enumerate(items(self.body.get("toPorts"))):
            for index, port in enumerate(items(mapping(entry).get("ports"))):
                yield (*self.path, "toPorts", number, "ports", index), mapping(port)

    @property
    def has_ports(self) -> bool:
        """It lists ports, or types of ICMP."""
        return bool(items(self.body.get(self.ports_field)) or items(self.body.get("icmps")))


@dataclass(frozen=True)
class SpecView:
    """What stands under `spec`, or one item of `specs`."""

    policy: PolicyView
    path: Path
    body: Mapping[str, Any]

    @cached_property
    def rules(self) -> tuple[RuleView, ...]:
        """All rules that are mappings."""
        suffixes = ("", _DENY) if self.policy.cilium else ("",)
        return tuple(
            RuleView(
                (*self.path, direction + suffix, index),
                direction,
                bool(suffix),
                rule,
                self.policy.cilium,
            )
            for direction in DIRECTIONS
            for suffix in suffixes
            for index, rule in enumerate(items(self.body.get(direction + suffix)))
            if isinstance(rule, Mapping)
        )

    def of(self, direction: str, *, deny: bool) -> list[RuleView]:
        """The rules of a direction that deny, or those that allow."""
        return [each for each in self.rules if each.direction == direction and each.deny is deny]

    def closes(self, direction: str) -> bool:
        """It denies, for its pods, what no rule allows."""
        if self.policy.cilium:
            if mapping(self.body.get("enableDefaultDeny")).get(direction) is False:
                return False
            return bool(items(self.body.get(direction)) or items(self.body.get(direction + _DENY)))
        types = items(self.body.get("policyTypes"))
        if direction == INGRESS:
            return INGRESS.title() in types or EGRESS.title() not in types
        return EGRESS.title() in types or bool(items(self.body.get(EGRESS)))

    @property
    def subject_path(self) -> Path:
        """Where its pods are selected."""
        return (*self.path, "endpointSelector" if self.policy.cilium else "podSelector")

    @cached_property
    def subject(self) -> list[Requirement] | None:
        """The conditions on its pods, as they are written; None: malformed, or it is for nodes."""
        if not self.policy.cilium:
            return requirements(self.body.get("podSelector") or {}, terms.SOURCE_K8S)
        if "endpointSelector" not in self.body:
            return None
        return requirements(self.body["endpointSelector"])

    @property
    def selects_all(self) -> bool:
        """It is for every pod of its namespace, or of the cluster."""
        return self.subject is not None and all(
            one.is_of_namespace_name and (self.policy.namespace or one.operator is Operator.EXISTS)
            for one in self.subject
        )

    @cached_property
    def subject_selector(self) -> EndpointSelector | None:
        """Its pods; None as in `subject`."""
        if self.subject is None:
            return None
        if not self.policy.namespace:
            return select(self.subject)
        # Cilium overwrites this one label.
        kept = [one for one in self.subject if not one.is_of_namespace_name]
        return select([*kept, own_namespace(self.policy.namespace)])

    def selectors(self) -> Iterator[SelectorPlace]:
        """Every label selector in it that selects pods."""
        if self.subject is not None:
            yield SelectorPlace(self.subject_path, self.subject, of_peer=False)
        for rule in self.rules:
            yield from _peer_selectors(rule)


@dataclass(frozen=True)
class PolicyView:
    """One policy.

    Attributes:
        manifest: the object.
        cilium: it is Cilium's; else Kubernetes' NetworkPolicy.
        own: the operator wrote it, by its label and its name.
    """

    manifest: Manifest
    cilium: bool
    own: bool

    @property
    def namespace(self) -> str:
        """Its namespace; "" if it is clusterwide."""
        return _namespace_of(self.manifest)

    @cached_property
    def specs(self) -> tuple[SpecView, ...]:
        """Its rules, those of `spec` first."""
        data = self.manifest.data
        found: list[SpecView] = []
        if isinstance(data.get("spec"), Mapping):
            found.append(SpecView(self, ("spec",), data["spec"]))
        if self.cilium:
            found += [
                SpecView(self, ("specs", index), spec)
                for index, spec in enumerate(items(data.get("specs")))
                if isinstance(spec, Mapping)
            ]
        return tuple(found)

    @property
    def rules(self) -> list[RuleView]:
        """All rules."""
        return [rule for spec in self.specs for rule in spec.rules]


def view_of(manifest: Manifest) -> PolicyView:
    """Makes a view of a CNP, a CCNP or a NetworkPolicy."""
    cilium = manifest.kind in (CNP, CCNP)
    own = cilium and is_managed(manifest.labels) and has_own_name(manifest)
    return PolicyView(manifest, cilium, own)


def has_own_name(manifest: Manifest) -> bool:
    """Whether the operator gives this name to policies of this kind of Cilium's."""
    key = PolicyKey(Kind(manifest.kind), _namespace_of(manifest), manifest.name)
    return parse_policy_name(key) is not None


def _namespace_of(manifest: Manifest) -> str:
    # A namespace that a clusterwide policy names all the same is ignored.
    return "" if manifest.kind == CCNP else manifest.namespace


def _peer_selectors(rule: RuleView) -> Iterator[SelectorPlace]:
    if rule.cilium:
        for index, selector in enumerate(rule.peers("Endpoints")):
            found = requirements(selector)
            if found is not None:
                yield SelectorPlace((*rule.path, f"{rule.way}Endpoints", index), found, True)
        return
    for index, peer in enumerate(rule.peers()):
        for field, prefix in (
            ("namespaceSelector", terms.NAMESPACE_LABELS_PREFIX),
            ("podSelector", ""),
        ):
            found = requirements(mapping(peer).get(field) or {}, terms.SOURCE_K8S)
            for one in found or ():
                made = Requirement(one.source, prefix + one.key, one.operator, one.values)
                yield SelectorPlace((*rule.path, rule.way, index, field), [made], True)
