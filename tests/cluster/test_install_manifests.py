"""What `kubectl apply -k manifests/base` grants is enough for the operator, and changes no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homelab_netpol.settings import load_settings
from lab.control_plane import Cluster
from tests.cluster.audited import HOME
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube
from tests.cluster.service_account import MANIFESTS
from tests.cluster.spaces import (
    ENFORCEMENT,
    HATCH_POLICY,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
)
from tests.running_operator import RunningOperator, running_operator


@pytest.fixture(scope="module")
def operator(account: Path) -> Iterator[RunningOperator]:
    election = {"enabled": True, "namespace": HOME}
    settings = {"leaderElection": election, "resyncSeconds": 1, "inspectionSeconds": 1}
    with running_operator(account, settings) as operator:
        yield operator


@pytest.mark.usefixtures("operator")
def test_with_these_rights_custom_resources_are_followed_and_targets_looked_at(
    spaces: Spaces, definitions: Definitions
) -> None:
    own = definitions.profile()
    gone = definitions.resource(namespace=spaces.fresh_name(), ports=[{"port": 80}])
    app = spaces({PROFILE: own.name, access(gone.name): "true"})
    app.has_profile(own.name)
    own.status(namespaces=1)
    gone.status(consumers=[app.name])
    app.told("TargetNamespaceMissing", gone.name)


def test_with_the_rights_of_the_manifests_everything_works(
    operator: RunningOperator, spaces: Spaces, database: Space
) -> None:
    space = spaces({PROFILE: "standard", access("postgres"): "true", access("kube-api"): "true"})
    space.holds_only(PROFILE_POLICY, "homelab-access-postgres", "homelab-access-kube-api")
    database.has("homelab-grant-postgres")
    space.told("ProfileApplied", "standard")
    space.label({PROFILE: "isolated", ENFORCEMENT: "disabled"})
    space.has_profile("isolated")
    space.has(HATCH_POLICY)
    space.label({ENFORCEMENT: None, access("postgres"): None})
    space.holds_only(PROFILE_POLICY, "homelab-access-kube-api")
    space.told("EnforcementEnabled")
    assert "orbidden" not in operator.log.read_text()


def test_the_account_cannot_change_a_namespace_or_read_a_secret(
    account: Path, cluster: Cluster
) -> None:
    client = Kube(account, cluster.context)
    patch = {"metadata": {"labels": {"network-policy.homelab/enforcement": "disabled"}}}
    for method, path, body in (
        ("PATCH", "/api/v1/namespaces/default", patch),
        ("GET", "/api/v1/namespaces/default/secrets", None),
        ("GET", "/api/v1/namespaces/default/pods/main", None),
        ("POST", "/api/v1/namespaces/default/pods", {}),
        ("POST", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", {}),
    ):
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, _ = client.call(method, path, body, content_type=kind)
        assert status == 403, (method, path)
    client.close()


def test_the_settings_of_the_manifests_are_valid() -> None:
    load_settings(MANIFESTS / "base" / "netpol.yaml")
