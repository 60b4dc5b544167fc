"""The labels and annotations that may let something pass: each small change that there is. Pure.

What a change does is not worked out here: each is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from homelab_netpol.access.ends import End, Ports
from homelab_netpol.access.explain_judge import Ruling
from homelab_netpol.access.fixes import NOTHING, Change, Setting
from homelab_netpol.cilium.evaluation import Outcome
from homelab_netpol.intent import GATEWAYS, WHOLE, Intent, Vocabulary
from homelab_netpol.intent.ports import parse_port_ranges, parse_ports
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import DesiredState
from homelab_netpol.settings import Port

_MOST_PORTS = 20


def label_changes(ruling: Ruling, desired: DesiredState) -> Iterator[Change]:
    """Changes to labels and annotations of the two ends' Namespaces, the smallest first.

    Args:
        ruling: the question, with what does not pass.
        desired: what the operator does today.
    """
    sources = _intents(ruling.source, desired)
    targets = _intents(ruling.target, desired)
    ports = denied_ports(ruling)
    of_sources = [_Writer(each, desired.catalogue, ports) for each in sources]
    of_targets = [_Writer(each, desired.catalogue, ports) for each in targets]
    egress = [list(each.for_egress(ruling.target)) for each in of_sources]
    ingress = [list(each.for_ingress()) for each in of_targets]
    single = [change for changes in (*egress, *ingress) for change in changes]
    if sources == targets:
        for each in of_sources:
            single += each.for_itself()
    yield from sorted(_each_once(single), key=lambda change: change.size)


def pairs(outward: Iterable[Change], inward: Iterable[Change]) -> Iterator[Change]:
    """Two changes together, one for each end."""
    joined = (one + other for one, other in product(outward, inward))
    yield from _each_once(change for change in joined if change.is_consistent)


def denied_ports(ruling: Ruling) -> tuple[Ports, ...]:
    """The ports that do not pass, if they are few enough to be listed."""
    cases = (case for case in ruling.cases if case.outcome is not Outcome.ALLOWED)
    found = dict.fromkeys(case.ports for case in cases)
    few = [each for each in found if each.first == each.last]
    return tuple(few) if len(few) == len(found) and len(few) <= _MOST_PORTS else ()


def _intents(end: End, desired: DesiredState) -> list[Intent]:
    found = (desired.intents.get(each) for each in end.namespaces)
    return [each for each in found if each is not None]


def _each_once(changes: Iterable[Change]) -> list[Change]:
    unique = {change.settings: change for change in changes if change != NOTHING}
    return list(unique.values())


class _Writer:
    """Writes changes for one Namespace."""

    def __init__(self, intent: Intent, catalogue: Catalogue, ports: Sequence[Ports]) -> None:
        self._intent = intent
        self._catalogue = catalogue
        self._words: Vocabulary = catalogue.vocabulary
        self._ports = ports

    def for_egress(self, target: End) -> Iterator[Change]:
        """What opens a way out: grants, profiles, ports of the internet."""
        yield from self._grants(target)
        yield from self._profiles()
        for profile in sorted(self._words.internet_profiles):
            ports = self._with_internet_ports()
            if ports is not None:
                yield self._profile(profile) + self._annotation(
                    self._words.internet_ports_key, ports
                )

    def for_ingress(self) -> Iterator[Change]:
        """What opens a way in: profiles, ports for gateways, straight from outside, webhooks."""
        yield from self._profiles()
        yield self._label(self._words.webhooks_key, "allow")
        if self._intent.platform:
            return
        listed = self._with_gateway_ports()
        bases = [NOTHING] if self._intent.profile else []
        bases += self._profiles()
        for base in bases:
            if listed is not None:
                yield base + self._annotation(self._words.gateway_ports_key, listed)
            for key, open_now in (
                (self._words.lan_ports_key, self._intent.lan_ports),
                (self._words.world_ports_key, self._intent.world_ports),
            ):
                if self._ports:
                    yield base + self._annotation(key, _joined(map(str, open_now), self._ports))

    def for_itself(self) -> Iterator[Change]:
        """What opens the way between its own pods."""
        allow = self._label(self._words.intra_namespace_key, "allow")
        yield allow
        for change in self._profiles():
            yield change + allow

    def _grants(self, target: End) -> Iterator[Change]:
        for name, words in self._words.grantable().items():
            values = [WHOLE] if words.whole else []
            if words.values is None:
                label = self._catalogue.resource(name).value_label
                carried = (each.pod.labels.get(label or "") for each in target.members if each.pod)
                values += [value for value in dict.fromkeys(carried) if value]
            else:
                values += [value for value in GATEWAYS if value in words.values]
            for value in values:
                if words.takes(value) and name not in self._intent.may_not_ask:
                    yield self._label(f"{self._words.access_prefix}{name}", value)

    def _profiles(self) -> list[Change]:
        if self._intent.platform:
            return []
        others = [each for each in sorted(self._words.profiles) if each != self._intent.profile]
        return [self._profile(each) for each in others]

    def _profile(self, name: str) -> Change:
        if self._intent.platform or name == self._intent.profile:
            return NOTHING
        return self._label(self._words.profile_key, name)

    def _with_internet_ports(self) -> str | None:
        """The annotation that opens the asked ports as well; None: it cannot be written."""
        if self._intent.platform or not self._ports:
            return None
        now = self._intent.internet_ports
        given = map(str, now) if now else map(_as_range, self._catalogue.settings.internet.ports)
        text = _joined(given, self._ports)
        return text if parse_port_ranges(text) is not None else None

    def _with_gateway_ports(self) -> str | None:
        """The annotation that lets gateways reach the asked ports too; None: it is not one."""
        now = self._intent.gateway_ports
        if not self._ports or now == () or any(each.protocol != "TCP" for each in self._ports):
            return None
        numbers = [*(now or ()), *(each.first for each in self._ports)]
        text = ",".join(map(str, sorted(set(numbers))))
        return text if parse_ports(text) is not None else None

    def _label(self, key: str, value: str) -> Change:
        return Change((Setting(self._intent.namespace, key, value),))

    def _annotation(self, key: str, value: str) -> Change:
        return Change((Setting(self._intent.namespace, key, value, annotation=True),))


def _as_range(port: Port) -> str:
    number = f"{port.port}-{port.end_port}" if port.end_port else str(port.port)
    return number if port.protocol.value == "TCP" else f"{port.protocol.value}/{number}"


def _joined(given: Iterable[str], ports: Iterable[Ports]) -> str:
    """A list of ports as annotations write it, with some more."""
    more = (
        str(each.first) if each.protocol == "TCP" else f"{each.protocol}/{each.first}"
        for each in ports
    )
    return ",".join(dict.fromkeys((*given, *more)))
