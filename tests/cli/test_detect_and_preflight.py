"""The two commands as they are typed: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from homelab_netpol.settings import load_settings
from tests.detect.dumps import CLUSTERS

_BASE, _TRAEFIK = CLUSTERS / "base.yaml", CLUSTERS / "traefik.yaml"


def run(*arguments: object) -> Result:
    """What `homelab-netpol` prints, and its exit status; an error that it does not catch fails."""
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


def test_what_detect_writes_is_a_settings_file_and_preflight_takes_it(tmp_path: Path) -> None:
    done = run("detect", "-f", _BASE, "-f", _TRAEFIK)
    assert (done.exit_code, done.stderr) == (
        0,
        'Note: questions to answer: 2, in lines that begin with "# Check:"\n',
    )
    file = tmp_path / "netpol.yaml"
    file.write_text(done.stdout, encoding="utf-8")
    assert "traefik" in load_settings(file).gateways.namespaces
    checked = run("preflight", "--config", file, "-f", _BASE, "-f", _TRAEFIK, "-o", "json")
    assert checked.exit_code == 0, checked.stdout
    report = json.loads(checked.stdout)
    assert report["cutsOff"] is False
    assert report["incomplete"] == []
    assert {each["where"] for each in report["problems"]} == {"defaultDeny", "scrapers[0]"}


def test_detect_says_the_same_as_data() -> None:
    done = run("detect", "-f", _BASE, "-f", _TRAEFIK, "-o", "json")
    found = json.loads(done.stdout)
    assert found["settings"]["gateways"]["internal"] == [
        {"namespace": "traefik", "podLabels": {"app.kubernetes.io/name": "traefik"}}
    ]
    assert {each["setting"] for each in found["evidence"]} == {
        "gateways.internal",
        "gateways.external",
        "gateways.ports",
        "platformNamespaces",
    }
    assert len(found["questions"]) == 2
    assert found["incomplete"] == []


@pytest.mark.parametrize(
    ("output", "title"), [("table", "Would be cut off\n"), ("markdown", "### Would be cut off\n")]
)
def test_preflight_ends_with_1_where_something_would_be_cut_off(
    tmp_path: Path, output: str, title: str
) -> None:
    file = tmp_path / "netpol.yaml"
    file.write_text("defaultDeny: workload\n", encoding="utf-8")
    done = run("preflight", "--config", file, "-f", _BASE, "-f", _TRAEFIK, "-o", output)
    assert done.exit_code == 1
    assert title in "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert "photos" in done.stdout
    assert "kubectl label namespace photos network-policy.homelab/profile=standard" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["detect", "preflight"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "not valid YAML"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: 7}\n",
            "Pod default/x: spec.containers: ports cannot be read",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [7]}\n",
            "",
        ),
        ("\x00\x01", "binary data"),
    ],
)
def test_input_that_cannot_be_used_ends_with_2_and_no_output(
    command: str, content: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "dump.yaml"
    file.write_text(content, encoding="utf-8")
    done = run(command, "-f", file)
    if not said and command == "detect":  # a Service of odd shape counts as not there
        assert done.exit_code == 0
        return
    assert done.exit_code == 2
    assert done.stdout == ""
    assert (said or "Service default/x: is not what the API server takes") in done.stderr


def test_settings_that_cannot_be_used_and_a_cluster_that_is_not_there_have_their_own_status(
    tmp_path: Path,
) -> None:
    file = tmp_path / "netpol.yaml"
    file.write_text("nonsense: 1\n", encoding="utf-8")
    done = run("preflight", "--config", file, "-f", _BASE)
    assert done.exit_code == 2
    assert "nonsense: no such setting" in done.stderr
    for command in ("detect", "preflight"):
        away = run(command, "--kubeconfig", tmp_path / "none")
        assert (away.exit_code, away.stdout) == (3, "")


@pytest.mark.parametrize("command", ["detect", "preflight"])
def test_a_name_with_escapes_is_refused_without_them(command: str, tmp_path: Path) -> None:
    file = tmp_path / "dump.yaml"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "[red]x\x1b[2J|\n# y", "namespace": "photos"},
        "spec": {"containers": []},
    }
    file.write_text(json.dumps(pod), encoding="utf-8")
    done = run(command, "-f", file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "[red]x" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("command", ["detect", "preflight"])
def test_help_has_each_example_on_a_line_of_its_own(command: str) -> None:
    lines = run(command, "--help").stdout.splitlines()
    examples = [line for line in lines if line.startswith(f"    homelab-netpol {command}")]
    assert examples
    assert "  Examples:" in lines
