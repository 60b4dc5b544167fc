"""What an export holds, and what it could not say. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homelab_netpol.policy.keys import CILIUM_KINDS, PolicyKey
from homelab_netpol.policy.objects import Policy, as_object


class ExportError(Exception):
    """A rule cannot be said, and without it the export would allow more than Cilium does."""


class Effect(StrEnum):
    """What comes of leaving something out."""

    NARROWER = "narrower"  # something that Cilium allows is denied
    NONE = "none"  # nothing, as long as no policy but these is there
    WIDER = "wider"  # nothing, if what was said of the cluster's addresses is complete
    LATER = "later"  # nothing now; what is created later is not held by it


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Something that the other kind cannot say.

    Attributes:
        what: it is, and what to do about it.
        effect: of leaving it out.
        policies: in which policies it is, in words.
    """

    what: str
    effect: Effect
    policies: tuple[str, ...]

    def __str__(self) -> str:
        """In one line, with the first policies as examples."""
        more = f" and {len(self.policies) - 3} more" if len(self.policies) > 3 else ""
        where = f" ({', '.join(self.policies[:3])}{more})" if self.policies else ""
        return f"{self.what}{where}"

    def as_json(self) -> dict[str, Any]:
        """Its attributes by name."""
        return {"what": self.what, "effect": self.effect.value, "policies": list(self.policies)}


class Unsaids:
    """Collects what cannot be said: once for all policies that have it."""

    def __init__(self) -> None:
        self._found: defaultdict[tuple[Effect, str], dict[str, None]] = defaultdict(dict)

    def add(self, what: str, effect: Effect, key: PolicyKey | None = None) -> None:
        """Notes it, of one policy or of all."""
        policies = self._found[effect, what]
        if key is not None:
            policies[str(key)] = None

    def all(self) -> list[Unsaid]:
        """All of it, what makes the export narrower first."""
        order = list(Effect)
        return [
            Unsaid(what, effect, tuple(policies))
            for (effect, what), policies in sorted(
                self._found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
            )
        ]


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """An object of the export.

    Attributes:
        manifest: the object.
        origin: the policy of the operator's that it says.
    """

    manifest: Mapping[str, Any]
    origin: Policy

    @property
    def namespace(self) -> str:
        """Its namespace; "" if it has none."""
        namespace: str = self.manifest["metadata"].get("namespace", "")
        return namespace


@dataclass(frozen=True, slots=True)
class Exported:
    """An export.

    Attributes:
        objects: clusterwide ones first.
        unsaid: what it does not say.
    """

    objects: Sequence[ExportedObject]
    unsaid: Sequence[Unsaid]

    @classmethod
    def of(
        cls, said: Sequence[ExportedObject], policies: Iterable[Policy], unsaid: Unsaids
    ) -> Exported:
        """What Cilium's policies say, and with it all others, Istio's, as they are."""
        others = [
            ExportedObject(as_object(each), each)
            for each in policies
            if each.key.kind not in CILIUM_KINDS
        ]
        return cls([*said, *others], unsaid.all())

    @property
    def is_narrower(self) -> bool:
        """It denies something that Cilium would allow."""
        return any(each.effect is Effect.NARROWER for each in self.unsaid)
