"""The rules as they are shipped, in the form of a rules file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

MONITORING = Path(__file__).parents[2] / "manifests/components/monitoring"

Json = dict[str, Any]


def manifest() -> Json:
    """The PrometheusRule."""
    loaded: Json = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text(encoding="utf-8"))
    return loaded


def rules_file() -> Json:
    """What Prometheus reads: the manifest's `spec`, nothing else."""
    spec: Json = manifest()["spec"]
    return copy.deepcopy(spec)


def rules(spec: Json) -> list[Json]:
    """All rules of a rules file, alerts and others; to be changed in place if need be."""
    return [rule for group in spec["groups"] for rule in group["rules"]]


def alerts() -> list[Json]:
    """The rules that are alerts."""
    return [rule for rule in rules(rules_file()) if "alert" in rule]


def alert_names() -> list[str]:
    """The names of the alerts; of several with one name, one."""
    return sorted({alert["alert"] for alert in alerts()})


def write(spec: Json, path: Path) -> None:
    """Writes a rules file."""
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
