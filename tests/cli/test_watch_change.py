"""`homelab-netpol watch-change` as it is typed: what it prints, its exit status, and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.commands import CONTROLS, run
from tests.explained import deployment, namespace
from tests.flow_lines import Json, flow, lines

CLUSTER = (
    namespace("my-app", profile="internal")
    + deployment("my-app", "web")
    + deployment("database", "postgres", 5432)
)
GRANT = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
HTTPS = flow("my-app/web", "world 203.0.113.7", "443/TCP", "EGRESS")
PASSED: Json = {"verdict": "FORWARDED", "is_reply": False, "drop_reason_desc": None}
LOST: Json = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": 7}}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with the manifests."""
    (tmp_path / "cluster.yaml").write_text(CLUSTER, encoding="utf-8")
    return tmp_path


def compared(
    given: Path, before: list[Json], after: list[Json], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """What is said of two files, the second on standard input."""
    (given / "before.json").write_bytes(lines(*before))
    files = ("--before", str(given / "before.json"), "--after", "-")
    cluster = ("-f", str(given / "cluster.yaml"))
    done = run("watch-change", "my-app", *files, *cluster, *arguments, given=_written(after))
    assert not CONTROLS.search(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr
    return done


def _written(flows: list[Json]) -> bytes:
    return b"".join(lines(each, wrapped="lost_events" not in each) for each in flows)


def test_what_passed_and_is_dropped_is_status_1_with_its_cause_and_label(given: Path) -> None:
    done = compared(given, [GRANT | PASSED, HTTPS | PASSED], [GRANT, HTTPS | PASSED])
    assert done.returncode == 1
    assert done.stdout.startswith("my-app: 1 of 2 that passed before the change is dropped.\n")
    assert "no grant on postgres" in done.stdout
    assert "access.network-policy.homelab/postgres: 'true'" in done.stdout
    assert "dropped, and passed before: my-app/web to database/postgres on 5432/TCP" in done.stderr


def test_what_was_dropped_before_as_well_or_never_passed_is_said_and_status_0(given: Path) -> None:
    before, after = [GRANT, HTTPS | PASSED], [GRANT, HTTPS | PASSED, HTTPS | _port(80)]
    done = compared(given, before, after)
    assert done.returncode == 0
    assert "Dropped before as well: my-app/web to database/postgres on 5432/TCP" in done.stdout
    assert "Dropped, and was not seen before:" in done.stdout
    assert compared(given, before, after, "--fail-on", "new-drops").returncode == 1
    assert compared(given, before, after[:2], "--fail-on", "new-drops").returncode == 0


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([], [GRANT | PASSED], "no flow was seen before the change"),
        ([GRANT | PASSED], [], "no flow was seen since the change"),
        ([GRANT | PASSED], [GRANT | PASSED, LOST], "Hubble lost 7 flows"),
    ],
)
def test_without_flows_or_with_lost_ones_it_is_not_said_that_all_is_well(
    given: Path, before: list[Json], after: list[Json], said: str
) -> None:
    done = compared(given, before, after, "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["result"]) == (3, "unknown")
    assert said in answer["incomplete"][0]
    # What is broken is broken, whatever else was lost.
    assert compared(given, [GRANT | PASSED], [GRANT, LOST]).returncode == 1


def test_the_answer_as_data_and_for_a_pipelines_summary(given: Path) -> None:
    flows = [GRANT | PASSED, HTTPS | PASSED], [GRANT]
    answer = json.loads(compared(given, *flows, "-o", "json").stdout)
    assert (answer["result"], answer["passedBefore"], answer["passes"]) == ("broken", 2, 0)
    [broken] = answer["brokenConversations"]
    assert broken | {"droppedSince": 0} == {
        "source": "my-app/web",
        "destination": "database/postgres",
        "port": 5432,
        "protocol": "TCP",
        "passedBefore": 1,
        "droppedBefore": 0,
        "passedSince": 0,
        "droppedSince": 0,
    }
    assert [each["port"] for each in answer["notSeenSince"]] == [443]
    [found] = answer["broken"]
    key = "access.network-policy.homelab/postgres"
    assert found["fix"]["labels"] == [{"namespace": "my-app", "key": key, "value": "true"}]
    summary = compared(given, *flows, "-o", "markdown").stdout
    assert summary.startswith("**my-app: 1 of 2 that passed before the change is dropped.**\n")
    assert "| no grant on postgres |" in summary


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--before", "before.json"], "belong together"),
        (["--before", "-", "--after", "before.json"], "standard input (-) is for --after"),
        (["--before", "nowhere", "--after", "-"], "nowhere: no such file"),
        (["--since", "2999-01-01T00:00:00Z"], "not a moment of the past"),
        (["--since", "soon"], "--since soon: write a duration"),
        (["--for", "soon"], "--for soon: write a duration"),
        (["--history", "2026-03-01T00:00:00Z"], "write a duration"),
        ([], "hubble is not on PATH"),
    ],
)
def test_what_cannot_be_used_is_status_2_with_the_reason(
    given: Path, arguments: list[str], said: str
) -> None:
    (given / "before.json").write_bytes(lines(GRANT))
    hubble = given / "bin" / "hubble"
    if arguments:
        _fake_hubble(hubble, [], "")
    cluster = str(given / "cluster.yaml")
    typed = [str(given / each) if each == "before.json" else each for each in arguments]
    done = run("watch-change", "my-app", "-f", cluster, *typed, PATH=str(hubble.parent))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_no_line_that_is_a_flow_is_status_2(given: Path) -> None:
    (given / "nonsense").write_text("no json\n" * 3, encoding="utf-8")
    nonsense, cluster = str(given / "nonsense"), str(given / "cluster.yaml")
    done = run("watch-change", "my-app", "--before", nonsense, "--after", nonsense, "-f", cluster)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none of 6 lines is a flow" in done.stderr


def test_hubble_is_followed_for_the_time_given(given: Path) -> None:
    now = datetime.now(UTC)
    flows = [_at(GRANT | PASSED, now - timedelta(minutes=1)), _at(GRANT, now + timedelta(hours=1))]
    _fake_hubble(given / "bin" / "hubble", flows, "time.sleep(600)")
    cluster = str(given / "cluster.yaml")
    done = run("watch-change", "my-app", "-f", cluster, "--for", "2s", PATH=str(given / "bin"))
    assert done.returncode == 1, done.stderr
    asked = (given / "bin" / "asked").read_text(encoding="utf-8")
    assert "observe --output json --namespace my-app --follow --since 2" in asked


def test_hubble_that_ends_early_is_no_success(given: Path) -> None:
    now = datetime.now(UTC)
    flows = [_at(GRANT | PASSED, now + timedelta(hours=each)) for each in (-1, 1)]
    hubble, cluster = given / "bin" / "hubble", str(given / "cluster.yaml")
    for end, said in (
        ("", "hubble ended early"),
        ("sys.exit('refused')", "hubble ended with status 1: refused"),
    ):
        _fake_hubble(hubble, flows, end)
        done = run("watch-change", "my-app", "-f", cluster, PATH=str(hubble.parent))
        assert (done.returncode, said in done.stderr) == (3, True), done.stderr
        assert "nothing certain" in done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(("last", "status"), [(GRANT, 1), (GRANT | PASSED, 3)])
def test_what_is_known_is_said_when_it_is_interrupted(
    given: Path, name: str, last: Json, status: int
) -> None:
    now = datetime.now(UTC)
    flows = [_at(GRANT | PASSED, now - timedelta(minutes=1)), _at(last, now + timedelta(hours=1))]
    # The first is ended when its watcher has read the second.
    kill = f"time.sleep(2); os.kill(os.getppid(), signal.{name}); time.sleep(600)"
    _fake_hubble(given / "bin" / "hubble", flows, kill)
    cluster = str(given / "cluster.yaml")
    done = run("watch-change", "my-app", "-f", cluster, PATH=str(given / "bin"))
    assert (done.returncode, "interrupted before its end" in done.stderr) == (status, True)
    assert done.stdout.startswith("my-app: ")


def _port(number: int) -> Json:
    return {"l4": {"TCP": {"destination_port": number}}}


def _at(given: Json, moment: datetime) -> Json:
    return given | {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _fake_hubble(path: Path, flows: list[Json], then: str) -> None:
    """One that keeps what it was asked, prints flows, and does something then."""
    path.parent.mkdir(exist_ok=True)
    (path.parent / "flows").write_bytes(lines(*flows))
    path.write_text(
        f"#!{sys.executable}\nimport os, signal, sys, time\n"
        f"open({str(path.parent / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
        f"sys.stdout.buffer.write(open({str(path.parent / 'flows')!r}, 'rb').read())\n"
        f"sys.stdout.flush()\n{then}\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
