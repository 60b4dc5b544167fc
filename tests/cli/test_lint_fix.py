"""`homelab-netpol lint --fix`: what it does to files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.cli.linting import lint

FIXABLE = """\
# By hand
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: to-nas, namespace: photos}
spec:
  podSelector: {}
  egress:
    - to: [{ipBlock: {cidr: 192.168.1.10/32}}]
      ports: [{port: 2049}]
"""
FIXED = FIXABLE.replace("  podSelector", "  policyTypes: [Ingress, Egress]\n  podSelector")


@pytest.fixture
def fixable(tmp_path: Path) -> Path:
    """A file that can be put right."""
    path = tmp_path / "to-nas.yaml"
    path.write_text(FIXABLE)
    return path


def test_fix_edits_the_file_says_how_and_is_done(fixable: Path) -> None:
    result = lint(fixable, "--fix")
    assert fixable.read_text() == FIXED
    assert "+  policyTypes: [Ingress, Egress]" in result.stderr
    assert (result.exit_code, result.stdout) == (0, "")
    again = lint(fixable, "--fix")
    assert "Fixed" not in again.stderr
    assert fixable.read_text() == FIXED


def test_fix_keeps_mode_mark_of_byte_order_and_ends_of_lines(fixable: Path) -> None:
    fixable.write_bytes(b"\xef\xbb\xbf" + FIXABLE.replace("\n", "\r\n").encode())
    fixable.chmod(0o640)
    lint(fixable, "--fix")
    assert fixable.read_bytes() == b"\xef\xbb\xbf" + FIXED.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(fixable.stat().st_mode) == 0o640
    assert os.listdir(fixable.parent) == [fixable.name]


def test_fix_writes_where_a_link_leads_and_leaves_the_link(fixable: Path) -> None:
    link = fixable.parent / "link.yaml"
    link.symlink_to(fixable.name)
    lint(link, "--fix")
    assert link.is_symlink()
    assert fixable.read_text() == FIXED


def test_fix_leaves_a_read_only_file_and_says_so(fixable: Path) -> None:
    fixable.chmod(0o444)
    result = lint(fixable, "--fix")
    assert fixable.read_text() == FIXABLE
    assert result.exit_code == 2
    assert f"{fixable}: is read-only" in result.stderr


@pytest.mark.parametrize("where", [("-",), ("git:HEAD",), ("-k", "."), ()])
def test_fix_is_for_files_only(where: tuple[str, ...]) -> None:
    result = lint(*where, "--fix", stdin=FIXABLE)
    assert result.exit_code == 2
    assert "--fix edits files" in result.stderr


def test_fix_leaves_what_is_not_asked_for(fixable: Path) -> None:
    lint(fixable, "--fix", "--ignore", "NP202")
    assert fixable.read_text() == FIXABLE


def test_without_fix_nothing_is_written(fixable: Path) -> None:
    before = fixable.stat().st_mtime_ns
    assert lint(fixable).exit_code == 1
    assert fixable.stat().st_mtime_ns == before
