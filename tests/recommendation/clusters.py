"""The cases as `recommend` is given them: a cluster without labels, and Hubble's flows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.flows import FlowReader
from homelab_netpol.recommendation.needs import SeenNeeds
from homelab_netpol.settings import parse_settings
from tests.cases.case import Case, Flow, read_case
from tests.cases.modelled import Modelled, modelled
from tests.cases.owners import owners_policies
from tests.flow_lines import end, flow

CASES = Path(__file__).parents[1] / "cases"
Json = dict[str, Any]


def case_named(name: str) -> Case:
    """One of the two whole clusters."""
    return read_case(CASES / f"{name}.yaml")


def unlabelled(case: Case, name: str) -> Modelled:
    """The cluster with its owner's policies, and settings that fit; no label, no resource."""
    said = yaml.safe_load((CASES / "words" / f"{name}.yaml").read_text(encoding="utf-8"))
    around = case.surroundings
    return modelled(
        name,
        {each: {} for each in case.namespaces},
        case.pods,
        owners_policies(case),
        parse_settings(yaml.safe_dump(said["settings"])),
        entities=around["entities"],
        addresses=[f"{at}/32" for at in around["addresses"].values()],
        names={each: f"{at}/32" for each, at in around.get("names", {}).items()},
    )


def apps_of(case: Case) -> list[str]:
    """The Namespaces that may have a profile."""
    return [each for each in case.namespaces if each not in case.surroundings["platform"]]


def seen(flows: Iterable[Json], namespace: str | None = None) -> SeenNeeds:
    """What is collected from flows, by way of the JSON that Hubble writes."""
    found = SeenNeeds(namespace)
    lines = (json.dumps(each).encode() for each in flows)
    for each in FlowReader(with_forwarded=True).flows(lines):
        if each is not None:
            found.add(each)
    return found


def needed_flows(case: Case) -> list[Json]:
    """Each needed flow as Hubble saw it pass."""
    return [_seen_passing(case, each) for each in case.needed]


def passed(source: str | tuple[Json, str], target: str | tuple[Json, str], port: str) -> Json:
    """A flow that passed, seen where it was sent, or where it came in from outside."""
    is_pod = "/" in source if isinstance(source, str) else "namespace" in source[0]
    made = flow(source, target, port, "EGRESS" if is_pod else "INGRESS")
    made = {key: value for key, value in made.items() if not key.startswith("drop_reason")}
    return {**made, "verdict": "FORWARDED", "is_reply": False}


def _seen_passing(case: Case, needed: Flow) -> Json:
    made = passed(_end(case, needed.source), _end(case, needed.target), needed.port)
    if needed.target in case.surroundings.get("names", {}):
        made["destination_names"] = [needed.target]
    return made


def _end(case: Case, words: str) -> tuple[Json, str]:
    around: Mapping[str, Any] = case.surroundings
    if words in case.pods:
        return end(words, **case.pods[words])
    for known in (around["addresses"], around.get("names", {})):
        if words in known:
            return end(f"world {known[words]}")
    return end(words)
