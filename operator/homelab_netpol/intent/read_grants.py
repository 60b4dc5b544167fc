"""Reads a Namespace's access labels: which shared resources it is granted, and by which value.

What cannot be understood changes nothing: the last good value stays, where the resource takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homelab_netpol.intent.model import (
    GATEWAY_GRANT,
    NO_VALUES,
    NONE,
    LastGood,
    NamespaceFacts,
    Problem,
    Reason,
)
from homelab_netpol.intent.vocabulary import (
    GATEWAYS,
    NOTHING,
    WHOLE,
    Vocabulary,
    cannot_be_used,
    did_you_mean,
)


@dataclass(frozen=True, slots=True)
class Grants:
    """What the access labels amount to.

    Attributes:
        granted: the shared resources granted, known ones, in order.
        gateways: the gateways that it may call from inside, `internal` or `external`.
        values: the values of those granted or retained by another value than "true".
        retained: granted ones that are not known or not usable now; their policies stay.
        refused: those that were asked for and may not be.
        may_not_ask: all that the Namespace may not ask for.
        problems: what could not be followed as written.
    """

    granted: tuple[str, ...]
    gateways: tuple[str, ...]
    values: Mapping[str, str]
    retained: tuple[str, ...]
    refused: tuple[str, ...]
    may_not_ask: frozenset[str]
    problems: tuple[Problem, ...]


def read_grants(facts: NamespaceFacts, last_good: LastGood, vocabulary: Vocabulary) -> Grants:
    """Reads them; what cannot be followed as written is among the problems."""
    reader = _Reader(facts, last_good, vocabulary)
    prefix = vocabulary.access_prefix
    for key in sorted(facts.labels):
        if key.startswith(prefix) and facts.labels[key] != NOTHING:
            reader.read(key, key.removeprefix(prefix), facts.labels[key])
    gateways: tuple[str, ...] = ()
    if GATEWAY_GRANT in reader.granted and vocabulary.gateway_grant:
        reader.granted.remove(GATEWAY_GRANT)
        value = reader.values.get(GATEWAY_GRANT, WHOLE)
        gateways = GATEWAYS if value == WHOLE else (value,)
    return Grants(
        granted=tuple(reader.granted),
        gateways=gateways,
        values=reader.values or NO_VALUES,
        retained=tuple(reader.retained),
        refused=tuple(reader.refused),
        may_not_ask=frozenset(n for n in vocabulary.resources if not reader.is_allowed(n)) or NONE,
        problems=tuple(reader.problems),
    )


class _Reader:
    """Goes through the access labels of one Namespace."""

    def __init__(self, facts: NamespaceFacts, last_good: LastGood, words: Vocabulary) -> None:
        self._facts = facts
        self._last_good = last_good
        self._words = words
        self._grantable = words.grantable()
        self.granted: list[str] = []
        self.values: dict[str, str] = {}
        self.retained: list[str] = []
        self.refused: list[str] = []
        self.problems: list[Problem] = []

    def read(self, key: str, resource: str, value: str) -> None:
        before = self._before(resource)
        words = self._grantable.get(resource)
        if words is None:
            self._not_usable(key, resource, _in_force(before))
            if before is not None:
                self._grant(self.retained, resource, before)
            return
        # A value that the resource takes no longer is one that its owner has withdrawn.
        kept = before if before is not None and words.takes(before) else None
        in_force = _in_force(kept)
        if not words.takes(value):
            message = f'The value of {key} must be {words} (or "false"), not {value!r}; {in_force}.'
            self._report(Reason.ACCESS_VALUE_INVALID, key, message)
        if not self._may_ask(key, resource):
            self.refused.append(resource)
        elif words.takes(value):
            self._grant(self.granted, resource, value)
        elif kept is not None:
            self._grant(self.granted, resource, kept)

    def is_allowed(self, resource: str) -> bool:
        selector = self._grantable[resource].allow_from
        return selector is None or selector.matches(self._facts.selectable)

    def _before(self, resource: str) -> str | None:
        """The value by which it was granted before; None: it was not."""
        if resource not in self._last_good.grants:
            return None
        return self._last_good.grant_values.get(resource, WHOLE)

    def _grant(self, into: list[str], resource: str, value: str) -> None:
        into.append(resource)
        if value != WHOLE:
            self.values[resource] = value

    def _report(self, reason: Reason, key: str, message: str) -> None:
        self.problems.append(Problem(reason, key, message))

    def _not_usable(self, key: str, resource: str, in_force: str) -> None:
        named = f"shared resource {resource!r}"
        why = self._words.unusable_resources.get(resource)
        in_settings = self._words.unusable_settings.get(resource)
        if in_settings is not None:
            message = f"The {named} cannot be used: {in_settings.rstrip('.')}; {in_force}."
            self._report(Reason.ACCESS_NOT_READY, key, message)
        elif why is None:
            choice = did_you_mean(resource, self._grantable)
            message = f"There is no {named}; {in_force}. {choice}"
            self._report(Reason.ACCESS_UNKNOWN, key, message)
        else:
            message = cannot_be_used(named, why, in_force, f"sharedresource {resource}")
            self._report(Reason.ACCESS_NOT_READY, key, message)

    def _may_ask(self, key: str, resource: str) -> bool:
        if self.is_allowed(resource):
            return True
        selector = self._words.resources[resource].allow_from
        self._report(
            Reason.ACCESS_REFUSED,
            key,
            f"{self._facts.name} may not ask for {resource}: allowFrom of the shared resource wants"
            f" a Namespace with {selector}. No access is granted. Ask the resource's owner, or"
            f" remove the label {key}.",
        )
        return False


def _in_force(kept: str | None) -> str:
    if kept is None:
        return "no access is granted"
    by_value = f" by the value {kept!r}" if kept != WHOLE else ""
    return f"the access that stands{by_value} is kept"
