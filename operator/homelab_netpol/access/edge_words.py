"""What an edge comes from, by the policies that let it through. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.edge import By, Word
from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, parse_policy_name
from homelab_netpol.policy.objects import LabelKeys

# Of several that allow the same, the one that tells most about what somebody asked for.
_ORDER = (
    By.GRANT,
    By.OPENING,
    By.PROFILE,
    By.POLICY,
    By.COMPANION,
    By.BASELINE,
    By.HATCH,
    By.OPEN,
)
_OF_COMPONENTS = {
    Component.ACCESS: By.GRANT,
    Component.INGRESS: By.OPENING,
    Component.PROFILE: By.PROFILE,
    Component.GRANT: By.COMPANION,
    Component.MESH: By.COMPANION,
    Component.BASELINE: By.BASELINE,
    Component.HATCH: By.HATCH,
}
_OPEN = Word(By.OPEN)


def object_id(ref: PolicyRef) -> str:
    """A policy as documents name objects: `CiliumNetworkPolicy/photos/web`."""
    return "/".join(part for part in ref if part)


class EdgeWords:
    """Puts policies into words."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._keys = LabelKeys(model.desired.catalogue.settings.label_domain)
        self._known: dict[PolicyRef, Word] = {}

    def of(self, policies: Iterable[PolicyRef]) -> Word:
        """What the policies of one end come from; none of them: nothing denies it."""
        words = [self._word(ref) for ref in policies]
        return min(words, key=lambda word: (_ORDER.index(word.by), word.text), default=_OPEN)

    def of_both(self, first: Iterable[PolicyRef], second: Iterable[PolicyRef]) -> Word:
        """Likewise of two ends, of which the first has the say, unless it denies nothing."""
        word = self.of(first)
        return word if word.by is not By.OPEN else self.of(second)

    def _word(self, ref: PolicyRef) -> Word:
        if ref not in self._known:
            self._known[ref] = self._made(ref)
        return self._known[ref]

    def _made(self, ref: PolicyRef) -> Word:
        kind = next((each for each in Kind if each.value == ref.kind), None)
        parsed = None
        if kind is not None and self._model.is_own(ref):
            parsed = parse_policy_name(PolicyKey(kind, ref.namespace, ref.name))
        if parsed is None:
            return Word(By.POLICY, object_id(ref))
        by = _OF_COMPONENTS[parsed.component]
        if by is By.PROFILE:
            manifest = self._model.manifest_of(ref) or {}
            labels = (manifest.get("metadata") or {}).get("labels") or {}
            return Word(by, labels.get(self._keys.profile, ""))
        if by is By.BASELINE:
            return Word(by, ref.name)
        return Word(by, parsed.about)
