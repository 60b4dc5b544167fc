"""`render`: whose policies, in which form, and what its exit status says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

D = "network-policy.homelab"
TREE = f"""\
{{apiVersion: v1, kind: Namespace, metadata: {{name: database}}}}
---
{{apiVersion: v1, kind: Namespace, metadata: {{name: wiki, labels: {{{D}/profile: internal}}}}}}
---
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels:
    {D}/profile: standard
    access.{D}/postgres: "true"
    access.{D}/dragonfly: "true"
"""


def render(*arguments: str, given: str = TREE) -> Result:
    """Runs it over a tree."""
    result = CliRunner().invoke(main, ["render", "-f", "-", *arguments], input=given)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def names(result: Result) -> set[str]:
    """Namespace and name of each object that it printed."""
    documents = yaml.safe_load_all(result.stdout)
    metadata = [each["metadata"] for each in documents]
    return {f"{each.get('namespace', '')}/{each['name']}" for each in metadata}


def test_with_a_namespace_its_policies_are_shown_and_the_other_ends_of_its_grants() -> None:
    assert names(render("-n", "photos")) == {
        "photos/homelab-profile",
        "photos/homelab-access-postgres",
        "photos/homelab-access-dragonfly",
        "database/homelab-grant-postgres",
    }
    assert names(render("-n", "wiki")) == {"wiki/homelab-profile"}


def test_a_component_alone_can_be_shown() -> None:
    both = render("--component", "grant", "--component", "access", "-n", "photos")
    assert "photos/homelab-profile" not in names(both)
    assert "database/homelab-grant-postgres" in names(both)


def test_a_grant_whose_other_end_is_not_shown_is_said_to_be() -> None:
    result = render()
    assert result.exit_code == 0
    assert "dragonfly is granted, and its Namespace cache not given" in result.stderr
    assert "postgres is granted" not in result.stderr


def test_the_table_and_json_show_the_same_objects() -> None:
    as_json = yaml.safe_load(render("-o", "json").stdout)
    assert as_json["kind"] == "List"
    assert (as_json["problems"], as_json["notSaid"], as_json["incomplete"]) == ([], [], [])
    objects = list(yaml.safe_load_all(render().stdout))
    assert as_json["items"] == objects
    table = render("-o", "table").stdout
    for each in objects:
        assert each["metadata"]["name"] in table


def test_a_folder_gets_a_file_a_policy_and_nothing_that_is_there_is_overwritten(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "made" / "policies"
    assert render("--output-dir", str(folder)).exit_code == 0
    written = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.yaml")}
    assert "photos/ciliumnetworkpolicy-homelab-profile.yaml" in written
    assert "ciliumclusterwidenetworkpolicy-baseline-dns-egress.yaml" in written
    found = [yaml.safe_load(path.read_text("utf-8")) for path in written.values()]
    wanted = list(yaml.safe_load_all(render().stdout))
    assert sorted(found, key=str) == sorted(wanted, key=str)
    again = render("--output-dir", str(folder))
    assert again.exit_code == 2
    assert "is not empty" in again.stderr
    assert [each.name for each in (tmp_path / "made").iterdir()] == ["policies"]
    taken = tmp_path / "file"
    taken.touch()
    assert render("--output-dir", str(taken / "below")).exit_code == 2


def test_a_time_decides_whether_a_hatch_is_open() -> None:
    until = (
        f"{{apiVersion: v1, kind: Namespace, metadata: {{name: photos, labels: {{{D}/enforcement:"
        f' disabled}}, annotations: {{{D}/disabled-until: "2026-02-01T12:00:00Z"}}}}}}\n'
    )
    before = render("--at", "2026-02-01T11:59:59Z", given=until)
    assert "photos/homelab-escape-hatch" in names(before)
    assert before.exit_code == 0
    after = render("--at", "2026-02-01T12:00:01Z", given=until)
    assert "photos/homelab-escape-hatch" not in names(after)
    assert (after.exit_code, "(HatchExpired)" in after.stderr) == (1, True)
    assert render("--at", "yesterday", given=until).exit_code == 2


@pytest.mark.parametrize("kind", ["networkpolicy", "calico"])
def test_an_export_says_what_it_leaves_out_and_strictly_refuses_to(kind: str) -> None:
    result = render("--as", kind)
    assert result.exit_code == 0
    assert f"Note: not said by {kind}: addresses of IPv4 outside the cluster" in result.stderr
    assert "# Not said (narrower): addresses of IPv4 outside the cluster" in result.stdout
    said: list[Any] = yaml.safe_load(render("--as", kind, "-o", "json").stdout)["notSaid"]
    assert {each["effect"] for each in said} >= {"narrower", "none"}
    refused = render("--as", kind, "--strict")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert render("--as", kind, "--cluster-cidr", "10.42.0.0/33").exit_code == 2


def test_an_export_of_one_namespace_is_that_part_of_the_whole() -> None:
    whole = names(render("--as", "networkpolicy"))
    part = names(render("--as", "networkpolicy", "-n", "photos"))
    assert {each for each in whole if each.startswith("photos/")} == part
