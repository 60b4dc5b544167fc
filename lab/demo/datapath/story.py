"""The story that is played: what labels do to a packet, step by step."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from homelab_netpol.settings import Settings
from lab.control_plane import ControlPlane
from lab.datapath.datapath import Datapath
from lab.datapath.drops import Drop, Drops
from lab.datapath.packets import Outcome, Probe, Prober
from lab.demo.datapath.diagnosis import diagnosed_labels, print_diagnosis
from lab.demo.datapath.home import APP, Home
from lab.demo.datapath.screen import Screen
from lab.demo.errors import DemoError
from lab.demo.operator_process import OperatorProcess

# Longer means wrong, not slow.
_WAIT_SECONDS = 30.0


class Story:
    """Changes labels of the app's Namespace, and shows what becomes of its packets.

    Args:
        home: the connections, and the labels.
        cluster: the control plane.
        operator: the operator.
        node: the node.
        screen: where to show it.
        settings: the operator's.
    """

    def __init__(
        self,
        home: Home,
        cluster: ControlPlane,
        operator: OperatorProcess,
        node: Datapath,
        screen: Screen,
        settings: Settings,
    ) -> None:
        self._home = home
        self._cluster = cluster
        self._operator = operator
        self._node = node
        self._prober = Prober(Drops(node.agent.drops))
        self._screen = screen
        self._hatch = f"{settings.label_domain}/enforcement"
        self._grace = settings.label_grace_seconds

    def play(self) -> None:
        """Plays it.

        Raises:
            DemoError: a packet does not do what the labels say.
        """
        labels = self._dropped_and_diagnosed()
        self._granted(labels)
        self._taken_away(labels)
        self._hatch_opened_and_closed()
        self._screen.end("Every packet did what the labels say.")

    def _dropped_and_diagnosed(self) -> Mapping[str, str]:
        self._screen.section(
            "1  A pod connects to its database; its Namespace has a profile, and no grant"
        )
        # Before the profile is in force, the database's own policy would drop it, at the other end.
        self._until(self._home.to_internet, Outcome.DROPPED)
        probe = self._home.to_database
        self._until(probe, Outcome.DROPPED)
        drop = self._last_drop(probe)
        self._screen.packet(probe, Outcome.DROPPED)
        self._screen.drop(drop)
        self._screen.section("2  Which label lets it pass? diagnose reads this flow of Hubble's")
        flow = self._node.node.folder / "flow.json"
        flow.write_text(json.dumps(drop.flow) + "\n", encoding="utf-8")
        self._screen.command(f"homelab-netpol diagnose {flow.name}")
        print_diagnosis(self._cluster, flow)
        return diagnosed_labels(self._cluster, flow, APP)

    def _granted(self, labels: Mapping[str, str]) -> None:
        self._screen.section("3  That label is set")
        began = self._label(labels)
        self._screen.section("4  The packet passes")
        self._shown_until(self._home.to_database, Outcome.PASSED, began)
        neighbour = self._home.of_neighbour
        self._until(neighbour, Outcome.DROPPED)
        self._screen.packet(neighbour, Outcome.DROPPED, "still: its Namespace has no such label")

    def _taken_away(self, labels: Mapping[str, str]) -> None:
        self._screen.section(
            f"5  The label is taken away; it counts for labelGraceSeconds ({self._grace:g} s) more"
        )
        began = self._label(dict.fromkeys(labels))
        self._shown_until(self._home.to_database, Outcome.DROPPED, began)

    def _hatch_opened_and_closed(self) -> None:
        self._screen.section("6  The escape hatch is opened, and closed again")
        probe = self._home.to_internet
        self._until(probe, Outcome.DROPPED)
        self._screen.packet(probe, Outcome.DROPPED, "no profile opens this port")
        began = self._label({self._hatch: "disabled"})
        self._shown_until(probe, Outcome.PASSED, began)
        began = self._label({self._hatch: None})
        self._shown_until(probe, Outcome.DROPPED, began)

    def _label(self, labels: Mapping[str, str | None]) -> float:
        """Sets labels, and takes away those that are None; says when that was sent."""
        words = " ".join(f"{k}-" if v is None else f"{k}={v}" for k, v in labels.items())
        self._screen.command(f"kubectl label namespace {APP} {words}")
        began = time.monotonic()
        self._home.label_app(labels)
        return began

    def _shown_until(self, probe: Probe, wanted: Outcome, began: float) -> None:
        milliseconds = (self._until(probe, wanted) - began) * 1000
        self._screen.packet(probe, wanted, f"{milliseconds:.0f} ms after the label")

    def _until(self, probe: Probe, wanted: Outcome) -> float:
        """When the first packet was sent of which this became."""
        sent = self._prober.first(probe, wanted, _WAIT_SECONDS)
        self._cluster.check()
        self._operator.check()
        self._node.agent.check()
        if sent is None:
            raise DemoError(
                f"{probe}: no packet {wanted.value} within {_WAIT_SECONDS:g} s. Keep the operator's"
                " log with --log FILE, and see what it says"
            )
        return sent

    def _last_drop(self, probe: Probe) -> Drop:
        ends = (probe.source.address, (probe.target.address, probe.port))
        seen = reversed(self._prober.seen)
        return next(drop for drop in seen if (drop.source[0], drop.target) == ends)
