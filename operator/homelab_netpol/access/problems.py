"""What of the labels and custom resources that are given could not be followed, and where it is.

Pure. The words are those of the operator's Events and status conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.manifests.kinds import NAMESPACE
from homelab_netpol.policy.desired import DesiredState

_SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Something that has not the effect that its author meant.

    Attributes:
        source: where it stands: `file:line`, `cluster`, or `settings`.
        kind: of the object: Namespace, NetworkProfile, SharedResource.
        name: of the object.
        reason: one word, as Events and conditions have it.
        message: what is wrong, what is in force instead, and what to do.
    """

    source: str
    kind: str
    name: str
    reason: str
    message: str

    def __str__(self) -> str:
        """As errors name it."""
        return f"{self.source}: {self.kind} {self.name}: {self.message} ({self.reason})"

    def as_json(self) -> dict[str, str]:
        """Its attributes by name."""
        return asdict(self)


def input_problems(manifests: ManifestSet, desired: DesiredState) -> list[InputProblem]:
    """All of them: custom resources first, then Namespaces, each in the order of their names.

    Args:
        manifests: what is given.
        desired: what the operator would do with it.
    """
    return [*_of_definitions(manifests, desired), *_of_namespaces(manifests, desired)]


def _of_definitions(manifests: ManifestSet, desired: DesiredState) -> Iterator[InputProblem]:
    catalogue = desired.catalogue
    for name, found in sorted(catalogue.unusable_settings.items()):
        kind = DefinitionKind.RESOURCE.value
        yield InputProblem(_SETTINGS, kind, name, found.reason.value, found.sentence)
    for (kind_of, name), found in sorted(catalogue.unusable.items()):
        source = _source(manifests, kind_of.value, name)
        yield InputProblem(source, kind_of.value, name, found.reason.value, found.sentence)


def _of_namespaces(manifests: ManifestSet, desired: DesiredState) -> Iterator[InputProblem]:
    for name, intent in sorted(desired.intents.items()):
        for problem in intent.problems:
            source = _source(manifests, NAMESPACE, name)
            yield InputProblem(source, NAMESPACE, name, problem.reason.value, problem.message)


def _source(manifests: ManifestSet, kind: str, name: str) -> str:
    found = manifests.get(kind, name)
    return "not given" if found is None else str(found.source)


def homes_not_given(desired: DesiredState) -> dict[str, str]:
    """Shared resources that are granted and whose namespace is not given, with that namespace.

    The policies there, the other ends of these grants, are not among what is desired.
    """
    granted = {name for intent in desired.intents.values() for name in intent.grants}
    homes = {name: desired.catalogue.resource(name).home for name in sorted(granted)}
    return {name: home for name, home in homes.items() if home and home not in desired.intents}
