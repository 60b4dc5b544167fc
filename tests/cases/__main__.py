"""`python -m tests.cases FILE...`: what an inspection finds in whole clusters."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cases.case import read_case
from tests.cases.inspected import findings_of

for argument in sys.argv[1:]:
    case = read_case(Path(argument))
    for scope in ("workload", "labelled"):
        found = findings_of(case, scope)
        print(f"{argument}, {scope}: {len(case.pods)} pods, {len(found)} findings")
        for finding in found:
            print(f"  {finding.reason} {finding.subject or finding.about}: {finding.message}")
