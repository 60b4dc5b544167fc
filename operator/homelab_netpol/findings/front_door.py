"""The settings' gateways as apps call them from inside: the grant `gateway` opens them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from homelab_netpol.findings.finding import name_ports
from homelab_netpol.findings.ports import granted_ports
from homelab_netpol.intent import GATEWAYS, WHOLE
from homelab_netpol.settings import Gateways


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What opens the gateways to a Namespace.

    Attributes:
        gateways: those of the settings.
        label: the key of the access label that grants them.
    """

    gateways: Gateways
    label: str

    def advice(
        self, namespace: str, labels: Mapping[str, str], targets: Collection[tuple[str, int]]
    ) -> str | None:
        """What to do to reach some pods, as a sentence; None: they are no gateway's.

        Args:
            namespace: of the pods.
            labels: that all of these pods have.
            targets: protocols and ports that are called on them, as far as they are known.
        """
        which = [
            each
            for each in GATEWAYS
            if any(peer.selects(namespace, labels, {}) for peer in self.gateways.of(each))
        ]
        if not which:
            return None
        value = which[0] if len(which) == 1 else WHOLE
        opened = granted_ports(self.gateways.ports)
        closed = {
            (how, number, None): None
            for how, number in targets
            if not any(port.holds(number, how) for port in opened)
        }
        more = f", and list {name_ports(closed)} in the setting gateways.ports" if closed else ""
        return f"These are gateways: label the Namespace {self.label}={value} instead{more}."
