"""`homelab-netpol recommend` from flows and from policies, as its users call it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from tests.flow_lines import GATEWAY, end
from tests.recommendation.clusters import Json, passed

_DOMAIN, _ACCESS = "network-policy.homelab", "access.network-policy.homelab"
CLUSTER = """
apiVersion: v1
kind: Namespace
metadata: {name: my-app}
---
apiVersion: v1
kind: Namespace
metadata:
  name: other
  labels:
    network-policy.homelab/profile: internal
    access.network-policy.homelab/dragonfly: "true"
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: my-app, labels: {app: web}}
spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: other, labels: {app: client}}
spec: {containers: [{name: client}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-hand, namespace: my-app}
spec:
  endpointSelector: {}
  ingress:
  - fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": other}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  egress:
  - toEntities: [world]
    toPorts: [{ports: [{port: "443", protocol: TCP}]}]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "cluster.yaml").write_text(CLUSTER, encoding="utf-8")
    return tmp_path


def flows() -> list[Json]:
    gateway = end("istio-gateway/internal", **{GATEWAY: "internal"})
    return [
        passed(gateway, "my-app/web", "8080/TCP"),
        passed("my-app/web", "database/postgres", "5432/TCP"),
        passed("other/client", "my-app/web", "9000/TCP"),
    ]


def lines(*more: str) -> bytes:
    return "\n".join([*map(json.dumps, flows()), *more]).encode()


def run(tree: Path, *arguments: str, given: bytes = b"") -> Result:
    result = CliRunner().invoke(
        main, ["recommend", "-f", str(tree / "cluster.yaml"), *arguments], input=given
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_labels_follow_from_what_was_seen_with_what_the_other_end_must_have(tree: Path) -> None:
    done = run(tree, "-n", "my-app", "-", "-o", "yaml", given=lines())
    assert done.exit_code == 0, done.stderr
    app, other, resource = yaml.safe_load_all(done.stdout)
    assert app["metadata"] == {
        "name": "my-app",
        "labels": {f"{_DOMAIN}/profile": "internal", f"{_ACCESS}/postgres": "true"},
        "annotations": {f"{_DOMAIN}/gateway-ports": "8080"},
    }
    name = resource["metadata"]["name"]
    assert other["metadata"]["labels"] == {f"{_ACCESS}/{name}": "true"}
    assert resource["spec"] == {
        "namespace": "my-app",
        "podLabels": {"app": "web"},
        "ports": [{"port": 9000}],
    }


def test_an_export_may_be_gzipped_and_hold_what_is_no_flow(tree: Path) -> None:
    export = tree / "export.json.gz"
    export.write_bytes(gzip.compress(lines("nonsense", "{}", "")) + gzip.compress(lines()))
    done = run(tree, "-n", "my-app", str(export), "-o", "json")
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)
    assert (data["needed"], data["dropped"]) == (6, 0)
    assert any("2 lines were left out" in each for each in data["notes"])


def test_an_export_that_is_cut_off_is_read_as_far_as_it_goes_and_said(tree: Path) -> None:
    export = tree / "export.json.gz"
    export.write_bytes(gzip.compress(lines() * 200)[:-20])
    done = run(tree, "-n", "my-app", str(export))
    assert done.exit_code == 3
    assert "no whole gzip file" in done.stderr


def test_from_policies_their_rules_are_what_is_needed(tree: Path) -> None:
    done = run(tree, "-n", "my-app", "--from", "policies", "-o", "json")
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)
    assert (data["needed"], data["dropped"]) == (1, 0)
    [found] = data["namespaces"]
    assert found["manifest"]["metadata"]["labels"] == {f"{_DOMAIN}/profile": "internal-egress"}
    # The profile of the other Namespace does not let it out.
    assert any("1 do not pass today" in each for each in data["notes"])


def test_all_writes_a_tree_that_renders(tree: Path) -> None:
    folder = tree / "labels"
    done = run(tree, "--all", "-", "--output-dir", str(folder), "-o", "markdown", given=lines())
    assert done.exit_code == 0, done.stderr
    assert "| my-app | profile=internal, postgres, gateway-ports=8080 |" in done.stdout
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert all((folder / each).is_file() for each in kustomization["resources"])
    rendered = CliRunner().invoke(main, ["render", "-f", str(folder)])
    assert rendered.exit_code == 0, rendered.stderr
    names = {each["metadata"]["name"] for each in yaml.safe_load_all(rendered.stdout)}
    assert {"homelab-profile", "homelab-access-postgres"} <= names


def test_a_namespace_of_which_nothing_was_seen_gets_no_labels_and_is_told(tree: Path) -> None:
    with (tree / "cluster.yaml").open("a", encoding="utf-8") as file:
        file.write(
            """---
apiVersion: v1
kind: Pod
metadata: {name: sleeper, namespace: quiet, labels: {app: sleeper}}
spec: {containers: [{name: sleeper}]}
"""
        )
    done = run(tree, "--all", "-", "-o", "json", given=lines())
    data = json.loads(done.stdout)
    assert {each["namespace"] for each in data["namespaces"]} == {"my-app", "other"}
    assert any(each.startswith("quiet: no flow was seen") for each in data["notes"])
    assert any("2026-03-01 22:14" in each for each in data["notes"])


def test_what_cannot_pass_is_told_with_its_cause_and_the_status_says_so(tree: Path) -> None:
    (tree / "cluster.yaml").write_text(
        CLUSTER
        + """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: no-database, namespace: my-app}
spec:
  endpointSelector: {}
  egressDeny: [{toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": database}}]}]
""",
        encoding="utf-8",
    )
    done = run(tree, "-n", "my-app", "-", "-o", "json", given=lines())
    assert done.exit_code == 1
    data = json.loads(done.stdout)
    [unmet] = data["unmet"]
    app = next(each for each in data["namespaces"] if each["namespace"] == "my-app")
    assert app["manifest"]["metadata"]["annotations"] == {f"{_DOMAIN}/gateway-ports": "8080"}
    # What would not help is not recommended either.
    assert {each["kind"] for each in data["objects"]} == {"SharedResource"}
    assert (unmet["to"], unmet["port"]) == ("database/postgres", "5432/TCP")
    assert "a deny rule" in unmet["cause"]


def test_grants_that_nobody_used_are_told_and_how_long_the_flows_are(tree: Path) -> None:
    done = run(
        tree, "--unused", "--since", "2026-01-01T00:00:00Z", "-", "-o", "json", given=lines()
    )
    assert done.exit_code == 3
    data = json.loads(done.stdout)
    uses = {(each["namespace"], each["key"]): each["use"] for each in data["findings"]}
    assert uses["other", f"{_ACCESS}/dragonfly"] == "unused"
    assert any("unused means only in that time" in each for each in data["gaps"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-n", "my-ap", "-"], "did you mean my-app?"),
        (["-n", "kube-system", "-"], "kube-system"),
        (["-n", "my-app", "no-such-file"], "no such file"),
        (["--all", "--unused", "-"], "two questions"),
        (["-n", "my-app", "--from", "policies", "-"], "reads no flows"),
        (["-n", "my-app", "-", "--since", "soon"], "--since soon"),
        (["-n", "my-app", "-", "--since", "5m"], "older than --since"),
        (["--questions", "--all"], "reads neither flows nor policies"),
        (["-n", "my-app", "--grant", "postgres", "-"], "are for --questions"),
    ],
)
def test_what_cannot_be_asked_says_what_to_do(tree: Path, arguments: list[str], words: str) -> None:
    done = run(tree, *arguments, given=lines())
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("given", [b"nonsense\n", b'{"a": 1}\n', b"\x1f\x8bnonsense", b""])
def test_input_without_a_flow_is_an_error_and_never_a_trace(tree: Path, given: bytes) -> None:
    done = run(tree, "-n", "my-app", "-", given=given)
    assert done.exit_code in (2, 3)
    assert done.stderr.startswith(("Error: ", "Note: "))
    assert done.stdout == ""


def test_nothing_is_written_into_a_folder_that_holds_something(tree: Path) -> None:
    done = run(tree, "--all", "-", "--output-dir", str(tree), given=lines())
    assert done.exit_code == 2
    assert "new or empty" in done.stderr
