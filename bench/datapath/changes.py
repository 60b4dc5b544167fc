"""The changes that are timed: each puts a label on or off, and gives the seconds to a packet."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.datapath.home import APP, DatapathHome
from bench.load.labels import ACCESS, ENFORCEMENT, GRANTED, HATCHED, PROFILE, TARGET, UNTIL

_NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."
# Between two changes: long enough for identities to be what labels say, with Cilium's defaults.
IDENTITY_SECONDS = 38.0

Timed = tuple[str, float]


def operator_changes(home: DatapathHome, pause: float, *, hatch: bool) -> Iterator[Timed]:
    """One round of everything with the operator running; it pauses after each change."""
    app, gateway, internet = home.app, home.gateway, home.internet
    yield from grant_changes(home, pause)
    began = home.label({PROFILE: "standard"})
    yield "wider profile", home.until(gateway, app, 8080, passes=True, since=began)
    time.sleep(pause)
    began = home.label({PROFILE: "isolated"})
    yield "narrower profile", home.until(gateway, app, 8080, passes=False, since=began)
    time.sleep(pause)
    if not hatch:
        return
    began = home.label(HATCHED)
    yield "hatch opened", home.until(app, internet, 80, passes=True, since=began)
    time.sleep(max(pause, IDENTITY_SECONDS))
    began = home.label({ENFORCEMENT: None})
    yield "hatch closed", home.until(app, internet, 80, passes=False, since=began)
    time.sleep(max(pause, IDENTITY_SECONDS))
    home.label(HATCHED)
    time.sleep(max(pause, IDENTITY_SECONDS))
    began = home.annotate({UNTIL: "1s"})
    yield "hatch closed by annotation", home.until(app, internet, 80, passes=False, since=began)
    home.label({ENFORCEMENT: None})
    home.annotate({UNTIL: None})
    time.sleep(max(pause, IDENTITY_SECONDS))


def without_operator(home: DatapathHome) -> Iterator[Timed]:
    """The hatch by its clusterwide policy alone."""
    began = home.label(HATCHED)
    passed = home.until(home.app, home.internet, 80, passes=True, since=began)
    yield "hatch opened, operator dead", passed
    time.sleep(IDENTITY_SECONDS)
    home.label({ENFORCEMENT: None})
    time.sleep(IDENTITY_SECONDS)


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
