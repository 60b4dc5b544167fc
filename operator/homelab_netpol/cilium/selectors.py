"""Label selectors: how a policy chooses pods, and a shared resource its Namespaces. Pure.

They are Kubernetes' label selectors; in a policy, Cilium's keys also say where a label comes from
(`k8s:app`, `reserved:host`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from homelab_netpol.cilium import terms


class Operator(StrEnum):
    """How a requirement looks at a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"

    @property
    def takes_values(self) -> bool:
        """It compares with values, at least one; the others take none."""
        return self in (Operator.IN, Operator.NOT_IN)

    @property
    def is_negative(self) -> bool:
        """A missing label meets it."""
        return self in (Operator.NOT_IN, Operator.DOES_NOT_EXIST)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label.

    Attributes:
        source: where the label comes from: `k8s`, `any` (wherever), `reserved` and others.
        key: the label's key, without the source.
        operator: how to compare.
        values: what to compare with. Their order counts for messages only.
    """

    source: str
    key: str
    operator: Operator
    values: tuple[str, ...] = field(default=(), compare=False)
    # A policy may list thousands of namespaces.
    _set: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_set", frozenset(self.values))

    def holds(self, value: str | None) -> bool:
        """Whether a label of this value meets it; None: there is no such label."""
        match self.operator:
            case Operator.IN:
                return value in self._set
            case Operator.NOT_IN:
                return value not in self._set
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None

    @property
    def is_of_pods(self) -> bool:
        """It looks at labels of pods, and not at Cilium's reserved ones."""
        return self.source in (terms.SOURCE_K8S, terms.SOURCE_ANY)

    @property
    def is_of_namespace(self) -> bool:
        """It is about the pods' namespace: its name, or its labels."""
        return self.is_of_pods and (
            self.key == terms.NAMESPACE_KEY or self.key.startswith(terms.NAMESPACE_LABELS_PREFIX)
        )

    @property
    def is_of_namespace_name(self) -> bool:
        """It is about the name of the pods' namespace."""
        return self.is_of_pods and self.key == terms.NAMESPACE_KEY

    def __str__(self) -> str:
        """As kubectl's `-l` takes it."""
        match self.operator:
            case Operator.IN if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case Operator.IN:
                return f"{self.key} in ({', '.join(self.values)})"
            case Operator.NOT_IN:
                return f"{self.key} notin ({', '.join(self.values)})"
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of its requirements must hold; without any, everything is selected."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects what has these labels, which are Kubernetes' own."""
        return all(
            one.holds(labels.get(one.key) if one.is_of_pods else None) for one in self.requirements
        )

    def __str__(self) -> str:
        """As kubectl's `-l` takes it."""
        return ", ".join(map(str, self.requirements)) or "any labels"


def read_selector(selector: Mapping[str, Any], source: str = terms.SOURCE_ANY) -> LabelSelector:
    """Reads a label selector, `matchLabels` first.

    Args:
        selector: an object with `matchLabels` and `matchExpressions`, of which either may be
            absent.
        source: of keys that name none.

    Raises:
        ValueError: a requirement is one that Cilium rejects.
    """
    found = [
        _requirement(key, source, Operator.IN, [value])
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for expression in selector.get("matchExpressions") or ():
        operator, values = Operator(expression.get("operator")), expression.get("values") or ()
        found.append(_requirement(expression.get("key"), source, operator, values))
    return LabelSelector(tuple(found))


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector in a standing policy selects pods with these labels.

    Cilium rejects a policy with a malformed selector, so such a one selects none.
    """
    try:
        return read_selector(selector).matches(labels)
    except ValueError:
        return False


def _requirement(text: Any, source: str, operator: Operator, values: Any) -> Requirement:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no label key")
    written, colon, key = text.rpartition(":")
    if not terms.is_label_key(key) or (colon and not terms.is_source(written)):
        raise ValueError(f"{text!r} is no label key")
    if bool(values) != operator.takes_values:
        raise ValueError(f"{operator} with {len(values)} values")
    if not all(isinstance(value, str) and terms.is_label_value(value) for value in values):
        raise ValueError(f"{text!r} is compared with what is no label value")
    return Requirement(written or source, key, operator, tuple(values))
