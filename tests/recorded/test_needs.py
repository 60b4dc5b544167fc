"""`recommend` on the agent's own JSON finds the words with which the app worked by packets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.recorded.corpus import names, read_case


@pytest.mark.parametrize("name", names("needs"))
def test_an_app_gets_the_words_with_which_it_worked(name: str, tmp_path: Path) -> None:
    case = read_case("needs", name)
    done = CliRunner().invoke(main, ["recommend", "-n", "app", *case.write(tmp_path), "-o", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    [metadata] = [each["manifest"]["metadata"] for each in found["namespaces"]]
    said = {key: metadata.get(key, {}) for key in ("labels", "annotations")}
    assert {**said, "objects": found["objects"]} == case.proven
