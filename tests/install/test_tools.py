"""The programs and files of others that the tests here stand on."""

from __future__ import annotations

import pytest

from lab.control_plane import BuildError
from tests.install.rendered import run
from tests.tools import module_directory, tool


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("actionlint", ["-version"]),
        ("helm", ["version"]),
        ("hubble", ["version"]),
        ("kubeconform", ["-v"]),
        ("kustomize", ["version"]),
    ],
)
def test_every_program_runs(name: str, arguments: list[str]) -> None:
    assert run([str(tool(name)), *arguments])


def test_a_program_that_is_not_built_is_told_with_those_that_are() -> None:
    with pytest.raises(LookupError, match="only actionlint, helm, hubble, kubeconform, kustomize"):
        tool("kubectl")


def test_a_module_that_go_mod_does_not_require_is_told() -> None:
    with pytest.raises(BuildError, match=r"example\.org/nothing"):
        module_directory("example.org/nothing")
