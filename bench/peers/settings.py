"""What of our settings the peers understand, so that a scenario can set all of them alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

# The scraper that the peers know, as ours does by default.
PROMETHEUS = {
    "namespace": "monitoring",
    "podLabels": {"app.kubernetes.io/name": "prometheus"},
}
# Ours looks at the targets of grants now and then; the peers never do.
_WITHOUT_EFFECT = frozenset({"inspectionSeconds"})


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """The settings of a peer.

    Attributes:
        resync_seconds: how often everything is compared; None: as the framework comes.
        prometheus_ports: what Prometheus may reach on every pod; none: any TCP port.
    """

    resync_seconds: float | None
    prometheus_ports: tuple[int, ...]

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Reads what a scenario would write into our settings file.

        Raises:
            ValueError: something is set that a peer would ignore, so that unlike operators would be
                compared.
        """
        scrapers = settings.get("scrapers", [PROMETHEUS])
        unknown = settings.keys() - {"resyncSeconds", "scrapers"} - _WITHOUT_EFFECT
        if [{**each, "ports": []} for each in scrapers] != [{**PROMETHEUS, "ports": []}]:
            unknown |= {"scrapers, but for Prometheus' ports"}
        if unknown:
            raise ValueError(f"the peers do not know the settings {', '.join(sorted(unknown))}")
        return cls(settings.get("resyncSeconds"), tuple(scrapers[0].get("ports", ())))

    @property
    def ports_text(self) -> str:
        """The ports as both peers take them."""
        return ",".join(map(str, self.prometheus_ports))
