"""Resolves NetworkProfiles: follows `extends`, and compares names with those of templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.definitions.model import (
    NotUsable,
    ProfileDefinition,
    ResourceDefinition,
    UnusableReason,
)

# A profile that extends nothing has what every profile has: health probes in, DNS out. That is what
# the built-in profile `isolated` renders. Pods of its namespace reach each other all the same, as
# the vocabulary has it for every other profile.
_FOUNDATION = "isolated"


@dataclass(frozen=True)
class CustomProfile:
    """A NetworkProfile with all that it extends.

    Attributes:
        template: the template that it stands on.
        intra_namespace: pods of one namespace reach each other, unless a label says otherwise.
        ingress: rules beside the template's, those of the extended profiles first.
        egress: likewise.
    """

    template: str
    intra_namespace: bool
    ingress: tuple[Mapping[str, Any], ...] = ()
    egress: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Definitions:
    """All NetworkProfiles and SharedResources, by name."""

    profiles: Mapping[str, ProfileDefinition] = field(default_factory=dict)
    resources: Mapping[str, ResourceDefinition] = field(default_factory=dict)

    def lineage(self, profile: str) -> list[str]:
        """The NetworkProfiles that a profile is made of: itself, what it extends, and so on."""
        found: list[str] = []
        name: str | None = profile
        while name is not None and name in self.profiles and name not in found:
            found.append(name)
            name = self.profiles[name].extends
        return found

    def resolve_profiles(
        self, templates: Mapping[str, bool]
    ) -> dict[str, CustomProfile | NotUsable]:
        """Follows `extends`.

        Args:
            templates: name of each profile that is a template -> whether pods of one namespace
                reach each other.

        Returns:
            Every NetworkProfile by name: with all that it extends, or why it cannot be used.
        """
        known: dict[str, CustomProfile | NotUsable] = {}
        for name in self.profiles:
            self._resolve(name, templates, known)
        return known

    def _resolve(
        self, name: str, templates: Mapping[str, bool], known: dict[str, CustomProfile | NotUsable]
    ) -> None:
        """Goes down the chain from `name` to a template, then up again; chains may be long."""
        chain: list[str] = []
        while name in self.profiles and name not in known:
            problem = self._own_problem(name, templates)
            if problem is None and name in chain:
                cycle = [*chain[chain.index(name) :], name]
                message = f"spec.extends: profiles extend each other: {' -> '.join(cycle)}"
                for each in chain[chain.index(name) :]:
                    known[each] = NotUsable(UnusableReason.EXTENDS_CYCLE, message)
                break
            chain.append(name)
            if problem is not None:
                known[name] = problem
                break
            name = self.profiles[name].extends or _FOUNDATION
        for each in reversed(chain):
            if each not in known:
                known[each] = self._on_top(self.profiles[each], templates, known)

    def _own_problem(self, name: str, templates: Mapping[str, bool]) -> NotUsable | None:
        if name in templates:
            message = f"metadata.name: {name} is the name of a template; choose another"
            return NotUsable(UnusableReason.NAME_TAKEN, message)
        return self.profiles[name].problem

    def _on_top(
        self,
        profile: ProfileDefinition,
        templates: Mapping[str, bool],
        known: Mapping[str, CustomProfile | NotUsable],
    ) -> CustomProfile | NotUsable:
        extends = profile.extends
        if extends is None:
            base = CustomProfile(_FOUNDATION, intra_namespace=True)
        elif extends in templates:
            base = CustomProfile(extends, intra_namespace=templates[extends])
        elif extends not in known:
            choice = ", ".join(sorted({*templates, *self.profiles} - {profile.name}))
            message = f"spec.extends: there is no profile {extends!r}; there are: {choice}"
            return NotUsable(UnusableReason.EXTENDS_UNKNOWN, message)
        else:
            found = known[extends]
            if isinstance(found, NotUsable):
                message = f"spec.extends: the profile {extends} cannot be used: {found.message}"
                return NotUsable(UnusableReason.EXTENDS_NOT_READY, message)
            base = found
        intra = profile.intra_namespace
        return CustomProfile(
            template=base.template,
            intra_namespace=base.intra_namespace if intra is None else intra,
            ingress=(*base.ingress, *profile.ingress),
            egress=(*base.egress, *profile.egress),
        )
