"""The audit policy records who changed what, and nothing that is not asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import Kube, cnp_path, eventually, namespace_path
from tests.cluster.kube_as import KubeWith, as_user
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, Labels, Space, Spaces
from tests.docs.deployed import Deployed
from tests.docs.pages import ROOT
from tests.docs.story import audit_flags
from tests.programs import program

HATCHES = ROOT / "manifests" / "audit" / "hatches.jq"
SECRETS = "/api/v1/namespaces/default/secrets"
OPEN, CLOSED = {ENFORCEMENT: "disabled"}, {ENFORCEMENT: None}


@dataclass(frozen=True)
class Audited:
    """A cluster whose API server follows the policy.

    Attributes:
        plane: the control plane.
        kube: its administrator.
        log: the audit log.
    """

    plane: ControlPlane
    kube: Kube
    log: Path

    def by(self, user: str) -> KubeWith:
        """The same cluster for somebody who may do everything, under a name of his own."""
        return as_user(self.plane.kubeconfig, self.plane.context, user, "system:masters")

    def records(self, about: str) -> list[dict[str, Any]]:
        """What the log says about a Namespace, or what is in it."""
        lines = self.log.read_text().splitlines(keepends=True)
        # The last one may be half written yet.
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [
            event
            for event in events
            if about in (event["objectRef"].get("namespace"), event["objectRef"].get("name"))
        ]

    def recorded(self, about: str, verb: str, resource: str) -> dict[str, Any]:
        """Waits for the only record of a request; the API server writes it a moment later."""

        def look() -> dict[str, Any] | None:
            found = [
                event
                for event in self.records(about)
                if (event["verb"], event["objectRef"]["resource"]) == (verb, resource)
            ]
            assert len(found) < 2, found
            return found[0] if found else None

        return eventually(look, f"a record of {verb} {resource} of {about}")

    def hatches(self, about: str, *lines: tuple[str, str]) -> None:
        """Waits for what hatches.jq tells of a Namespace: who, and what he did."""
        jq = program("jq")

        def look() -> bool:
            command = [jq, "-rn", "-f", str(HATCHES), str(self.log)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows = [line.split("\t") for line in said.splitlines()]
            found = [(row[1], row[2]) for row in rows if row[3] == about]
            assert found == list(lines), said
            return True

        eventually(look, f"{lines} in the log")


@pytest.fixture(scope="module")
def audited(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A control plane with the policy."""
    log = tmp_path_factory.mktemp("audit") / "audit.log"
    flags = audit_flags(log)
    with ControlPlane(lab=lab, crds=own_crds(), apiserver_flags=flags) as plane:
        kube = Kube(plane.kubeconfig, plane.context)
        yield Audited(plane, kube, log)
        kube.close()


@pytest.fixture
def space(audited: Audited) -> Space:
    """A Namespace."""
    return Spaces(audited.kube)()


def label(client: Kube, space: Space, labels: Labels) -> None:
    client.patch(namespace_path(space.name), {"metadata": {"labels": dict(labels)}})


def kubectl(audited: Audited, *arguments: str) -> None:
    command = [program("kubectl"), f"--kubeconfig={audited.plane.kubeconfig}", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_the_opening_of_a_hatch_shows_who_did_it_when_and_which_label(
    audited: Audited, space: Space
) -> None:
    label(audited.by("anna"), space, OPEN)
    event = audited.recorded(space.name, "patch", "namespaces")
    assert event["user"]["username"] == "admin", "who holds the credentials"
    assert event["impersonatedUser"]["username"] == "anna"
    assert event["requestReceivedTimestamp"]
    assert event["requestObject"] == {"metadata": {"labels": OPEN}}
    assert event["responseObject"]["metadata"]["labels"][ENFORCEMENT] == "disabled"
    assert "managedFields" not in event["responseObject"]["metadata"]
    audited.hatches(space.name, ("admin as anna", "opened"))


def test_its_closing_shows_who_closed_it(audited: Audited, space: Space) -> None:
    label(audited.by("anna"), space, OPEN)
    label(audited.by("ben"), space, CLOSED)
    audited.hatches(space.name, ("admin as anna", "opened"), ("admin as ben", "closed"))


def test_another_label_of_an_open_namespace_opens_nothing(audited: Audited, space: Space) -> None:
    label(audited.kube, space, OPEN)
    label(audited.by("ben"), space, {PROFILE: "internal"})
    label(audited.kube, space, {ENFORCEMENT: "enabled"})
    audited.hatches(space.name, ("admin", "opened"), ("admin", "closed"))


def test_what_is_applied_again_as_it_was_is_nothing_new(audited: Audited) -> None:
    name = Spaces(audited.kube).fresh_name()
    whole = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {ENFORCEMENT: "disabled"}},
    }
    flux = audited.by("flux")
    apply = f"{namespace_path(name)}?fieldManager=flux&force=true"
    for manifest in (whole, whole, {**whole, "metadata": {"name": name}}):
        status, text = flux.call(
            "PATCH", apply, manifest, content_type="application/apply-patch+yaml"
        )
        assert status in (200, 201), text
    audited.hatches(name, ("admin as flux", "opened"), ("admin as flux", "closed"))


def test_a_json_patch_and_a_deletion_count_as_well(audited: Audited, space: Space) -> None:
    label(audited.kube, space, {PROFILE: "internal"})
    key = ENFORCEMENT.replace("/", "~1")
    patch = [{"op": "add", "path": f"/metadata/labels/{key}", "value": "disabled"}]
    status, text = audited.by("anna").call(
        "PATCH", namespace_path(space.name), patch, content_type="application/json-patch+json"
    )
    assert status == 200, text
    audited.by("ben").delete(namespace_path(space.name))
    audited.hatches(space.name, ("admin as anna", "opened"), ("admin as ben", "closed"))


def test_a_dry_run_opens_nothing(audited: Audited, space: Space) -> None:
    path = f"{namespace_path(space.name)}?dryRun=All"
    audited.kube.patch(path, {"metadata": {"labels": OPEN}})
    audited.recorded(space.name, "patch", "namespaces")
    audited.hatches(space.name)


def test_of_a_log_that_begins_later_only_what_is_certain_is_told(
    audited: Audited, space: Space, tmp_path: Path
) -> None:
    label(audited.kube, space, OPEN)
    label(audited.by("ben"), space, {PROFILE: "internal"})
    eventually(lambda: len(audited.records(space.name)) == 3, "the three records")
    rotated = tmp_path / "audit.log"
    rotated.write_text(json.dumps(audited.records(space.name)[-1]) + "\n")
    later = Audited(audited.plane, audited.kube, rotated)
    later.hatches(space.name, ("admin as ben", "found open"))


def test_reads_and_secrets_are_not_recorded(audited: Audited, space: Space) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {}}
    audited.kube.create(SECRETS, body)
    space.manifest()
    audited.kube.items("/api/v1/namespaces")
    space.policies()
    space.write("by-hand")
    audited.recorded(space.name, "create", "ciliumnetworkpolicies")
    kinds = {
        (event["verb"], event["objectRef"]["resource"]) for event in audited.records(space.name)
    }
    assert kinds == {("create", "namespaces"), ("create", "ciliumnetworkpolicies")}
    assert "secrets" not in audited.log.read_text()


def test_a_status_is_not_recorded(audited: Audited, space: Space) -> None:
    policy = space.write("by-hand")
    status = {"conditions": [{"type": "Valid", "status": "True"}]}
    path = f"{cnp_path(space.name, 'by-hand')}/status"
    audited.kube.replace(path, {**policy, "status": status})
    space.drop("by-hand")
    audited.recorded(space.name, "delete", "ciliumnetworkpolicies")
    assert not [event for event in audited.records(space.name) if event["verb"] == "update"]


def test_what_the_operator_writes_is_recorded_under_its_own_name_and_who_stopped_it_is(
    audited: Audited, space: Space, tmp_path: Path
) -> None:
    account = "system:serviceaccount:homelab-netpol:homelab-netpol"
    kubectl(audited, "apply", "-k", str(ROOT / "manifests" / "base"))
    with Deployed(audited.plane, tmp_path) as deployed:
        deployed.settle()
        label(audited.by("anna"), space, {PROFILE: "internal", **OPEN})
        space.has(HATCH_POLICY)
        space.has()

        def both_writes() -> list[dict[str, Any]] | None:
            records = audited.records(space.name)
            found = [e for e in records if e["objectRef"]["resource"] == "ciliumnetworkpolicies"]
            return found if len(found) == 2 else None

        writes = eventually(both_writes, "its writes in the log")
        assert {event["user"]["username"] for event in writes} == {account}
        scale = ["scale", "deployment/homelab-netpol", "--replicas=0", "--as=ben"]
        kubectl(audited, "-n", "homelab-netpol", *scale, "--as-group=system:masters")
        stopped = audited.recorded("homelab-netpol", "patch", "deployments")
    assert stopped["objectRef"]["subresource"] == "scale"
    assert stopped["impersonatedUser"]["username"] == "ben"
    assert "requestObject" not in stopped
    kinds = {event["objectRef"]["resource"] for event in audited.records("homelab-netpol")}
    assert "leases" not in kinds
