"""`diagnose` on the agent's own JSON names what let the packet pass when it was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.recorded.corpus import names, read_case


@pytest.mark.parametrize("name", names("drops"))
def test_a_drop_gets_the_proposal_with_which_its_packet_passed(name: str, tmp_path: Path) -> None:
    case = read_case("drops", name)
    done = CliRunner().invoke(main, ["diagnose", *case.write(tmp_path), "-o", "json"])
    assert done.exit_code == 1, done.output
    [found] = json.loads(done.stdout)["diagnoses"]
    assert {key: found["fix"][key] for key in case.proven} == case.proven
