"""Pods that are in the mesh by their own label, while their Namespace is not."""

from __future__ import annotations

import pytest

from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings.check_mesh_pods import check
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import parse_settings
from tests.inspected import Cluster, Labels

D = "network-policy.homelab"
MODE = "istio.io/dataplane-mode"
AMBIENT, OUT = {MODE: "ambient"}, {MODE: "none"}
CATALOGUE = Catalogue(
    parse_settings("sharedResources: {ldap: {namespace: auth, ports: [{port: 636}]}}")
)


def reasons(app: Labels, app_pod: Labels, auth: Labels, auth_pod: Labels) -> list[tuple[str, str]]:
    """What is told where `my-app` holds a grant on pods of `auth`."""
    labels = {"my-app": {f"access.{D}/ldap": "true", **app}, "auth": auth}
    seen = Snapshot(
        {}, {}, {"my-app": [app_pod], "auth": [auth_pod]}, targets={"auth": [ObservedPod(auth_pod)]}
    )
    found = Cluster(labels, CATALOGUE).inspected(seen, (Inspection.sort, check))
    return [(each.subject, each.message) for each in found]


@pytest.mark.parametrize(
    ("app", "app_pod", "auth", "auth_pod", "alone"),
    [
        ({}, AMBIENT, AMBIENT, {}, "my-app"),
        (AMBIENT, {}, {}, AMBIENT, "auth"),
        ({}, AMBIENT, {}, AMBIENT, "my-app and auth"),
    ],
)
def test_a_tunnel_that_follows_a_pods_own_label_is_told_as_closed(
    app: Labels, app_pod: Labels, auth: Labels, auth_pod: Labels, alone: str
) -> None:
    [(subject, message)] = reasons(app, app_pod, auth, auth_pod)
    assert subject == "my-app"
    assert f"those of {alone} are in it by their own label {MODE}=ambient" in message
    assert "egress of my-app" in message
    assert "15008" in message


@pytest.mark.parametrize(
    ("app", "app_pod", "auth", "auth_pod"),
    [
        (AMBIENT, {}, AMBIENT, {}),
        ({}, {}, AMBIENT, {}),
        (AMBIENT, {}, {}, {}),
        (AMBIENT, OUT, {}, AMBIENT),
        ({}, AMBIENT, AMBIENT, OUT),
        # Open on every port: nothing is dropped.
        ({f"{D}/enforcement": "disabled"}, AMBIENT, {f"{D}/enforcement": "disabled"}, AMBIENT),
    ],
)
def test_nothing_is_told_where_the_tunnel_is_open_or_not_used(
    app: Labels, app_pod: Labels, auth: Labels, auth_pod: Labels
) -> None:
    assert reasons(app, app_pod, auth, auth_pod) == []
