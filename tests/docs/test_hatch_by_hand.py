"""What the runbook has one write by hand opens a namespace as the hatch does."""

from __future__ import annotations

import yaml

from lab.control_plane import Engine, Flow, Identity
from tests.docs.pages import commands

PAGE = "docs/runbooks/escape-hatch.md"
CLOSED = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "closed", "namespace": "my-app"},
    "spec": {"endpointSelector": {}, "ingress": [{}], "egress": [{}]},
}
FLOWS = [
    Flow("app", "internet", 25),
    Flow("app", "other", 8080),
    Flow("other", "app", 9999),
    Flow("other", "app", 53, "UDP"),
    Flow("internet", "app", 443),
]


def test_the_policy_by_hand_lets_everything_in_and_out(engine: Engine) -> None:
    [shown] = [each.text for each in commands(PAGE) if "name: opened-by-hand" in each.text]
    by_hand = yaml.safe_load(shown.split("<<'EOF'\n")[1].removesuffix("\nEOF"))
    engine.identities(
        {
            "app": Identity.pod("my-app"),
            "other": Identity.pod("other-app"),
            "internet": Identity.address("203.0.113.7/32"),
        }
    )
    assert engine.policies([CLOSED]) == []
    assert not any(verdict.allowed for verdict in engine.verdicts(FLOWS)), "nothing to open"
    assert engine.policies([CLOSED, by_hand]) == []
    assert all(verdict.allowed for verdict in engine.verdicts(FLOWS))
