"""Labels that a person would write give two real clusters all that they need, and little else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.control_plane import Engine
from tests.cases.case import read_case
from tests.cases.labelled import judged, policies_for

HERE = Path(__file__).parent
# How many unwanted flows need a word for a single workload, which there is none for yet.
BEYOND = {"media-house": 85, "one-app-a-namespace": 48}


@pytest.mark.parametrize("name", BEYOND)
def test_every_needed_flow_passes_and_what_a_namespaces_words_can_deny_does_not(
    engine: Engine, name: str
) -> None:
    case = read_case(HERE / f"{name}.yaml")
    outcome = judged(engine, case, policies_for(case, HERE / "words" / f"{name}.yaml"))
    assert outcome.cut_off == ()
    assert outcome.open == ()
    assert len(outcome.beyond) == BEYOND[name], outcome.beyond
