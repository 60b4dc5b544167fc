"""No damage to what a command is given, and no end of who reads it, is shown as a stack trace."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.cli.commands import NAMESPACE, environment, rendered
from tests.dice import seeded

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


@pytest.mark.parametrize("command", ["render", "lint"])
def test_a_full_disk_is_an_error_in_one_line(tmp_path: Path, command: str) -> None:
    tree = tmp_path / "all.yaml"
    label = "network-policy.homelab/profile: none-such"
    tree.write_text(f"{NAMESPACE}  labels: {{{label}}}\n", encoding="utf-8")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "homelab_netpol", command, "-f", str(tree)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == (
        "Error: the output cannot be written: No space left on device"
    )
    assert b"Traceback" not in done.stderr


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
