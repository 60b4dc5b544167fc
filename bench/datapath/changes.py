"""The changes that are timed: each puts a label on or off, and gives the seconds to a packet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from bench.datapath.home import APP, LONGEST, DatapathHome
from bench.load.api import LoadError
from bench.load.labels import ACCESS, ENFORCEMENT, GRANTED, HATCHED, PROFILE, TARGET, UNTIL

_NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."

Timed = tuple[str, float]

# Longer than anything takes but an identity.
_AT_ONCE_SECONDS = 0.5
_GLANCE_SECONDS = 0.01
# The agent takes up changes every 50 ms: equal pauses would always meet the same moment of that.
_PAUSE_SECONDS, _LONGER_SECONDS = 0.1, 0.007


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
    """One round of all hatches with the operator running.

    Args:
        home: the homelab.
        settled: in so many seconds identities are what labels say.
    """
    time.sleep(settled)
    yield from _hatches(home, "hatch opened", home.opens, HATCHED)
    time.sleep(settled)
    yield from _hatches(home, "hatch closed", home.closes, {ENFORCEMENT: None})
    time.sleep(settled)
    yield from _hatches(home, "hatch opened", home.opens, HATCHED)
    time.sleep(settled)
    yield from _hatches(
        home, "hatch closed by annotation", home.closes, {UNTIL: "1s"}, home.annotate
    )
    for name in home.hatches:
        home.label({ENFORCEMENT: None}, name)
        home.annotate({UNTIL: None}, name)


def without_operator(home: DatapathHome, settled: float) -> Iterator[Timed]:
    """The hatches by the clusterwide policy alone; `settled` is as for `hatch_changes`."""
    time.sleep(settled)
    yield from _hatches(home, "hatch opened, operator dead", home.opens, HATCHED)
    time.sleep(settled)
    for name in home.hatches:
        home.label({ENFORCEMENT: None}, name)


def _hatches(
    home: DatapathHome,
    change: str,
    seen: Callable[..., float | None],
    texts: Mapping[str, str | None],
    edit: Callable[[Mapping[str, str | None], str], float] | None = None,
) -> Iterator[Timed]:
    """Changes one after the other; what does not follow at once is waited for in the end."""
    late: dict[str, float] = {}
    for number, name in enumerate(home.hatches):
        time.sleep(_PAUSE_SECONDS + number * _LONGER_SECONDS)
        began = (edit or home.label)(texts, name)
        sent = seen(name, within=_AT_ONCE_SECONDS)
        if sent is None:
            late[name] = began
        else:
            yield change, sent - began
    while late:
        for name in list(late):
            sent = seen(name, within=_GLANCE_SECONDS)
            if sent is not None:
                yield change, sent - late.pop(name)
            elif time.monotonic() - late[name] > LONGEST:
                raise LoadError(f"the hatch of {name} did not follow within {LONGEST:g} s")


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
