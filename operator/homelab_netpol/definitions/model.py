"""What is kept of a NetworkProfile or a SharedResource, and why one cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homelab_netpol.settings import SharedResource

GROUP = "network-policy.homelab"
VERSION = "v1alpha1"


class DefinitionKind(StrEnum):
    """The two kinds of custom resources."""

    PROFILE = "NetworkProfile"
    RESOURCE = "SharedResource"

    @property
    def plural(self) -> str:
        """How the kind is spelt in a path."""
        return f"{self.value.lower()}s"


class UnusableReason(StrEnum):
    """Why a definition cannot be used: the reason of its condition Ready."""

    SPEC_INVALID = "SpecInvalid"
    NAME_TAKEN = "NameTaken"
    EXTENDS_UNKNOWN = "ExtendsUnknown"
    EXTENDS_CYCLE = "ExtendsCycle"
    EXTENDS_NOT_READY = "ExtendsNotReady"
    LABEL_NOT_IN_IDENTITY = "LabelNotInIdentity"


@dataclass(frozen=True, slots=True)
class NotUsable:
    """A definition that cannot be used.

    Attributes:
        reason: of the condition Ready.
        message: what is wrong, where (the field's path), and what to write instead.
    """

    reason: UnusableReason
    message: str

    @property
    def sentence(self) -> str:
        """The message with its full stop, for others to follow."""
        return self.message if self.message.endswith((".", "?")) else f"{self.message}."


@dataclass(frozen=True)
class Definition:
    """What both kinds have in common.

    Attributes:
        name: of the object: a profile's name, or an access label's suffix.
        generation: counts changes of the spec.
        problem: why it cannot be used, as far as the object alone shows; None: it can.
    """

    name: str
    generation: int
    problem: NotUsable | None


@dataclass(frozen=True)
class ProfileDefinition(Definition):
    """A NetworkProfile.

    Attributes:
        extends: the profile whose rules it adds to; None: what every profile has.
        intra_namespace: pods of one namespace reach each other; None: as in the extended profile.
        ingress: rules in Cilium's words.
        egress: likewise.
    """

    extends: str | None = None
    intra_namespace: bool | None = None
    ingress: tuple[Mapping[str, Any], ...] = ()
    egress: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ResourceDefinition(Definition):
    """A SharedResource; `resource` is None if it has a problem."""

    resource: SharedResource | None = None
