"""`--fix` changes nothing that is allowed, keeps comments, and is done after one run."""

from __future__ import annotations

import re

import pytest
import yaml

from homelab_netpol.lint import RULES
from homelab_netpol.lint.fixes import Fixed, fix_all
from lab.control_plane import Engine
from tests.dice import seeded
from tests.lint.linted import findings
from tests.truth.random_around import GeneratorAround
from tests.truth.random_policies import Json
from tests.truth.verdict_world import World

FIXABLE = [rule.id for rule in RULES if rule.fixable]
WORLDS = 40


def fixed(text: str) -> Fixed:
    """As the command does it."""
    return fix_all(text, findings(text), lambda left: findings(left, select=FIXABLE))


def with_mistakes(policies: list[Json], seed: str) -> None:
    """Takes `policyTypes` away, and puts empty lists in, without a change of what they say."""
    dice = seeded(seed)
    for policy in policies:
        for spec in (policy.get("spec"), *policy.get("specs", ())):
            if spec is None:
                continue
            for direction in ("ingress", "egress"):
                lists = (
                    (direction,)
                    if policy["kind"] == "NetworkPolicy"
                    else (
                        direction,
                        f"{direction}Deny",
                    )
                )
                for each in lists:
                    if not spec.get(each) and dice.random() < 0.5:
                        spec[each] = []
            if policy["kind"] == "NetworkPolicy" and dice.random() < 0.5:
                spec.pop("policyTypes", None)


def test_verdicts_are_the_same_before_and_after(engine: Engine) -> None:
    changed = 0
    for number in range(WORLDS):
        generator = GeneratorAround(f"fix/{number}")
        world = World.make(engine, generator)
        with_mistakes(world.manifests, f"fix/{number}")
        for policy in world.manifests:
            policy.pop("status", None)
        text = yaml.safe_dump_all(world.manifests, sort_keys=False)
        after = fixed(text)
        changed += len(after.findings)
        flows = world.flows(generator)
        rejected = {each.index for each in world.give(engine, world.manifests)}
        before = engine.verdicts(flows)
        again = list(yaml.safe_load_all(after.text))
        assert {each.index for each in world.give(engine, again)} == rejected
        assert engine.verdicts(flows) == before, f"world {number}:\n{text}\n{after.text}"
        assert fixed(after.text).text == after.text
    engine.policies([])
    assert changed > WORLDS


COMMENTED = """\
# The photo album
apiVersion: cilium.io/v2   # of 1.20
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: photos}
spec:
  # all of them
  endpointSelector: {}
  ingress: []
  # the NAS
  egress:
    - toCIDR: [192.168.1.10/32]   # by NFS
      toPorts: [{ports: [{port: "2049", protocol: TCP}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: to-nas, namespace: photos}
spec:
  # all of them
  podSelector: {}
  egress:
    - to: [{ipBlock: {cidr: 192.168.1.10/32}}]
      ports: [{port: 2049}]
"""


def test_only_the_lines_in_question_change() -> None:
    after = fixed(COMMENTED)
    expected = COMMENTED.replace("  ingress: []\n", "").replace(
        "spec:\n  # all of them\n  podSelector",
        "spec:\n  policyTypes: [Ingress, Egress]\n  # all of them\n  podSelector",
    )
    assert after.text == expected
    assert [each.rule.id for each in after.findings] == ["NP103", "NP202"]


def test_the_ends_of_lines_stay_as_they_are() -> None:
    after = fixed(COMMENTED.replace("\n", "\r\n"))
    assert after.text == fixed(COMMENTED).text.replace("\n", "\r\n")


def test_a_list_in_a_list_of_kubernetes_is_put_right_as_well() -> None:
    items = re.sub(r"^", "    ", COMMENTED.split("---\n")[1], flags=re.MULTILINE).strip()
    text = f"apiVersion: v1\nkind: List\nitems:\n  - {items}\n"
    assert "\n      policyTypes: [Ingress, Egress]\n" in fixed(text).text


@pytest.mark.parametrize(
    "spec",
    [
        "spec: {endpointSelector: {}, ingress: [], egress: [{}]}",
        "spec:\n  endpointSelector: {}\n  egress: [{}]\n  ingress: []  # none",
        "spec:\n  endpointSelector: {}\n  egress: [{}]\n  # none\n  ingress: []",
        "spec:\n  endpointSelector: {}\n  ingress: []",
        # Taken out, it would be missing where it is repeated.
        "spec:\n  endpointSelector: {}\n  egress: [{}]\n  ingress: &none []\n  egressDeny: *none",
        "specs:\n- ingress: []\n  endpointSelector: {}\n  egress: [{}]",
    ],
)
def test_what_cannot_be_done_on_whole_lines_or_would_lose_a_comment_is_left(spec: str) -> None:
    head = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: b}"
    text = f"{head}\n{spec}\n"
    assert findings(text, select=["NP101", "NP103"])
    assert fixed(text) == Fixed(text, ())


TAKEN_OVER = """\
apiVersion: v1
kind: List
items:
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: closed, namespace: photos}
    spec: &closed
      podSelector: {}
      egress: []
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: to-web, namespace: photos}
    spec:
      <<: *closed
      egress: [{to: [{podSelector: {}}], ports: [{port: 80}]}]
"""


def test_what_another_policy_takes_over_is_left() -> None:
    """`policyTypes: [Ingress]` in the first would keep the second from closing egress."""
    edits = [each.target for each in findings(TAKEN_OVER) if each.edit]
    assert "NetworkPolicy photos/closed" in edits
    second = yaml.safe_load(fixed(TAKEN_OVER).text)["items"][1]["spec"]
    assert second.get("policyTypes", ["Ingress", "Egress"]) == ["Ingress", "Egress"]


def test_an_ignored_finding_is_not_fixed() -> None:
    comment = "  # netpol: ignore[NP103] shown to pupils\n"
    text = COMMENTED.replace("  ingress: []", f"{comment}  ingress: []")
    assert "  ingress: []\n" in fixed(text).text
