"""`homelab-netpol recommend --questions`: the vocabulary's decision tree."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
_PROFILE, _ACCESS = "network-policy.homelab/profile", "access.network-policy.homelab"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["recommend", *arguments])


# Reached from the internet; from inside; calls out: the vocabulary's decision tree.
TREE = {
    ("--from-internet", "--from-inside", "--calls-out"): "standard",
    ("--from-internet", "--no-from-inside", "--no-calls-out"): "standard",
    ("--no-from-internet", "--from-inside", "--calls-out"): "internal-egress",
    ("--no-from-internet", "--from-inside", "--no-calls-out"): "internal",
    ("--no-from-internet", "--no-from-inside", "--no-calls-out"): "isolated",
}


@pytest.mark.parametrize(("answers", "profile"), TREE.items())
def test_the_answers_lead_to_the_profile(answers: tuple[str, ...], profile: str) -> None:
    done = run("--questions", *answers, "-n", "shop", "--grant", "postgres", "-o", "yaml")
    assert done.exit_code == 0
    manifest = yaml.safe_load(done.stdout)
    assert manifest["metadata"] == {
        "name": "shop",
        "labels": {_PROFILE: profile, f"{_ACCESS}/postgres": "true"},
    }


def test_who_only_calls_out_is_told_what_else_that_profile_opens() -> None:
    answers = ("--no-from-internet", "--no-from-inside", "--calls-out")
    data = json.loads(run("--questions", *answers, "-o", "json").stdout)
    assert data["profile"] == "internal-egress"
    assert "Narrower: isolated" in data["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name a Namespace (-n), or use --all, --unused, or --questions"),
        (["--questions", "--from-inside"], "--calls-out or --no-calls-out"),
        (["--questions", *next(iter(TREE)), "--grant", "postgress"], "Did you mean 'postgres'"),
        (["--questions", *next(iter(TREE)), "-n", "database"], "scaffold platform database"),
    ],
)
def test_what_cannot_be_recommended_says_what_to_do(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_on_a_terminal_it_asks() -> None:
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "homelab_netpol", "recommend", "--questions", "-o", "json"],
        stdin=writer,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator")},
    ) as process:
        os.write(reader, b"n\ny\nn\npostgres, gateway=internal\n")
        out, _ = process.communicate()
    os.close(reader)
    os.close(writer)
    assert process.returncode == 0
    assert json.loads(out)["labels"] == {
        _PROFILE: "internal",
        f"{_ACCESS}/gateway": "internal",
        f"{_ACCESS}/postgres": "true",
    }
