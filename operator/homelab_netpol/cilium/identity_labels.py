r"""Which labels of a pod are in its identity: Cilium's labels filter. Pure.

A selector sees no other labels. As in Cilium's package `labelsfilter`, versions 1.16 to 1.20: each
prefix is an expression that must match where the key begins; the longest that includes a label
competes with the shortest that leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from homelab_netpol.cilium.terms import SOURCE_K8S
from homelab_netpol.cilium.validation.regex import expression
from homelab_netpol.cilium.version import Version

# What Cilium filters by when its configuration says nothing.
_SINCE_1_18 = (r"io\.cilium\.k8s\.policy\.serviceaccount",)
_SINCE_1_19 = (r"!topology\.kubernetes\.io",)
_BASE: tuple[str, ...] = (
    r"reserved:.*",
    r"io\.kubernetes\.pod\.namespace",
    r"io\.cilium\.k8s\.namespace\.labels",
    r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster",
    r"!io\.kubernetes",
    r"!kubernetes\.io",
    r"!statefulset\.kubernetes\.io/pod-name",
    r"!apps\.kubernetes\.io/pod-index",
    r"!batch\.kubernetes\.io/job-completion-index",
    r"!batch\.kubernetes\.io/controller-uid",
    r"!.*beta\.kubernetes\.io",
    r"!k8s\.io",
    r"!pod-template-generation",
    r"!pod-template-hash",
    r"!controller-revision-hash",
    r"!controller-uid",
    r"!annotation.*",
    r"!etcd_node",
)
_MOST_REMEMBERED = 20_000

# What Go takes, and Python does not, or not for the same.
_OTHERWISE = re.compile(r"\(\?|\[\[|\[:|--|&&|\|\||~~|\\(?![dDwWsSbB])[A-Za-z0-9]")


class LabelPrefix(NamedTuple):
    """One prefix of the filter.

    Attributes:
        source: of the labels that it is about; "": of any.
        pattern: an expression that must match where the key begins.
        ignore: it leaves labels out; else it includes them.
    """

    source: str
    pattern: str
    ignore: bool

    def matched(self, source: str, key: str) -> int | None:
        """How many characters of a label's key it matches; None: it does not match."""
        if self.source and self.source != source:
            return None
        found = _compiled(self.pattern).match(key)
        return None if found is None else found.end()


class LabelFilter(NamedTuple):
    """All prefixes together.

    Attributes:
        prefixes: in any order.
        allow_list: only what a prefix includes is kept; else all that none leaves out.
    """

    prefixes: tuple[LabelPrefix, ...]
    allow_list: bool = False

    def keeps(self, source: str, key: str) -> bool:
        """Whether labels of this key are in identities."""
        included = ignored = 0
        for prefix in self.prefixes:
            matched = prefix.matched(source, key)
            if matched is None:
                continue
            if not prefix.ignore:
                included = max(included, matched)
            elif ignored == 0 or matched < ignored:
                ignored = matched
        return included > ignored or (not self.allow_list and ignored == 0)


@dataclass(frozen=True)
class IdentityLabels:
    """The filter of a cluster.

    Attributes:
        alternatives: the filters of which one is in force, where the version is not known or
            agents of several run; none: nothing is known of it.
    """

    alternatives: frozenset[LabelFilter]
    _known: dict[tuple[str, str], bool | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def keeps(self, key: str, source: str = SOURCE_K8S) -> bool | None:
        """Whether labels of this key are in identities; None: that cannot be said."""
        asked = (source, key)
        if asked not in self._known:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            answers = {each.keeps(source, key) for each in self.alternatives}
            self._known[asked] = answers.pop() if len(answers) == 1 else None
        return self._known[asked]

    def why_left_out(self, key: str) -> str | None:
        """Says that labels of this key are in no identity, in half a sentence; None: they may be.

        The sentence is about the label, which "it" stands for.
        """
        if self.keeps(key) is not False:
            return None
        if DEFAULT.keeps(key) is False:
            return "Cilium leaves it out of identities"
        return "this cluster's Cilium leaves it out of identities (`labels` in its ConfigMap)"


def read_identity_labels(
    option: str, versions: Collection[Version] = (), *, own_base: bool = False
) -> IdentityLabels:
    """The filter that a cluster's configuration makes.

    Args:
        option: Cilium's option `labels`: prefixes with spaces between them; "" adds none.
        versions: of the agents; none: not known.
        own_base: a file takes the place of the default list (`label-prefix-file`).
    """
    if own_base:
        return UNKNOWN
    added: list[LabelPrefix] = []
    for text in option.split():
        prefix = _read_prefix(text)
        if prefix is None:
            return UNKNOWN
        added.append(prefix)
    allow_list = any(not prefix.ignore for prefix in added)
    return IdentityLabels(
        frozenset(LabelFilter((*base, *added), allow_list) for base in _bases(versions))
    )


def _bases(versions: Collection[Version]) -> set[tuple[LabelPrefix, ...]]:
    found = set()
    for minor in {version[:2] for version in versions} or {(1, 17), (1, 18), (1, 19)}:
        texts = _BASE
        texts += _SINCE_1_18 if minor >= (1, 18) else ()
        texts += _SINCE_1_19 if minor >= (1, 19) else ()
        found.add(tuple(prefix for text in texts if (prefix := _read_prefix(text)) is not None))
    return found


def _read_prefix(text: str) -> LabelPrefix | None:
    """None: Cilium refuses it, or what it means cannot be said here."""
    before, colon, after = text.partition(":")
    source, pattern = (before, after) if colon else ("", before)
    if not pattern:
        return None
    ignore = pattern.startswith("!")
    pattern = pattern.removeprefix("!")
    if expression(pattern) is not None or _OTHERWISE.search(pattern):
        return None
    try:
        _compiled(pattern)
    except re.error:
        return None
    return LabelPrefix(source, pattern, ignore)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


# By Cilium's defaults, whatever its version.
DEFAULT = read_identity_labels("")
# Nothing can be said.
UNKNOWN = IdentityLabels(frozenset())
