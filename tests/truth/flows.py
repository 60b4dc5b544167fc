"""Who sends to whom: every pair of representative endpoints whose flow some policy could judge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from tests.truth.judge import Pair
from tests.truth.world import (
    Namespace,
    World,
    neighbours,
    outside,
    platform_pods,
    workload_pods,
)


def of_namespaces(world: World, namespaces: Iterable[Namespace]) -> Iterator[Pair]:
    """Both directions between each of these workload namespaces and everything else."""
    neighbouring = [workload_pods(namespace) for namespace in neighbours()]
    others = [*platform_pods(world), *outside()]
    for namespace in namespaces:
        sender, receiver = workload_pods(namespace)
        yield sender, receiver
        yield receiver, sender
        for other in others:
            yield sender, other
            yield other, receiver
        for their_sender, their_receiver in neighbouring:
            if their_sender.namespace != namespace:
                yield sender, their_receiver
                yield their_sender, receiver


def of_platform(world: World) -> Iterator[Pair]:
    """All flows of the platform's pods with each other and with what is no pod."""
    platform = platform_pods(world)
    yield from itertools.permutations(platform, 2)
    for pod, other in itertools.product(platform, outside()):
        yield pod, other
        yield other, pod
