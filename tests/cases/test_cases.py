"""A cluster that is well as its owner runs it gives no finding; a fault that is put in does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.case import read_case
from tests.cases.inspected import findings_of

HOUSEHOLD = Path(__file__).parent / "household.yaml"


@pytest.mark.parametrize("default_deny", ["workload", "labelled"])
def test_a_cluster_with_policies_of_its_owner_gives_no_finding(default_deny: str) -> None:
    assert findings_of(read_case(HOUSEHOLD), default_deny) == []
