"""The escape hatch, left open. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.lint.given import Given
from homelab_netpol.lint.rule import Hit, Rule, Severity


def _open_hatch(given: Given) -> Iterator[Hit]:
    words = given.catalogue.vocabulary
    for manifest, intent in given.intents:
        if intent.hatch_open and intent.hatch_until is None:
            yield Hit(
                manifest,
                ("metadata", "labels", words.enforcement_key),
                f"enforcement is off, with no end: {words.disabled_until_key} is not given",
            )


OPEN_HATCH = Rule(
    id="NP009",
    name="hatch-without-end",
    severity=Severity.WARNING,
    summary="A Namespace's escape hatch is open, and nothing closes it.",
    why="The hatch opens everything, in and out, for every pod of the Namespace. The runbook"
    " (docs/runbooks/escape-hatch.md) has it open for as long as the cause is looked for; a label"
    " that is committed, or forgotten, stays.",
    fix="Take the label off. While it is needed, give `network-policy.homelab/disabled-until` a"
    " time or a duration, after which the hatch closes by itself.",
    wrong="""\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels:
    network-policy.homelab/profile: internal
    network-policy.homelab/enforcement: disabled
""",
    right="""\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels:
    network-policy.homelab/profile: internal
    network-policy.homelab/enforcement: disabled
  annotations:
    network-policy.homelab/disabled-until: 4h
""",
    check=_open_hatch,
)

RULES = (OPEN_HATCH,)
