"""A case as its owner would label it, and what Cilium's engine says of its flows then.

The words of a case are settings, shared resources, NetworkProfiles, and of each namespace its
profile, its grants, and its annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.definitions import Definitions, read_profile
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Identity
from lab.control_plane import Flow as Asked
from tests.cases.case import Case, Flow

Json = dict[str, Any]

_DOMAIN = "network-policy.homelab"
_ON_LABELS = ("profile", "intra-namespace", "webhooks")
_HOME = ip_network("192.168.0.0/16")


@dataclass(frozen=True)
class Outcome:
    """What came out of it.

    Attributes:
        cut_off: flows that are needed, and denied.
        open: flows that are not wanted, and allowed.
        beyond: of these, those that no word for a whole namespace can tell from a needed one.
    """

    cut_off: tuple[Flow, ...]
    open: tuple[Flow, ...]
    beyond: tuple[Flow, ...]


def policies_for(case: Case, words: Path) -> list[Json]:
    """What the operator writes for a case with these words, as manifests.

    Raises:
        SettingsError: the settings are wrong.
    """
    said = yaml.safe_load(words.read_text(encoding="utf-8"))
    settings = parse_settings(
        yaml.safe_dump({**said["settings"], "sharedResources": said["sharedResources"]})
    )
    profiles = {
        name: read_profile({"metadata": {"name": name, "generation": 1}, "spec": spec})
        for name, spec in said.get("networkProfiles", {}).items()
    }
    catalogue = Catalogue(settings, Definitions(profiles, {}))
    assert not catalogue.unusable, catalogue.unusable
    namespaces = [_namespace(name, said["namespaces"].get(name, {})) for name in case.namespaces]
    return desired_state(catalogue, namespaces, datetime.now(UTC)).cilium_objects


def judged(engine: Engine, case: Case, policies: Iterable[Json]) -> Outcome:
    """Asks Cilium's engine for every flow of a case."""
    engine.identities(_identities(case))
    rejected = engine.policies(list(policies))
    assert rejected == [], rejected
    cut_off = [f for f, passes in _asked(engine, case.needed) if not passes]
    unwanted = [f for f, passes in _asked(engine, case.unwanted) if passes]
    needed = {_by_namespace(flow) for flow in case.needed}
    within = {_ends(flow) for flow in case.needed if _is_within(flow)}
    beyond = [
        flow
        for flow in unwanted
        if any(each in needed for each in _alike(case, flow))
        or (_is_within(flow) and _ends(flow) in within)
    ]
    return Outcome(
        tuple(cut_off), tuple(f for f in unwanted if f not in set(beyond)), tuple(beyond)
    )


def _asked(engine: Engine, flows: Iterable[Flow]) -> list[tuple[Flow, bool]]:
    listed = list(flows)
    asked = []
    for flow in listed:
        number, protocol = flow.port.split("/")
        asked.append(Asked(flow.source, flow.target, int(number), protocol))
    verdicts = engine.verdicts(asked)
    return [(flow, one.allowed) for flow, one in zip(listed, verdicts, strict=True)]


def _ends(flow: Flow) -> tuple[str, str]:
    """Source and target, pods by their namespaces."""
    return flow.source.partition("/")[0], flow.target.partition("/")[0]


def _by_namespace(flow: Flow) -> tuple[str, str, str]:
    return (*_ends(flow), flow.port)


def _alike(case: Case, flow: Flow) -> Iterator[tuple[str, str, str]]:
    """The flow by its namespaces; to a name on the internet also as one to the internet."""
    yield _by_namespace(flow)
    address = case.surroundings.get("names", {}).get(flow.target)
    if address is not None and ip_address(address) not in _HOME:
        yield _by_namespace(Flow(flow.source, "world", flow.port))


def _is_within(flow: Flow) -> bool:
    source, target = _ends(flow)
    return source == target


def _identities(case: Case) -> dict[str, Identity]:
    around = case.surroundings
    found = {
        name: Identity.pod(name.partition("/")[0], dict(labels), {})
        for name, labels in case.pods.items()
    }
    found |= {name: Identity.entity(name) for name in around["entities"]}
    found |= {name: Identity.address(f"{at}/32") for name, at in around["addresses"].items()}
    names = around.get("names", {})
    return found | {name: Identity.dns_name(name, f"{at}/32") for name, at in names.items()}


def _namespace(name: str, words: Mapping[str, Any]) -> Json:
    labels = {f"access.{_DOMAIN}/{key}": value for key, value in words.get("access", {}).items()}
    annotations = {}
    for key, value in words.items():
        if key in _ON_LABELS:
            labels[f"{_DOMAIN}/{key}"] = value
        elif key != "access":
            annotations[f"{_DOMAIN}/{key}"] = value
    return {"metadata": {"name": name, "uid": name, "labels": labels, "annotations": annotations}}
