"""Which flows to try in a world: few, and as different as can be."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.worlds.ends import End, Pod
from tests.worlds.oracle import Oracle
from tests.worlds.ports import HBONE, PortItem, Target
from tests.worlds.world import World

# Reasons for a half; None: that end is no pod, and has no policies.
Reasons = tuple[str, ...] | None
Sort = tuple[Reasons, Reasons]

_USUAL = (
    *(Target(53, "UDP"), Target(53), Target(443), Target(8080), Target(9090), HBONE, HBONE),
    *(Target(5432), Target(6443), Target(1234), Target(1234, "UDP"), Target(8, "ICMP")),
    *(Target(80), Target(443, "UDP"), Target(1883), Target(27015, "UDP"), Target(8050)),
)


@dataclass(frozen=True)
class Expected:
    """A flow and why the mission allows its halves; an empty half is denied."""

    source: End
    target: End
    port: Target
    egress: Reasons
    ingress: Reasons

    @property
    def allowed(self) -> bool:
        """Whether the flow passes."""
        return self.egress != () and self.ingress != ()


def expect(oracle: Oracle, source: End, target: End, port: Target) -> Expected:
    """What the mission says of one flow."""
    out = oracle.egress(source, target, port) if isinstance(source, Pod) else None
    into = oracle.ingress(target, source, port) if isinstance(target, Pod) else None
    return Expected(source, target, port, out, into)


def pick(oracle: Oracle, dice: Random, tries: int, most: int) -> list[Expected]:
    """Draws flows, and keeps some of each sort: allowed and denied alike, for all reasons.

    Args:
        oracle: of the world.
        dice: to draw with.
        tries: how many are drawn.
        most: how many are kept.
    """
    allowed: dict[Sort, list[Expected]] = defaultdict(list)
    denied: dict[Sort, list[Expected]] = defaultdict(list)
    by_ends: dict[tuple[str, str, Target], list[Expected]] = defaultdict(list)
    for found in _draw(oracle, dice, tries):
        sorts = allowed if found.allowed else denied
        sorts[found.egress, found.ingress].append(found)
        if not found.allowed:
            by_ends[_sort(found.source), _sort(found.target), found.port].append(found)
    passing = _some_of_each(list(allowed.values()), most // 2)
    # A half that nothing allows has no reasons to tell it apart by: there is what is too wide.
    wider = _some_of_each(dice.sample(list(by_ends.values()), len(by_ends)), most // 4)
    rest = most - len(passing) - len(wider)
    return passing + wider + _some_of_each(list(denied.values()), rest)


def every_pair(oracle: Oracle, dice: Random, targets: int) -> Iterator[Expected]:
    """Every two ends of which one is a pod, on the mesh's port and a few others."""
    known = list(dict.fromkeys(_targets(oracle.world)))
    for source, target in itertools.permutations(oracle.world.ends, 2):
        if isinstance(source, Pod) or isinstance(target, Pod):
            for port in {HBONE, *dice.sample(known, targets)}:
                yield expect(oracle, source, target, port)


def _sort(end: End) -> str:
    """Whose end it is: its namespace's, or its own."""
    return end.namespace if isinstance(end, Pod) else end.name


def _draw(oracle: Oracle, dice: Random, tries: int) -> Iterator[Expected]:
    world = oracle.world
    targets = _targets(world)
    governed = [pod for pod in world.pods if oracle.readings[pod.namespace].denies]
    # Where nothing is denied, nothing can be told apart: most flows concern those who deny.
    own_ends = governed if governed and dice.random() < 0.9 else list(world.pods)
    other_ends = (*world.ends, *governed, *governed)
    for _ in range(tries):
        own, other = dice.choice(own_ends), dice.choice(other_ends)
        if other != own:
            outwards = dice.random() < 0.6
            source, target = (own, other) if outwards else (other, own)
            yield expect(oracle, source, target, dice.choice(targets))


def _some_of_each(sorts: list[list[Expected]], most: int) -> list[Expected]:
    """Goes round the sorts until there are enough, or none is left."""
    kept: list[Expected] = []
    while len(kept) < most and any(sorts):
        sorts = [of for of in sorts if of]
        kept += [of.pop() for of in sorts[: most - len(kept)]]
    return kept


def _targets(world: World) -> list[Target]:
    """Ports and messages that make a difference in this world, and some that should not."""
    found = dict.fromkeys(_USUAL)
    for profile in world.profiles.values():
        for rule in (*profile.ingress, *profile.egress):
            found |= dict.fromkeys(t for item in rule.ports for t in _about(item))
            found |= dict.fromkeys(item.target() for item in rule.icmps)
    for resource in world.resources.values():
        found |= dict.fromkeys(t for item in resource.ports for t in _about(item))
    return [*found, HBONE, HBONE]


def _about(item: PortItem) -> list[Target]:
    """The ends of a range, what is just beyond, and the same by another protocol."""
    protocol = "TCP" if item.protocol == "ANY" else item.protocol
    first, last = item.first or 7777, item.last or item.first or 7777
    other = "UDP" if protocol == "TCP" else "TCP"
    numbers = (first, last, last + 1)
    return [*(Target(number, protocol) for number in numbers), Target(first, other)]
