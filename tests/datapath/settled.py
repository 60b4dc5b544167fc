"""Compares what packets do with what is expected, once the agent has had time to follow."""

from __future__ import annotations

import time
from collections.abc import Mapping

from lab.datapath.agent import Agent
from lab.datapath.packets import Outcome, Probe, Prober
from tests.datapath.home import Home

# Cilium's own delays of identities are up to 36 s, and a busy machine has more to wait for.
_SETTLE_SECONDS = 90.0
_PAUSE_SECONDS = 0.1
_SHOWN = 20


class Packets:
    """Sends packets between the hosts of a homelab.

    Attributes:
        prober: Sends them.
    """

    def __init__(self, home: Home, prober: Prober, agent: Agent) -> None:
        self.prober = prober
        self._home = home
        self._agent = agent

    def probe(self, source: str, target: str, protocol: str, port: int = 0) -> Probe:
        """One, by the hosts' names."""
        return Probe(self._home.hosts[source], self._home.hosts[target], protocol, port)

    def do(self, expected: Mapping[Probe, bool], *, may_refuse: bool = False) -> None:
        """Waits until each probe does as expected, and then looks at all of them once more.

        Args:
            expected: Whether each passes.
            may_refuse: The agent may refuse a policy; else that is the end of it.

        Raises:
            AssertionError: some do not; it names them.
        """
        deadline = time.monotonic() + _SETTLE_SECONDS
        # Twice: the first time may be before the agent has taken everything in.
        right = 0
        while right < 2:
            wrong = self._otherwise(expected)
            right = 0 if wrong else right + 1
            if wrong and time.monotonic() > deadline:
                break
            if wrong and not may_refuse:
                self._agent.check()
            time.sleep(_PAUSE_SECONDS)
        lines = [
            f"{probe}: expected {'passed' if expected[probe] else 'dropped'}, {outcome.value}"
            for probe, outcome in wrong.items()
        ]
        assert not wrong, "\n".join([f"{len(wrong)} of {len(expected)} otherwise", *lines[:_SHOWN]])

    def _otherwise(self, expected: Mapping[Probe, bool]) -> dict[Probe, Outcome]:
        outcomes = self.prober.outcomes(list(expected))
        return {
            probe: outcome
            for (probe, passes), outcome in zip(expected.items(), outcomes, strict=True)
            if outcome is not (Outcome.PASSED if passes else Outcome.DROPPED)
        }
