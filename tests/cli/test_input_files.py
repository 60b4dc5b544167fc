"""Files, folders, kustomizations, revisions and settings that cannot be used are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.cli.commands import NAMESPACE, refused, run


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
