"""Which rule of a policy decides, by its place in the manifest. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import DirectionVerdict, PolicyRef
from homelab_netpol.cilium.terms import CCNP, CNP

# As kubectl takes them, in capitals.
_SHORT = {CNP: "CNP", CCNP: "CCNP"}


@dataclass(frozen=True, slots=True)
class Cited:
    """A policy that decides, as an answer names it.

    Attributes:
        ref: kind, namespace and name.
        own: it is the operator's.
        places: of the rules that decide, such as `spec.egress[2]`; of what only closes a direction
            the list's, such as `spec.egress`. None: the policy is not understood.
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


def cited(model: ClusterModel, verdict: DirectionVerdict) -> tuple[Cited, ...]:
    """The policies that decide, those of a namespace first, as they are about fewer pods."""
    places: dict[PolicyRef, dict[str, None]] = {ref: {} for ref in verdict.policies}
    for rule in verdict.rules:
        if rule.place:
            places.setdefault(rule.policy, {})[rule.place] = None
    found = [_cited(model, ref, tuple(of_it)) for ref, of_it in places.items()]
    return tuple(sorted(found, key=lambda each: (not each.ref.namespace, each.ref)))


def _cited(model: ClusterModel, ref: PolicyRef, places: tuple[str, ...]) -> Cited:
    manifest = model.manifest_of(ref)
    if manifest is None:
        return Cited(ref, own=False, places=places)
    given = model.manifests.get(ref.kind, ref.name, ref.namespace)
    is_given = given is not None and given.data is manifest
    source = str(given.source) if given is not None and is_given and given.source.line else ""
    return Cited(ref, model.is_own(ref), places, source)
