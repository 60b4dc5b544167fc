"""What is examined: a cluster, the operator in it, and the settings that it runs with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from homelab_netpol.cluster.doctor_facts import Facts
from homelab_netpol.settings import Settings
from homelab_netpol.shapes import mapping, mappings, number, text, texts

Object = Mapping[str, Any]

DEFAULT_HOME = "homelab-netpol"
# Where settings are from that the command line gives.
FROM_OPTION = "--config"
# What the chart and the manifests label the operator's Deployment and pods with.
OPERATOR_LABELS = {"app.kubernetes.io/name": "homelab-netpol"}

# By what they are, beside the kinds: the keys of `Facts.lists`.
DEPLOYMENT, POD, AGENT = "Deployment", "operator's Pod", "agent's Pod"
LEASE, CRD, EVENT, NODE = "Lease", "CustomResourceDefinition", "Event", "Node"
CILIUM_CONFIG, OPERATOR_CONFIG = "Cilium's ConfigMap", "operator's ConfigMap"


@dataclass(frozen=True, slots=True)
class Installation:
    """All that checks judge by.

    Attributes:
        facts: what was read of the cluster.
        settings: those that the operator runs with, as far as they are known.
        settings_from: where they are from, in words; "": they are the defaults.
        settings_problem: which others could not be used, and why; "": they could.
        home: the operator's namespace.
        version: of this program.
        now: the time here.
    """

    facts: Facts
    settings: Settings
    settings_from: str
    settings_problem: str
    home: str
    version: str
    now: datetime

    @property
    def deployment(self) -> Object | None:
        """The operator's Deployment; None: there is none, or it may not be read."""
        return self.facts.of(DEPLOYMENT).first

    @property
    def cilium_data(self) -> dict[str, str] | None:
        """The entries of Cilium's ConfigMap; None: it is not there, or may not be read."""
        found = self.facts.of(CILIUM_CONFIG).first
        return None if found is None else texts(found, "data")


def settings_volume(deployment: Object) -> str | None:
    """The ConfigMap that holds the operator's settings: what is mounted where `--config` leads."""
    spec = mapping(deployment, "spec", "template", "spec")
    for container in mappings(spec, "containers"):
        arguments = container.get("args")
        words = arguments if isinstance(arguments, list) else []
        for option, path in pairwise(words):
            if option != "--config":
                continue
            for mount in mappings(container, "volumeMounts"):
                if mount.get("mountPath") == path:
                    return _config_map(spec, text(mount, "name"))
    return None


def _config_map(spec: Object, volume: str) -> str | None:
    for each in mappings(spec, "volumes"):
        if text(each, "name") == volume:
            return text(each, "configMap", "name") or None
    return None


def restarts(pod: Object) -> int:
    """How often the containers of a pod were started again."""
    statuses = mappings(pod, "status", "containerStatuses")
    return sum(number(each, "restartCount") for each in statuses)
