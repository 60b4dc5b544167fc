"""The script that compares packets with what is expected of them notices when they go otherwise.

It needs a cluster with Cilium; in the place of that stands a `kubectl` that knows the answers.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.image.conftest import ROOT

_E2E = ROOT / "tests" / "e2e"
_KUBECTL = """#!/bin/sh
# --namespace NAMESPACE get|exec ...: a Pod's address is its name; what it reaches is in a file.
answers="$(dirname "$0")/$(cat "$(dirname "$0")/now")"
case "$*" in
    *" get pod "*) echo "$2/$5" ;;
    *" exec "*)
        case "$(grep -E "^$2/$4 +$(echo "$9" | tr : ' ' | sed 's/ / +/') " "$answers")" in
            *allowed) ;;
            *denied) echo TIMEOUT >&2; exit 1 ;;
            *) echo "REFUSED" >&2; exit 1 ;;
        esac ;;
    *enforcement=disabled) echo expected-hatch >"$(dirname "$0")/now" ;;
    *enforcement-) echo expected >"$(dirname "$0")/now" ;;
esac
"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A directory with the `kubectl`, and the answers that are expected."""
    for name in ("expected", "expected-hatch"):
        (tmp_path / name).write_bytes((_E2E / name).read_bytes())
    (tmp_path / "now").write_text("expected")
    (tmp_path / "kubectl").write_text(_KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path


def packets(answers: Path) -> subprocess.CompletedProcess[str]:
    path = f"{answers}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [_E2E / "packets"],
        env={"PATH": path, "PACKETS_SECONDS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_content_when_all_goes_as_expected(answers: Path) -> None:
    done = packets(answers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("==")] == [
        "== expected",
        "== expected-hatch",
        "== expected",
    ]


@pytest.mark.parametrize(
    ("name", "wanted", "goes"),
    [
        ("expected", "denied", "allowed"),
        ("expected", "allowed", "refused"),
        ("expected-hatch", "allowed", "denied"),
    ],
)
def test_one_connection_that_goes_otherwise_fails_it_and_is_named(
    answers: Path, name: str, wanted: str, goes: str
) -> None:
    text = (answers / name).read_text()
    line = next(line for line in text.splitlines() if line.endswith(f" {wanted}"))
    (answers / name).write_text(text.replace(line, f"{line.removesuffix(wanted)}{goes}"))
    done = packets(answers)
    assert done.returncode == 1
    assert f"{name}: 1 connections went otherwise than expected" in done.stderr
    (wrong,) = (each for each in done.stdout.splitlines() if "WRONG" in each)
    assert wrong.startswith(f"{line.split()[0]} -> {line.split()[1]}:")
    assert wrong.endswith(f"WRONG, expected {wanted}")
