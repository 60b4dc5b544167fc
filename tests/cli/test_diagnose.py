"""`homelab-netpol diagnose` as it is typed: what it prints, its exit status, and bad input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from tests.cli.commands import CONTROLS, run
from tests.explained import deployment, namespace
from tests.flow_lines import flow, lines

CLUSTER = (
    namespace("my-app", profile="internal")
    + namespace("other", profile="standard")
    + deployment("my-app", "web")
    + deployment("database", "postgres", 5432)
)
NO_GRANT = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
NO_HTTPS = flow("my-app/web", "world 203.0.113.7", "443/TCP", "EGRESS")

_BOTH = ("EGRESS", "INGRESS")


@pytest.fixture
def cluster(tmp_path: Path) -> str:
    """The manifests."""
    path = tmp_path / "cluster.yaml"
    path.write_text(CLUSTER, encoding="utf-8")
    return str(path)


def diagnose(cluster: str, given: bytes, *arguments: str) -> Result:
    """What the command says of flows on its standard input."""
    result = CliRunner().invoke(main, ["diagnose", "-", "-f", cluster, *arguments], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not CONTROLS.search(result.output)
    return result


def test_the_most_frequent_cause_is_first_with_its_label(cluster: str) -> None:
    done = diagnose(cluster, lines(NO_HTTPS, NO_GRANT, NO_GRANT))
    rows = [line for line in done.stdout.splitlines() if line.strip().startswith(("1 ", "2 "))]
    assert done.exit_code == 1
    assert "no grant on postgres" in rows[0]
    assert "my-app: access.network-policy.homelab/postgres=true" in rows[0]
    assert "the profile internal has no HTTPS" in rows[1]


def test_json_has_the_cause_the_fix_and_what_was_counted(cluster: str) -> None:
    done = diagnose(cluster, lines(NO_GRANT) + b"nonsense\n", "-o", "json")
    data = json.loads(done.stdout)
    [found] = data["diagnoses"]
    assert (found["kind"], found["count"], found["namespace"]) == ("missing", 1, "my-app")
    assert found["fix"]["labels"] == [
        {"namespace": "my-app", "key": "access.network-policy.homelab/postgres", "value": "true"}
    ]
    assert found["fix"]["opens"] == []
    assert (data["read"]["flows"], data["read"]["notFlows"]) == (1, 1)


def test_the_patch_holds_the_labels_of_all_drops(cluster: str) -> None:
    done = diagnose(cluster, lines(NO_GRANT, NO_HTTPS), "--fix")
    assert 'access.network-policy.homelab/postgres: "true"' in done.stdout
    assert "network-policy.homelab/profile: internal-egress" in done.stdout


def test_no_drop_is_status_0(cluster: str) -> None:
    passed = NO_GRANT | {"verdict": "FORWARDED"}
    done = diagnose(cluster, lines(passed))
    assert (done.exit_code, done.stdout) == (0, "No flow was dropped (1 read).\n")
    assert diagnose(cluster, lines(NO_GRANT), "-n", "other").exit_code == 0
    assert diagnose(cluster, lines(NO_GRANT), "--since", "1h").exit_code == 0


def test_shadow_labels_say_what_would_be_dropped(cluster: str) -> None:
    passed = lines(NO_GRANT | {"verdict": "FORWARDED", "is_reply": False})
    shut = diagnose(cluster, passed, "-n", "my-app", "--as", "profile=internal")
    assert (shut.exit_code, "no grant on postgres" in shut.stdout) == (1, True)
    granted = diagnose(cluster, passed, "-n", "my-app", "--as", "profile=internal,postgres")
    assert (granted.exit_code, granted.stdout) == (0, "No flow would be dropped (1 read).\n")
    replies = lines(NO_GRANT | {"verdict": "FORWARDED", "is_reply": True})
    assert diagnose(cluster, replies, "-n", "my-app", "--as", "profile=internal").exit_code == 0


def test_a_flow_that_passed_both_ends_is_one_row_about_the_own_namespace(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(namespace("my-app", profile="internal"), encoding="utf-8")
    passed = {"verdict": "FORWARDED", "is_reply": False}
    at_both = lines(*(NO_GRANT | passed | {"traffic_direction": each} for each in _BOTH))
    done = diagnose(str(path), at_both, "-n", "my-app", "--as", "profile=isolated", "-o", "json")
    [found] = json.loads(done.stdout)["diagnoses"]
    assert (found["direction"], found["namespace"]) == ("egress", "my-app")
    assert (found["kind"], found["cause"]) == ("missing", "no grant on postgres")


@pytest.mark.parametrize(
    ("given", "arguments", "said"),
    [
        (b"no json\n", [], "none of 1 lines is a flow"),
        (b"", ["--since", "soon"], "--since soon: write a duration"),
        (b"", ["--as", "profile=internal"], "name it with -n"),
        (b"", ["-n", "my-app", "--as", "postgre"], "did you mean postgres?"),
        (b"", ["-n", "my-app", "--as", "profile=x"], "there is no such profile"),
        (b"", ["-n", "my-ap", "--as", "profile=internal"], "did you mean my-app?"),
        (b"", ["-n", "database", "--as", "profile=internal"], "a platform namespace"),
        (b"", ["--follow"], "--follow is for hubble itself"),
        (b"", ["--fix", "-o", "json"], "leave -o out"),
        (b"", ["nowhere.json"], "nowhere.json: no such file"),
        (b"", ["-"], "can be given once only"),
    ],
)
def test_what_cannot_be_used_is_status_2_with_the_reason(
    cluster: str, given: bytes, arguments: list[str], said: str
) -> None:
    done = diagnose(cluster, given, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_flows_that_cannot_be_asked_about_are_said_and_no_stack_trace(cluster: str) -> None:
    evil = "my-app/\x1b[31mred[bold]"
    given = lines(
        flow("gone/web", "database/postgres", "5432/TCP", "EGRESS"),
        flow("my-app/web", "database/postgres", "8/ICMPv4", "EGRESS"),
        {key: value for key, value in NO_GRANT.items() if key != "l4"},
        NO_GRANT | {"drop_reason_desc": "OF_TOMORROW"},
        NO_GRANT | {"drop_reason_desc": "CT_MAP_INSERTION_FAILED"},
        NO_GRANT | {"traffic_direction": "TRAFFIC_DIRECTION_UNKNOWN"},
        NO_GRANT | {"source": None, "destination": [], "IP": 7, "l4": {"TCP": "x"}, "time": {}},
        flow(evil, "database/postgres", "5432/TCP", "EGRESS"),
    )
    done = diagnose(cluster, given)
    assert done.exit_code == 1
    for words in ("no Namespace gone", "OF_TOMORROW", "connection tracking", "no port"):
        assert words in done.stdout


def test_hubble_that_ends_badly_is_status_3_and_what_came_is_answered(
    cluster: str, tmp_path: Path
) -> None:
    (tmp_path / "flows.json").write_bytes(lines(NO_GRANT))
    hubble = tmp_path / "bin" / "hubble"
    hubble.parent.mkdir()
    hubble.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"print(open({str(tmp_path / 'flows.json')!r}).read(), end='', flush=True)\n"
        "print('connection refused', file=sys.stderr)\nsys.exit(1)\n",
        encoding="utf-8",
    )
    hubble.chmod(0o755)
    done = run("diagnose", "-f", cluster, "--follow", PATH=str(hubble.parent))
    assert done.returncode == 3
    assert "no grant on postgres" in done.stdout
    assert "hubble ended with status 1: connection refused" in done.stderr
    hubble.write_text(f"#!{sys.executable}\nraise SystemExit(7)\n", encoding="utf-8")
    nothing = run("diagnose", "-f", cluster, PATH=str(hubble.parent))
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert nothing.stderr == "Error: hubble ended with status 7\n"
    absent = run("diagnose", "-f", cluster, PATH=str(tmp_path))
    assert (absent.returncode, "hubble is not on PATH" in absent.stderr) == (2, True)
