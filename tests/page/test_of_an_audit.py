"""The page of what `homelab-netpol audit` itself finds."""

from __future__ import annotations

import json
from pathlib import Path

from bench.load.trees import write_namespaces, write_policies
from tests.audit.test_command import run
from tests.page.conftest import Open


def test_a_whole_tree_is_shown_as_the_audit_says_it(opened: Open, tmp_path: Path) -> None:
    write_namespaces(tmp_path / "namespaces", 40)
    write_policies(tmp_path / "policies", 40, 40)
    done = run("-f", str(tmp_path), "-o", "json", "--fail-on", "none")
    document = json.loads(done.stdout)
    found = opened(document, part="#ns/app-0000")
    details = found.page.locator("#details")
    # 0 is `standard`, with all grants: the vocabulary's tables say whom it reaches.
    for words in ("443/TCP, by profile standard", "5432/TCP, by grant postgres"):
        assert words in details.inner_text()
    details.get_by_role("button", name="Close").click()
    found.page.locator("#details").wait_for(state="hidden")
    assert {"isolated", "internal", "internal-egress", "standard"} <= set(found.boxes(1))
    assert (
        found.page.locator("#matching").inner_text() == f"{len(document['namespaces'])} Namespaces"
    )
    assert found.violations() == []
