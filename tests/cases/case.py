"""Reads a case file: a whole cluster by its pods, and the flows that its owner's policies allow.

A file has `surroundings` (the `platform` namespaces, `addresses` and `names` outside, `entities`,
and where DNS, gateways and Prometheus are), `pods` (namespace, pod, `labels`), and flows that are
`needed` or `unwanted` (`from`, `to`, `port`; each may be a list, and then every combination is a
flow). An end of a flow is `namespace/pod`, an entity, or the handle of an address or a name. Other
keys are not read here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Flow:
    """A flow in its opening direction; the port as in `5432/TCP`, the pod's."""

    source: str
    target: str
    port: str


@dataclass(frozen=True)
class Case:
    """One cluster.

    Attributes:
        surroundings: as in the file.
        pods: the labels of each, by `namespace/pod`.
        needed: the flows that must be possible.
        unwanted: those that must not be.
    """

    surroundings: Mapping[str, Any]
    pods: Mapping[str, Mapping[str, str]]
    needed: tuple[Flow, ...]
    unwanted: tuple[Flow, ...]

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All of them, platform namespaces without pods included."""
        of_pods = (name.partition("/")[0] for name in self.pods)
        return tuple(dict.fromkeys([*of_pods, *self.surroundings["platform"]]))


def read_case(path: Path) -> Case:
    """Reads a file.

    Raises:
        KeyError: a flow has an end that is nowhere described.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    pods = {
        f"{namespace}/{name}": pod["labels"]
        for namespace, found in data["pods"].items()
        for name, pod in found.items()
    }
    needed = tuple(flow for item in data["needed"] for flow in _flows(item))
    unwanted = tuple(flow for item in data.get("unwanted", ()) for flow in _flows(item))
    around = data["surroundings"]
    known = {*pods, *around["entities"], *around.get("addresses", ()), *around.get("names", ())}
    for end in {end for flow in (*needed, *unwanted) for end in (flow.source, flow.target)}:
        if end not in known:
            raise KeyError(f"{path}: a flow has the end {end}, which is not described")
    return Case(around, pods, needed, unwanted)


def _flows(item: Mapping[str, Any]) -> Iterator[Flow]:
    given = (item["from"], item["to"], item["port"])
    ends = [[each] if isinstance(each, str) else list(each) for each in given]
    for source, target, port in itertools.product(*ends):
        yield Flow(source, target, port)
