"""Which rule of a policy decides, by its place in the manifest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Ports
from homelab_netpol.cilium.evaluation import DirectionVerdict, Endpoint, Outcome, PolicyRef
from homelab_netpol.cilium.evaluation.policy import ReadPolicy, Rule
from homelab_netpol.cilium.evaluation.verdict import Selected
from homelab_netpol.cilium.terms import CCNP, CNP, NETWORK_POLICY

_SECTIONS = {
    CNP: ("ingress", "ingressDeny", "egress", "egressDeny"),
    CCNP: ("ingress", "ingressDeny", "egress", "egressDeny"),
}
# As kubectl takes them, in capitals.
_SHORT = {CNP: "CNP", CCNP: "CCNP"}


@dataclass(frozen=True, slots=True)
class Cited:
    """A policy that decides, as an answer names it.

    Attributes:
        ref: kind, namespace and name.
        own: it is the operator's.
        places: of the rules that decide, such as `spec.egress[2]`; none: the policy decides by
            selecting the pods, or its rules cannot be told apart.
        source: where it was read, as `file:line`; "": the operator would write it.
    """

    ref: PolicyRef
    own: bool
    places: tuple[str, ...] = ()
    source: str = ""

    def __str__(self) -> str:
        """As messages name it."""
        where = f"{self.ref.namespace}/" if self.ref.namespace else ""
        details = [*self.places, *([] if self.own else ["not the operator's"])]
        if self.source:
            details.append(self.source)
        aside = f" ({', '.join(details)})" if details else ""
        return f"{_SHORT.get(self.ref.kind, self.ref.kind)} {where}{self.ref.name}{aside}"


def cited(
    model: ClusterModel,
    verdict: DirectionVerdict,
    rules: Iterable[Selected],
    peer: Endpoint,
    port: Ports,
) -> tuple[Cited, ...]:
    """The policies that decide, those first that are about the fewest pods.

    Args:
        model: the cluster.
        verdict: what they decide.
        rules: all rules of the pod in the direction.
        peer: the other end.
        port: on which port.
    """
    deciding: dict[PolicyRef, list[Rule]] = {ref: [] for ref in verdict.policies}
    closes_only = verdict.outcome is Outcome.DENIED and not verdict.by_deny_rule
    for ref, rule, _ in rules:
        about = ref in deciding and not closes_only and rule.meets(peer) is not False
        if not about or rule.covers(port.first, port.protocol) is False:
            continue
        if verdict.outcome is Outcome.UNKNOWN or rule.deny is verdict.by_deny_rule:
            deciding[ref].append(rule)
    found = [_cited(model, ref, rules) for ref, rules in deciding.items()]
    return tuple(sorted(found, key=lambda each: (not each.ref.namespace, each.ref)))


def _cited(model: ClusterModel, ref: PolicyRef, rules: Iterable[Rule]) -> Cited:
    manifest = model.manifest_of(ref)
    if manifest is None:
        return Cited(ref, own=False)
    own = model.is_own(ref)
    places: dict[str, None] = {}
    for policy in model.policies(ref.namespace):
        if policy.ref == ref:
            named = rule_places(policy, manifest)
            of_rules = {id(rule) for rule in rules}
            pairs = zip(policy.rules, named, strict=False)
            places = dict.fromkeys(place for rule, place in pairs if id(rule) in of_rules)
    given = model.manifests.get(ref.kind, ref.name, ref.namespace)
    is_given = given is not None and given.data is manifest
    source = str(given.source) if given is not None and is_given and given.source.line else ""
    return Cited(ref, own, tuple(places), source)


def rule_places(policy: ReadPolicy, manifest: Mapping[str, Any]) -> list[str]:
    """The place of each rule of a policy in its manifest; none, if they do not correspond."""
    places = list(_written(policy.ref.kind, manifest))
    return places if len(places) == len(policy.rules) else []


def _written(kind: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    for path, spec in _specs(manifest):
        if kind == NETWORK_POLICY:
            for section in ("ingress", "egress"):
                rules = spec.get(section)
                given = spec.get("policyTypes")
                types = given if isinstance(given, list) else []
                closed = section == "ingress" if not types else section.title() in types
                yield from _places(path, section, rules) or ([path] if closed else ())
        for section in _SECTIONS.get(kind, ()):
            yield from _places(path, section, spec.get(section))


def _specs(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(manifest.get("spec"), Mapping):
        yield "spec", manifest["spec"]
    several = manifest.get("specs")
    for index, spec in enumerate(several if isinstance(several, list) else ()):
        if isinstance(spec, Mapping):
            yield f"specs[{index}]", spec


def _places(path: str, section: str, rules: Any) -> list[str]:
    count = len(rules) if isinstance(rules, list) else 0
    return [f"{path}.{section}[{index}]" for index in range(count)]
