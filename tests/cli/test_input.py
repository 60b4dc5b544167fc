"""Whatever a command is given, it answers, or says what is wrong and where; never a stack trace."""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from tests.cli.commands import environment, run
from tests.dice import seeded

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n"
PROFILE = (
    "apiVersion: network-policy.homelab/v1alpha1\nkind: NetworkProfile\nmetadata: {name: own}\n"
)
RESOURCE = PROFILE.replace("NetworkProfile", "SharedResource")
# Any of them in an answer would be obeyed by a terminal.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def rendered(given: str | bytes, *arguments: str) -> Result:
    """What `render -f -` does, in this process; an exception that is no exit fails the test."""
    result = CliRunner().invoke(main, ["render", "-f", "-", *arguments], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not _CONTROLS.search(result.output), result.output
    return result


def refused(given: str | bytes, *arguments: str) -> str:
    """What is said to input that cannot be used, on which nothing is printed."""
    result = rendered(given, *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    return result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (NAMESPACE + "  labels:\n\t- a\n", "-:6:1: not valid YAML"),
        (NAMESPACE + "  name: other\n", "-:5:3: not valid YAML: the key 'name' is given twice"),
        (NAMESPACE + "x: *nowhere\n", "-:5:4: not valid YAML: found undefined alias"),
        (b"a: 1\nb: \x01\n", "-:2:4: not valid YAML: the character U+0001"),
        ("a: 1\nb: !!int x\n", "-:1: not valid YAML: a value cannot be read"),
        ("a: !!timestamp x\n", "-:1: not valid YAML: a value does not fit its tag"),
        ("a: !!python/object/apply:os.system [id]\n", "-:1:4: not valid YAML"),
        ("{{- if .Values.on }}\nkind: Namespace\n{{- end }}\n", "helm template CHART"),
        (NAMESPACE.replace("photos", '"{{ .Release.Name }}"'), "template of Helm's"),
        (NAMESPACE.replace("photos", '"${APP}"'), "flux envsubst"),
        (b"\x7fELF\x00\x01\x02", "-: binary data"),
        (b"a: 1\nb: \xe9\n", "-:2: not UTF-8 text (byte 8)"),
        ("", "standard input: holds no Kubernetes object"),
        ("null\n---\n- 1\n", "standard input: holds no Kubernetes object"),
        ("[" * 100_000, "-:1:501: not valid YAML: nested too deeply"),
        ("- " * 5_000 + "a", "not valid YAML: nested too deeply"),
        ("{a: " * 5_000 + "1" + "}" * 5_000, "not valid YAML: nested too deeply"),
        ("\n".join(" " * i + "a:" for i in range(1_500)), "not valid YAML: nested too deeply"),
        (NAMESPACE + "x: &a {b: *a}\n", "aliases stand for more than 5,000,000 values"),
        ("&a {apiVersion: v1, kind: List, items: [*a]}", "aliases stand for more than"),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            "aliases stand for more than",
        ),
        (f"a: {'9' * 5_000}\n", "-:1: not valid YAML: a value cannot be read"),
        ('{"a": 1,\n "a": 2}', "-:2:2: not valid YAML: the key 'a' is given twice"),
        ('{"a": ' * 5_000 + "1" + "}" * 5_000, "not valid YAML: nested too deeply"),
        ('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NaN}}', "metadata.name"),
    ],
)
def test_text_that_cannot_be_read_is_named_with_its_place(given: str | bytes, said: str) -> None:
    assert said in refused(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("apiVersion: v1\nkind: {}\n", "-:1: kind and apiVersion: must be text"),
        ("apiVersion: 7\nkind: Namespace\n", "-:1: kind and apiVersion: must be text"),
        ("a: 1\n---\napiVersion: v1\nkind: List\nitems: 3\n", "-:3: items: must be a list"),
        ("apiVersion: v1\nkind: List\nitems: [null]\n", "-:1: items[0]: no Kubernetes object"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: null\n", "-:1: Namespace: metadata.name"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: 7}\n", "metadata.name: it has none"),
        (NAMESPACE + "  labels: []\n", "Namespace photos: metadata.labels: must be a mapping"),
        (NAMESPACE + "  labels: {a: 7}\n", "metadata.labels['a']: must be text, found 7"),
        (NAMESPACE + "  labels: {a: null}\n", "metadata.labels['a']: must be text, found None"),
        (NAMESPACE + "  labels: {7: a}\n", "metadata.labels: the key 7: must be text"),
        (NAMESPACE + "  labels: {a: '[red]x[/]'}\n", "'a: [red]x[/]' is no label"),
        (NAMESPACE + "  annotations: 7\n", "metadata.annotations: must be a mapping"),
        (NAMESPACE + "  uid: {}\n", "metadata.uid: must be text"),
        (NAMESPACE + "  deletionTimestamp: []\n", "metadata.deletionTimestamp: must be text"),
        (NAMESPACE + "  ownerReferences: [7]\n", "metadata.ownerReferences"),
        (NAMESPACE + "spec: 7\n", "Namespace photos: spec: must be a mapping"),
        (NAMESPACE + "x: !!set {a}\n", "-:1: x: a value of YAML's type set, which JSON lacks"),
        (NAMESPACE + "x: .inf\n", "-:1: x: inf is no number that JSON has"),
        (PROFILE + "spec: 7\n", "NetworkProfile own: spec: must be a mapping"),
        (RESOURCE + "spec: []\n", "SharedResource own: spec: must be a mapping"),
        (RESOURCE.replace("own", "own, generation: x"), "metadata.generation: must be a number"),
        (NAMESPACE.replace("photos", r'"\e[31mred"'), r"'\x1b[31mred' is no name"),
        (NAMESPACE.replace("photos", '"[red]photos[/red]"'), "'[red]photos[/red]' is no name"),
        (NAMESPACE.replace("photos", "a.b"), "'a.b' is no name"),
        (NAMESPACE + "---\n" + NAMESPACE + "  labels: {a: b}\n", "-:6: Namespace photos is given"),
    ],
)
def test_an_object_that_the_api_server_would_refuse_is_named_with_its_place(
    given: str, said: str
) -> None:
    assert said in refused(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            NAMESPACE + "  labels: {network-policy.homelab/profile: standart}\n",
            "Problem: -:1: Namespace photos: There is no profile 'standart'; no profile is in"
            " force. Did you mean 'standard'? (ProfileUnknown)",
        ),
        (
            NAMESPACE.replace("photos", "kube-system")
            + "  labels: {network-policy.homelab/profile: standard}\n",
            "(ProfileRefused)",
        ),
        (PROFILE + "spec: {egress: [{toPorts: 7}]}\n", "NetworkProfile own: spec.egress[0]"),
        (PROFILE + "spec: {extends: nothing}\n", "(ExtendsUnknown)"),
        (RESOURCE + "spec: {ports: [{a: {}}]}\n", "SharedResource own: spec"),
        (RESOURCE + "spec: null\n", "(SpecInvalid)"),
        (PROFILE + r'spec: {extends: "\e[31m"}' + "\n", "NetworkProfile own"),
    ],
)
def test_what_cannot_be_followed_is_said_with_its_place_and_the_status_says_no(
    given: str, said: str
) -> None:
    result = rendered(NAMESPACE.replace("photos", "beside") + "---\n" + given, "-o", "json")
    assert result.exit_code == 1, result.output
    assert said.replace("-:1:", "-:6:") in result.stderr
    problems = yaml.safe_load(result.stdout)["problems"]
    assert [each["source"] for each in problems] == ["-:6"]


def test_other_kinds_and_other_documents_are_counted_aloud() -> None:
    config = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
    route = "---\napiVersion: traefik.io/v1\nkind: IngressRoute\nmetadata: {name: a}\n"
    app = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: '${APP}'}\n"
    result = rendered(NAMESPACE + config * 2 + route + app + "---\nreplicas: 3\n")
    assert result.exit_code == 0
    for said in (
        "2 Secret",
        "1 traefik.io/IngressRoute",
        "1 Deployment with a variable in its name",
        "1 documents without apiVersion and kind",
    ):
        assert said in result.stderr


def test_lists_and_several_documents_and_json_are_read() -> None:
    items = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "NamespaceList", "items": items})
    one = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}'
    text = f"\ufeff{listed}---\r\n{one}\n--- # nothing\n...\n"
    for name in ("a", "b", "c"):
        assert rendered(text, "-n", name).exit_code == 0
    assert "there is no such Namespace" in refused(text, "-n", "d")


def test_files_that_are_not_there_or_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = run("render", "-f", str(tmp_path / "missing.yaml"))
    assert missing.returncode == 2
    assert missing.stderr == (
        f"Error: {tmp_path}/missing.yaml: cannot be read: No such file or directory\n"
    )
    odd = tmp_path / "\x1b[31mred.yaml"
    odd.write_text("a: [\n", encoding="utf-8")
    named = run("render", "-f", str(tmp_path))
    assert named.returncode == 2
    assert f"{tmp_path}/\\x1b[31mred.yaml:2:1: not valid YAML" in named.stderr
    assert "\x1b" not in named.stderr
    assert run("render", "-f", "/dev/zero").stderr.startswith("Error: /dev/zero: larger than")


def test_a_folder_with_too_many_files_is_refused_soon(tmp_path: Path) -> None:
    for number in range(20_002):
        os.mknod(tmp_path / f"{number}.yaml")
    result = CliRunner().invoke(main, ["render", "-f", str(tmp_path)])
    assert result.exit_code == 2
    assert "more than 20,000 files to read; name the folder" in result.stderr


def test_a_kustomization_that_fails_says_why(tmp_path: Path) -> None:
    program = tmp_path / "kustomize"
    program.write_text("#!/bin/sh\necho 'no such base: \x1b[31m../base' >&2\nexit 1\n", "utf-8")
    program.chmod(0o755)
    folder = tmp_path / "app"
    folder.mkdir()
    result = run("render", "-k", str(folder), PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"kustomize of {folder} failed: no such base: \\x1b[31m../base" in result.stderr
    absent = run("render", "-k", str(folder), PATH="/nonexistent")
    assert "needs kustomize or kubectl on PATH" in absent.stderr
    nowhere = run("render", "-k", str(tmp_path / "none"))
    assert "no such folder" in nowhere.stderr


def test_a_revision_that_is_not_there_says_why() -> None:
    for revision in ("git:no-such-revision", "git:--output=/tmp/x", "git:"):
        result = run("render", "-f", revision)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(f"Error: {revision}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7", "expected settings by name, found int"),
        ("mesh: 7", "mesh: "),
        ("mesh: {x: 1}", "mesh.x: "),
        ("labelDomain: '\\e[31m'", "labelDomain: "),
        ('labelDomain: "\\e[31m"', r"'\x1b[31m'"),
        ("labelDomain: !!timestamp x", "does not fit its tag"),
        ("a: *b", "undefined alias"),
        ("[" * 20_000, "not valid YAML"),
        ("templates: /nonexistent", "/nonexistent"),
        ("\x1b[31m", "special characters are not allowed"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(text, encoding="utf-8")
    answer = refused(NAMESPACE, "--config", str(config))
    assert said in answer


# What a value is replaced by.
_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 7.5, "", "x", "[red]x[/]", "\x1b[31m", "../../x", "a" * 300),
    *([], {}, [None], [[]], [{}], {"": ""}, {"a": {"b": []}}, ["x"], "2026-01-01", "yes"),
)


def test_no_damage_to_an_object_ends_in_a_stack_trace() -> None:
    dice = seeded(os.environ.get("INPUT_SEED", "1"))
    for _ in range(int(os.environ.get("INPUT_COUNT", "200"))):
        documents = _some_objects()
        for _ in range(dice.randint(1, 3)):
            _damage(dice, documents)
        text = yaml.safe_dump_all(documents)
        if dice.random() < 0.3:
            place = dice.randrange(len(text))
            text = text[:place] + dice.choice("{}[]&*!|>%@`\"'#:-?,\n\t\x07\x9b{{") + text[place:]
        kind = dice.choice(("cilium", "networkpolicy", "calico"))
        arguments = ["--as", kind, "--cluster-cidr", "10.42.0.0/16"]
        result = rendered(text, *arguments, "-o", dice.choice(("yaml", "json", "table")))
        assert result.exit_code in (0, 1, 2), result.output
        assert (result.exit_code == 2) == (result.stdout == "")


def _some_objects() -> list[Any]:
    labels = {
        "network-policy.homelab/profile": "own",
        "access.network-policy.homelab/nas": "true",
        "access.network-policy.homelab/postgres": "true",
        "network-policy.homelab/enforcement": "disabled",
    }
    annotations = {
        "network-policy.homelab/gateway-ports": "8080",
        "network-policy.homelab/disabled-until": "2h",
    }
    own = "network-policy.homelab/v1alpha1"
    ports = [{"ports": [{"port": "443", "protocol": "TCP"}], "rules": {"http": [{"path": "/"}]}}]
    peer = {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]}
    rules = [{"toEndpoints": [peer], "toPorts": ports}, {"toCIDRSet": [{"cidr": "10.0.0.0/8"}]}]
    resource = {"cidrs": ["192.168.1.2/32"], "ports": [{"port": 2049}], "allowFrom": {}}
    photos = {"name": "photos", "labels": labels, "annotations": annotations}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": photos},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "database"}},
        {
            "apiVersion": own,
            "kind": "NetworkProfile",
            "metadata": {"name": "own"},
            "spec": {"extends": "internal", "egress": rules},
        },
        {
            "apiVersion": own,
            "kind": "SharedResource",
            "metadata": {"name": "nas"},
            "spec": resource,
        },
    ]


def _damage(dice: Random, documents: list[Any]) -> None:
    """Puts something odd in the place of anything, or takes it away."""
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(value, dict | list):
                visit(value)

    visit(documents)
    node, key = dice.choice(places)
    if dice.random() < 0.2 and isinstance(node, dict):
        del node[key]
    elif dice.random() < 0.1 and isinstance(node, dict):
        node[dice.choice((7, None, True, "x", "\x1b", "spec"))] = node.pop(key)
    else:
        node[key] = copy.deepcopy(dice.choice(_ODD))


def test_a_reader_that_goes_away_is_no_error_to_speak_of(tmp_path: Path) -> None:
    spaces = "---\n".join(NAMESPACE.replace("photos", f"n{number}") for number in range(2_000))
    labelled = spaces.replace(
        "metadata:", "metadata:\n  labels: {network-policy.homelab/profile: standard}"
    )
    tree = tmp_path / "all.yaml"
    tree.write_text(labelled, encoding="utf-8")
    for output in ("yaml", "json", "table"):
        command = [sys.executable, "-m", "homelab_netpol", "render", "-f", str(tree), "-o", output]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            said = process.stderr.read().decode()
        assert "Traceback" not in said
        assert process.returncode in (0, 1)


def test_an_interrupt_ends_it_without_a_stack_trace() -> None:
    command = [sys.executable, "-m", "homelab_netpol", "render", "-f", "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        time.sleep(2)  # it waits for its standard input by then
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == b""
    assert said.decode().strip() == "Aborted!"


ANSWERS = {
    "web page": (200, b"<html>Log in</html>"),
    "array": (200, b"[]"),
    "empty object": (200, b"{}"),
    "not a list": (200, b'{"metadata": {"resourceVersion": "1"}, "items": 3}'),
    "odd items": (200, b'{"metadata": {"resourceVersion": "1"}, "items": [3, null]}'),
    "unnamed items": (200, b'{"metadata": {"resourceVersion": "1"}, "items": [{}]}'),
    "server error": (500, b"\x1b[31mboom"),
    "no rights": (403, b"{}"),
    "unknown user": (401, b"Unauthorized"),
}


@pytest.fixture(params=ANSWERS)
def answering(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of something that is no API server, and always gives the same answer."""
    status, body = ANSWERS[request.param]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield kubeconfig(tmp_path, server.server_port)
        server.shutdown()


def kubeconfig(folder: Path, port: int) -> Path:
    """A kubeconfig without credentials."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "it", "user": {}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def test_what_is_no_api_server_is_said_to_be_unreadable(answering: Path) -> None:
    result = CliRunner().invoke(main, ["render", "--kubeconfig", str(answering)])
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 3, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert not _CONTROLS.search(result.stderr)


def test_a_cluster_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    result = run("render", "--kubeconfig", str(kubeconfig(tmp_path, 1)))
    assert (result.returncode, result.stdout) == (3, "")
    assert "Cannot connect to host 127.0.0.1:1" in result.stderr
    nothing = run("render")
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert "no kubeconfig was found" in nothing.stderr
    odd = tmp_path / "odd"
    for text in ("", "7", "[", "clusters: 3\n", "a: \x1b[31m\n"):
        odd.write_text(text, encoding="utf-8")
        said = CliRunner().invoke(main, ["render", "--kubeconfig", str(odd)])
        assert (said.exit_code, said.stdout) == (3, ""), said.exception
        assert f"Error: cannot read how to reach the API server from {odd}" in said.stderr
        assert not _CONTROLS.search(said.stderr)
