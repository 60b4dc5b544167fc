"""The changes that are timed: each puts a label on or off, and gives the seconds to a packet."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.datapath.home import APP, DatapathHome
from bench.load.labels import ACCESS, ENFORCEMENT, GRANTED, HATCHED, PROFILE, TARGET, UNTIL

_NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."

Timed = tuple[str, float]


def operator_changes(home: DatapathHome, pause: float) -> Iterator[Timed]:
    """One round of grants and profiles with the operator running; it pauses after each change."""
    app, gateway = home.app, home.gateway
    yield from grant_changes(home, pause)
    began = home.label({PROFILE: "standard"})
    yield "wider profile", home.until(gateway, app, 8080, passes=True, since=began)
    time.sleep(pause)
    began = home.label({PROFILE: "isolated"})
    yield "narrower profile", home.until(gateway, app, 8080, passes=False, since=began)
    time.sleep(pause)


def hatch_changes(home: DatapathHome, settled: float) -> Iterator[Timed]:
    """One round of the hatch with the operator running.

    Args:
        home: the homelab; a profile is in force in the app's namespace.
        settled: in so many seconds identities are what labels say.
    """
    app, internet = home.app, home.internet
    began = home.label(HATCHED)
    yield "hatch opened", home.until(app, internet, 80, passes=True, since=began)
    time.sleep(settled)
    began = home.label({ENFORCEMENT: None})
    yield "hatch closed", home.until(app, internet, 80, passes=False, since=began)
    time.sleep(settled)
    home.label(HATCHED)
    time.sleep(settled)
    began = home.annotate({UNTIL: "1s"})
    yield "hatch closed by annotation", home.until(app, internet, 80, passes=False, since=began)
    home.label({ENFORCEMENT: None})
    home.annotate({UNTIL: None})
    time.sleep(settled)


def without_operator(home: DatapathHome, settled: float) -> Iterator[Timed]:
    """The hatch by its clusterwide policy alone; `settled` is as for `hatch_changes`."""
    began = home.label(HATCHED)
    passed = home.until(home.app, home.internet, 80, passes=True, since=began)
    yield "hatch opened, operator dead", passed
    time.sleep(settled)
    home.label({ENFORCEMENT: None})
    time.sleep(settled)


def write_static_policies(home: DatapathHome) -> None:
    """What people write who have no operator: policies that select by the Namespace's label."""
    of_app = {"k8s:io.kubernetes.pod.namespace": APP}
    home.apply_clusterwide(
        "static-default-deny",
        {
            "endpointSelector": {"matchLabels": of_app},
            "egress": [{"toEndpoints": [{"matchLabels": of_app}]}],
        },
    )
    granted = {f"{_NAMESPACE_LABELS}{key}": value for key, value in GRANTED.items()}
    ports = [{"ports": [{"port": "5432", "protocol": "TCP"}]}]
    in_database = {"k8s:io.kubernetes.pod.namespace": TARGET}
    home.apply_clusterwide(
        "static-access-postgres",
        {
            "endpointSelector": {"matchLabels": granted},
            "egress": [{"toEndpoints": [{"matchLabels": in_database}], "toPorts": ports}],
        },
    )
    home.apply_clusterwide(
        "static-grant-postgres",
        {
            "endpointSelector": {"matchLabels": in_database},
            "ingress": [{"fromEndpoints": [{"matchLabels": granted}], "toPorts": ports}],
        },
    )


def grant_changes(home: DatapathHome, pause: float) -> Iterator[Timed]:
    """One round of the grant alone, by whatever policies; it pauses after each change."""
    began = home.label(GRANTED)
    yield "grant", home.until(home.app, home.database, 5432, passes=True, since=began)
    time.sleep(pause)
    began = home.label({ACCESS: None})
    yield "grant taken away", home.until(home.app, home.database, 5432, passes=False, since=began)
    time.sleep(pause)
