"""Reads and writes what was recorded: a cluster, and a file for each case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_CLUSTER = _HERE / "cluster.yaml"
# Namespaces without a profile are closed as well.
SETTINGS = {"defaultDeny": "workload"}


@dataclass(frozen=True)
class Recorded:
    """One case.

    Attributes:
        objects: What was in the cluster, beside what all cases have.
        flows: As the agent exported them.
        proven: With which labels, annotations and objects packets did as they should.
    """

    objects: Sequence[Mapping[str, Any]]
    flows: Sequence[Mapping[str, Any]]
    proven: Mapping[str, Any]

    def write(self, folder: Path) -> list[str]:
        """Writes it for a command, and gives the arguments for it: flows, cluster, settings."""
        flows, objects, config = (
            folder / name for name in ("flows.json", "app.yaml", "settings.yaml")
        )
        flows.write_text("".join(json.dumps(each) + "\n" for each in self.flows), encoding="utf-8")
        objects.write_text(yaml.safe_dump_all(self.objects), encoding="utf-8")
        config.write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
        return [str(flows), "-f", str(_CLUSTER), "-f", str(objects), "--config", str(config)]


def names(folder: str) -> list[str]:
    """The cases of a kind."""
    return sorted(path.stem for path in (_HERE / folder).glob("*.json"))


def read_case(folder: str, name: str) -> Recorded:
    """One of them."""
    said = json.loads((_HERE / folder / f"{name}.json").read_text(encoding="utf-8"))
    return Recorded(said["objects"], said["flows"], said["proven"][0])


def write_case(
    folder: str,
    name: str,
    objects: Iterable[Mapping[str, Any]],
    flows: Iterable[Mapping[str, Any]],
    proven: Mapping[str, Any],
) -> None:
    """Writes one, in the place of what was there."""
    path = _HERE / folder / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    lists = {"proven": [proven], "objects": objects, "flows": flows}
    said = {key: ",\n".join(json.dumps(each) for each in values) for key, values in lists.items()}
    # A line each: small, and a difference is one of a flow.
    parts = ",\n".join(f'"{key}": [\n{lines}\n]' for key, lines in said.items())
    path.write_text(f"{{{parts}}}\n", encoding="utf-8")


def write_cluster(objects: Iterable[Mapping[str, Any]]) -> None:
    """Writes what all cases have, in the place of what was there."""
    _CLUSTER.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
