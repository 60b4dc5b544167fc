"""`python -m lab demo` as a person runs it: a process with a control plane of its own.

What is expected here is written out, and not read from the demo's own data.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest
from kubernetes import client, config, watch

from lab.control_plane import ControlPlane, Lab
from tests.pictures import SVG, parsed

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 120.0
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_NAMESPACES = [
    ("blog", "standard", "garage-s3, postgres", "profile, 2 access"),
    ("wiki", "internal", "postgres", "profile, access"),
    ("homepage", "internal", "kube-api", "profile, access"),
    ("ai-chat", "internal-egress", "dragonfly", "profile, access"),
    ("backup-jobs", "isolated", "garage-s3", "profile, access"),
    ("metrics-bot", "(none)", "kube-api", "access"),
    ("recipes", "standart: internal kept", "-", "profile"),
    ("photos", "internal, hatch open", "-", "profile, hatch"),
    ("database", "standard: refused", "-", "grant"),
]
_VERDICTS = [
    ("external gateway → blog:8080", "allowed"),
    ("external gateway → wiki:8080", "denied"),
    ("internal gateway → wiki:8080", "allowed"),
    ("internal gateway → backup-jobs:8080", "denied"),
    ("ai-chat → the internet:443", "allowed"),
    ("backup-jobs → the internet:443", "denied"),
    ("backup-jobs → cluster DNS:53/UDP", "allowed"),
    ("prometheus → backup-jobs:9090", "allowed"),
    ("blog → database:5432", "allowed"),
    ("ai-chat → database:5432", "denied"),
    ("ai-chat → cache:6379", "allowed"),
    ("backup-jobs → garage:3900", "allowed"),
    ("metrics-bot → kube-apiserver:6443", "allowed"),
    ("blog → wiki:8080", "denied"),
    ("external gateway → recipes:8080", "denied"),
    ("internal gateway → recipes:8080", "allowed"),
    ("photos → the internet:22", "allowed"),
]


def test_once_shows_the_promised_tables_and_ends_with_status_0(lab: Lab, tmp_path: Path) -> None:
    picture, log = tmp_path / "demo.svg", tmp_path / "operator.log"

    shown = _run(lab, "--once", "--svg", str(picture), "--log", str(log))

    assert shown.returncode == 0, shown.stdout + shown.stderr
    lines = shown.stdout.splitlines()
    first_table = shown.stdout.partition("Who may talk to whom")[0].splitlines()
    for namespace, *cells in _NAMESPACES:
        [line] = [line for line in first_table if line.startswith(f"{namespace} ")]
        assert re.split(r"\s{2,}", line.strip())[1:-1] == cells
    for flow, verdict in _VERDICTS:
        [line] = [line for line in lines if line.startswith(f"{flow} ")]
        assert line.removeprefix(flow).split()[0] == verdict
    assert 'homelab_netpol_enforcement_disabled{namespace="photos"} 1' in shown.stdout
    for reason in ("ProfileRefused", "ProfileUnknown", "EnforcementDisabled"):
        assert reason in shown.stdout
    assert "Did you mean 'standard'?" in shown.stdout
    assert "as expected" in lines[-1]
    assert "Stopped." in log.read_text(encoding="utf-8")
    _assert_is_a_picture_for_a_readme(picture, tmp_path)


def test_a_difference_is_named_and_ends_with_status_1(lab: Lab, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "sharedResources: {postgres: {namespace: database, ports: [{port: 5433}]}}",
        encoding="utf-8",
    )

    shown = _run(lab, "--once", "--config", str(settings))

    assert shown.returncode == 1
    assert shown.stdout.splitlines()[-2:] == [
        "1 not as expected:",
        "  ✗ blog → database:5432: denied, expected allowed (grant: postgres)",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_a_terminal_it_tells_changes_and_removes_everything_at_the_end(
    lab: Lab, number: signal.Signals
) -> None:
    terminal = _Terminal(lab)
    try:
        kubeconfig = Path(terminal.wait_for(r"export KUBECONFIG=(\S+)"))
        terminal.wait_for(r"Ctrl-C (ends)")
        with config.new_client_from_config(str(kubeconfig)) as api:
            labels = {"network-policy.homelab/profile": "standard"}
            client.CoreV1Api(api).patch_namespace("wiki", {"metadata": {"labels": labels}})
            # In one line with how long it took, unless the machine is busy or both came at once.
            terminal.wait_for(r"wiki: profile=standard \(was (internal)\)")
            terminal.wait_for(r"homelab-profile (changed)")
            terminal.wait_for(r"external gateway → wiki:8080\s+denied → (allowed)")
            custom = client.CustomObjectsApi(api)
            custom.delete_namespaced_custom_object(
                "cilium.io", "v2", "blog", "ciliumnetworkpolicies", "homelab-profile"
            )
            terminal.wait_for(r"blog: homelab-profile (deleted by hand, put back|went)")
        terminal.process.send_signal(number)
        status = terminal.process.wait(120)
    finally:
        terminal.close()
    assert status == (0 if number == signal.SIGINT else 128 + signal.SIGTERM)
    assert not kubeconfig.parent.exists()


def test_an_existing_cluster_is_used_only_when_named_in_full_and_allowed(lab: Lab) -> None:
    for arguments, missing in (
        (["--kubeconfig", "somewhere"], "--context"),
        (["--context", "home"], "--kubeconfig"),
        (["--kubeconfig", "somewhere", "--context", "home"], "--yes"),
    ):
        shown = _run(lab, *arguments)
        assert shown.returncode == 2
        assert missing in shown.stderr


def test_what_keeps_packets_from_being_sent_is_said_in_one_line_before_anything_is_built(
    lab: Lab, tmp_path: Path
) -> None:
    nowhere, temporary, cache = tmp_path / "bin", tmp_path / "tmp", tmp_path / "cache"
    temporary.mkdir()
    places = {"PATH": str(nowhere), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache)}

    shown = _run(lab, "--datapath", **places)

    assert shown.returncode == 1
    assert shown.stdout == ""
    [line] = shown.stderr.splitlines()
    assert line.startswith("Error: no packets can be sent here: ")
    if sys.platform == "linux":
        assert "clang is not installed: apt-get install clang-19" in line
    assert not cache.exists()
    assert list(temporary.iterdir()) == []


def test_real_packets_are_sent_on_a_control_plane_of_its_own_alone(lab: Lab) -> None:
    for arguments in (
        ["--svg", "demo.svg"],
        ["--config", "settings.yaml"],
        ["--kubeconfig", "somewhere", "--context", "home", "--yes"],
    ):
        shown = _run(lab, "--datapath", *arguments)
        assert shown.returncode == 2
        assert "--datapath" in shown.stderr
        assert arguments[0] in shown.stderr


def _assert_is_a_picture_for_a_readme(picture: Path, folder: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert parsed(text).tag == f"{SVG}svg"
    assert "homelab-netpol demo" in text
    # It must load nothing, and say nothing of the machine that it was made on.
    assert re.findall(r"(?:https?:)?//[^\s\"']+", text) == ["http://www.w3.org/2000/svg"]
    for private in ("127.0.0.1", str(Path.home()), str(folder), "KUBECONFIG"):
        assert private not in text


def test_on_an_existing_cluster_it_denies_nobody_elses_pods_and_leaves_nothing(lab: Lab) -> None:
    with ControlPlane(lab=lab) as plane:
        named = ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context, "--yes"]
        with config.new_client_from_config(str(plane.kubeconfig)) as api, _Baselines(api) as seen:
            before = {item.metadata.name for item in client.CoreV1Api(api).list_namespace().items}
            shown = _run(lab, "--once", *named)
            after = {item.metadata.name for item in client.CoreV1Api(api).list_namespace().items}
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "as expected" in shown.stdout.splitlines()[-1]
    assert after == before
    assert {"baseline-dns-egress", "baseline-health-probes"} <= seen.rules.keys()
    for name, rules in seen.rules.items():
        for rule in rules:
            assert rule.get("enableDefaultDeny") == {"ingress": False, "egress": False}, name
    assert seen.deleted == seen.rules.keys()


class _Baselines:
    """Watches the clusterwide policies for as long as the block lasts."""

    def __init__(self, api: client.ApiClient) -> None:
        self.rules: dict[str, list[dict[str, Any]]] = {}
        self.deleted: set[str] = set()
        self._list = client.CustomObjectsApi(api).list_cluster_custom_object
        self._watch = watch.Watch()
        self._thread = threading.Thread(target=self._follow)

    def _follow(self) -> None:
        kind = ("cilium.io", "v2", "ciliumclusterwidenetworkpolicies")
        for event in self._watch.stream(self._list, *kind, timeout_seconds=int(_SECONDS)):
            policy = event["object"]
            name = policy["metadata"]["name"]
            self.rules.setdefault(name, []).extend(policy.get("specs") or [policy["spec"]])
            if event["type"] == "DELETED":
                self.deleted.add(name)
                if self.deleted == self.rules.keys():
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._watch.stop()
        self._thread.join(_SECONDS)


def _run(lab: Lab, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        env={**_environment(lab), **environment},
        check=False,
    )


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab", "demo", *arguments]


def _environment(lab: Lab) -> dict[str, str]:
    path = os.pathsep.join((str(_ROOT), str(_ROOT / "operator")))
    own = {"PYTHONPATH": path, "HOMELAB_NETPOL_LAB": str(lab.binary)}
    return {**os.environ, **own, "COLUMNS": "100", "TERM": "xterm", "NO_COLOR": "1"}


class _Terminal:
    """The demo in a terminal, where it stays up."""

    def __init__(self, lab: Lab) -> None:
        self._screen, far_end = pty.openpty()
        self.process = subprocess.Popen(
            _command(), stdin=far_end, stdout=far_end, stderr=far_end, env=_environment(lab)
        )
        os.close(far_end)
        self._text = ""

    def wait_for(self, pattern: str) -> str:
        """Wait until the screen shows a pattern; its first group."""
        deadline = time.monotonic() + _SECONDS
        while not (found := re.search(pattern, _STYLE.sub("", self._text))):
            readable, _, _ = select.select([self._screen], [], [], 1)
            if readable:
                self._text += os.read(self._screen, 65536).decode(errors="replace")
            assert self.process.poll() is None, self._text
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self._text}"
        return found[1]

    def close(self) -> None:
        """End the demo if it still runs; it then cleans up by itself."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(120)
        os.close(self._screen)
