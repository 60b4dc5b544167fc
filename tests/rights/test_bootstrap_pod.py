"""In a Pod: DNS is not needed, and the Pod's own namespace is never one for a profile."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.audited import HOME, AuditedPlane
from tests.cluster.kube import Kube, ccnp_path, eventually
from tests.cluster.service_account import operator_account
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Spaces
from tests.rights.pod import in_pod
from tests.running_operator import running_operator

# The Lease, of which the rights are those of its namespace, stays where they are.
SETTINGS = {"resyncSeconds": 1, "leaderElection": {"namespace": HOME}}
NAMESPACE_KEY = "k8s:io.kubernetes.pod.namespace"


@pytest.fixture(scope="module")
def account(plane: AuditedPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's service account."""
    with operator_account(plane) as kubeconfig:
        yield kubeconfig


def token_and_authority(account: Path, folder: Path) -> tuple[str, Path]:
    """What a kubeconfig says, as a Pod has it."""
    config: dict[str, Any] = yaml.safe_load(account.read_text("utf-8"))
    cluster = config["clusters"][0]["cluster"]
    authority = folder / "ca.crt"
    if "certificate-authority" in cluster:
        authority = Path(cluster["certificate-authority"])
    else:
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return config["users"][0]["user"]["token"], authority


def spared(kube: Kube, baseline: str) -> list[str]:
    """The namespaces in which a baseline denies nothing."""
    policy = kube.get(ccnp_path(baseline)) or {"specs": []}
    return [
        namespace
        for rule in policy["specs"]
        if rule.get("enableDefaultDeny") != {"ingress": False, "egress": False}
        for expression in rule["endpointSelector"]["matchExpressions"]
        if expression["key"] == NAMESPACE_KEY and expression["operator"] == "NotIn"
        for namespace in expression["values"]
    ]


def test_in_a_pod_the_operator_works_while_no_name_can_be_looked_up(
    plane: AuditedPlane, account: Path, spaces: Spaces, tmp_path: Path
) -> None:
    app = spaces({PROFILE: "isolated"})
    own = spaces({PROFILE: "standard"})
    token, authority = token_and_authority(account, tmp_path)
    with in_pod(token, authority, own.name) as pod:
        environment = pod.environment(plane)
        with running_operator(None, SETTINGS, within=pod.within, environment=environment):
            app.has_profile("isolated")
            own.told("ProfileRefused", f"{own.name} is the namespace that this operator runs in")
        assert pod.lookups() == []


@pytest.mark.parametrize("scope", ["workload", "labelled", "cluster"])
def test_a_profile_on_the_operators_own_namespace_is_refused_aloud(
    scope: str, account: Path, spaces: Spaces, kube: Kube
) -> None:
    own = spaces({PROFILE: "isolated"})
    settings = {**SETTINGS, "defaultDeny": scope}
    with running_operator(account, settings, environment={"POD_NAMESPACE": own.name}):
        own.told("ProfileRefused", "could cut it off from the API server", "Remove the label")
        assert own.policies() == {}
        if scope != "labelled":  # under which the baselines deny nothing to anybody
            eventually(
                lambda: own.name in spared(kube, "baseline-dns-egress"), "the baselines to spare it"
            )
        # The escape hatch works here as everywhere.
        own.label({ENFORCEMENT: "disabled"})
        own.has("homelab-escape-hatch")


def test_another_namespace_of_an_operator_outside_the_cluster_is_not_its_own(
    account: Path, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "isolated"})
    with running_operator(account, SETTINGS):
        app.has_profile("isolated")
