"""Building the local control plane: what is built again, and what a failed build says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lab.control_plane.build import lab_binary, read_sources
from lab.control_plane.errors import BuildError
from lab.control_plane.golang import Go

GO = Go(Path("/usr/bin/go"), "go1.26.8", "linux", "amd64")

# Stands for a toolchain whose compiler fails: it answers what is asked before, and then complains.
FAILING_GO = """#!/bin/sh
case "$1" in
  env) printf 'go1.99.0\\nlinux\\namd64\\n' ;;
  mod)
    mkdir -p other/kubernetes other/config/crd/standard
    touch other/kubernetes/customresourcedefinitions.gen.yaml
    touch other/config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml ;;
  list) echo "$PWD/other" ;;
  build) echo './engine.go:12:3: undefined: something' >&2; exit 1 ;;
esac
"""


def test_any_change_of_sources_or_toolchain_is_built_anew() -> None:
    sources = read_sources()
    changed = {**sources.files, "main.go": sources.files["main.go"] + b"\n"}
    keys = {
        sources.key(GO),
        dataclasses.replace(sources, files=changed).key(GO),
        sources.key(dataclasses.replace(GO, version="go1.26.9")),
        sources.key(dataclasses.replace(GO, architecture="arm64")),
    }
    assert len(keys) == 4
    assert read_sources().key(GO) == sources.key(GO)


def test_a_failed_build_shows_the_compilers_words_and_leaves_no_binary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAILING_GO)
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BuildError, match=r"engine\.go:12:3: undefined"):
        lab_binary()
    assert not list((tmp_path / "cache").rglob("netpol-lab"))
