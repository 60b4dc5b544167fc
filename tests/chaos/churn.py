"""A busy day on a cluster, from a seed: labels, grants, hatches, new and deleted Namespaces, hands.

    with Churn(plane.kubeconfig, plane.context, seed="7/1") as churn:
        ...                  # things go wrong meanwhile; what cannot be done is tried again
    assert churn.steps       # it has come to rest

It goes straight to the API server, whatever is in the operator's way. Its labels can all be
understood. A seed gives what each worker does in which order; how that meets what the others do is
up to the machine.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

from tests.chaos.deeds import DEEDS, Deed, create
from tests.chaos.hand import Hand
from tests.cluster.kube import Kube
from tests.dice import seeded

_WORKERS, _SPACES = 3, 24
# Between two things that a worker does, on average.
_PAUSE_SECONDS = 0.05


class Churn:
    """The people and tools of a cluster, for as long as the context lasts."""

    def __init__(
        self,
        kubeconfig: Path,
        context: str,
        *,
        seed: str,
    ) -> None:
        """Prepares it.

        Args:
            kubeconfig: of the API server.
            context: of that file.
            seed: of what is done.
        """
        names = [f"app-{number:02}" for number in range(_SPACES)]
        self._steps = [0] * _WORKERS
        self._failures: list[Exception] = []
        self._stop = threading.Event()
        self._hands = [
            Hand(Kube(kubeconfig, context), names[number::_WORKERS], seeded(f"{seed}/{number}"))
            for number in range(_WORKERS)
        ]
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name="churn", daemon=True)
            for number in range(_WORKERS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for hand in self._hands:
            hand.close()
        if self._failures and error[0] is None:
            raise self._failures[0]

    @property
    def steps(self) -> int:
        """How many things were done up to now."""
        return sum(self._steps)

    def _work(self, number: int) -> None:
        hand = self._hands[number]
        try:
            for name in hand.names:
                create(hand, name)
            while not self._stop.is_set():
                _pick(hand)(hand, hand.dice.choice(hand.names))
                self._steps[number] += 1
                self._stop.wait(hand.dice.uniform(0.0, 2 * _PAUSE_SECONDS))
        except Exception as error:  # it belongs to the thread that waits for this one
            self._failures.append(error)


def _pick(hand: Hand) -> Deed:
    (deed,) = hand.dice.choices([each for each, _ in DEEDS], [often for _, often in DEEDS])
    return deed
