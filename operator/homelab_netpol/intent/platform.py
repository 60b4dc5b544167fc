"""Which Namespaces are the platform's: by name, by a pattern of names, or by their label. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from homelab_netpol.intent.model import LastGood, NamespaceFacts, Problem, Reason
from homelab_netpol.intent.vocabulary import Vocabulary


class Platform(NamedTuple):
    """What makes a Namespace one of the platform's.

    Attributes:
        by_label: its label does, or did before its value became unreadable.
        why: a clause on what does, for messages; "": nothing, it is none.
        remedy: what to do if it should not be one.
        problem: the label cannot be followed as written.
    """

    by_label: bool = False
    why: str = ""
    remedy: str = ""
    problem: Problem | None = None

    @property
    def is_platform(self) -> bool:
        """It is one."""
        return bool(self.why)


def read_platform(facts: NamespaceFacts, last_good: LastGood, words: Vocabulary) -> Platform:
    """Reads whether a Namespace is the platform's; of an unreadable label the last good counts."""
    key, setting = words.platform_key, "the setting platformNamespaces"
    value = facts.labels.get(key)
    unreadable = value not in (None, "true", "false")
    by_label = last_good.platform_label if unreadable else value == "true"
    why = remedy = ""
    if facts.name == words.own_namespace:
        why = "this operator runs in it"
    elif facts.name in words.platform_namespaces:
        why = f"{setting} names it"
        remedy = "take the namespace out of that setting"
    elif pattern := matching(facts.name, words.platform_patterns):
        why = f"the pattern {pattern!r} of {setting} matches it"
        remedy = "write the names that are meant there in place of the pattern"
    elif by_label:
        why = f"its label {key} says so"
        remedy = f"remove that label, {key}"
    problem = None
    if unreadable:
        stands = "stays a platform namespace" if why else "is no platform namespace"
        problem = Problem(
            Reason.PLATFORM_VALUE_INVALID,
            key,
            f'The value of {key} must be "true" (or "false"), not {value!r}; {facts.name} {stands},'
            " as before.",
        )
    return Platform(by_label, why, remedy, problem)


def matching(name: str, patterns: tuple[str, ...]) -> str | None:
    """The first pattern that matches a Namespace's name; None: none does."""
    return next((each for each in patterns if _compiled(each).fullmatch(name)), None)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(regex_of(pattern))


def regex_of(pattern: str) -> str:
    """A pattern of names as a regular expression: `*` is any run of characters, or none."""
    return "[-a-z0-9]*".join(map(re.escape, re.split(r"\*+", pattern)))
