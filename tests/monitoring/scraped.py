"""Two replicas of the operator, and a Prometheus that finds them as the documentation says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.control_plane import Cluster
from tests.cluster.kube import Kube, eventually
from tests.cluster.watched import shows
from tests.monitoring import shipped_rules
from tests.monitoring.servers import Prometheus
from tests.monitoring.shipped_rules import Json
from tests.programs import program
from tests.running_operator import RunningOperator, running_operator

DOCS = Path(__file__).parents[2] / "docs/alerts.md"
HOME = "homelab-netpol"

SETTINGS: Json = {
    "resyncSeconds": 1,
    "inspectionSeconds": 1,
    "leaderElection": {"enabled": True, "namespace": HOME, "leaseSeconds": 3},
}


@dataclass(frozen=True, slots=True)
class Scraped:
    """What runs.

    Attributes:
        leader: the replica that writes.
        standby: the other one.
        prometheus: scrapes both, every second, by the shipped rules.
    """

    leader: RunningOperator
    standby: RunningOperator
    prometheus: Prometheus


def documented_scrape(replicas: Mapping[str, RunningOperator]) -> list[Json]:
    """The scrape config of docs/alerts.md, more often, and told what Kubernetes would tell it.

    Debian builds Prometheus without its Kubernetes client. So the labels that this gives to a Pod's
    port are said here; what becomes of them is the documentation's.
    """
    blocks = re.findall(r"```yaml\n(scrape_configs:.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 1
    configs: list[Json] = yaml.safe_load(blocks[0])["scrape_configs"]
    assert len(configs) == 1
    config = configs[0]
    assert config.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": [HOME]}}]
    found = [_found(name, "homelab-netpol", "http", each.url) for name, each in replicas.items()]
    others = [("other", "http"), ("homelab-netpol", "debug")]
    found += [_found("other", app, port, "http://127.0.0.1:1") for app, port in others]
    return [{**config, "scrape_interval": "1s", "static_configs": found}]


def _found(pod: str, app: str, port: str, url: str) -> Json:
    """A container's port as Kubernetes' service discovery shows it."""
    labels = {
        "namespace": HOME,
        "pod_name": pod,
        "pod_label_app_kubernetes_io_name": app,
        "pod_container_port_name": port,
    }
    described = {f"__meta_kubernetes_{name}": value for name, value in labels.items()}
    return {"targets": [url.removeprefix("http://")], "labels": described}


@contextlib.contextmanager
def scraped(
    cluster: Cluster, kube: Kube, folder: Path, rules: Json, alertmanager: str = ""
) -> Iterator[Scraped]:
    """Runs everything for as long as the block lasts.

    Args:
        cluster: with Cilium's CRDs.
        kube: the same cluster.
        folder: for files.
        rules: for Prometheus, which looks at them every second.
        alertmanager: host and port, if there is one.
    """
    program("prometheus")  # before anything is started in vain
    for group in rules["groups"]:
        group["interval"] = "1s"
    shipped_rules.write(rules, folder / "rules.yaml")
    told = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    with contextlib.ExitStack() as stack:
        if kube.get(f"/api/v1/namespaces/{HOME}") is None:
            home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
            kube.create("/api/v1/namespaces", home)
        leader = stack.enter_context(_operator(cluster))
        shows(leader, 1, "leader")
        standby = stack.enter_context(_operator(cluster))
        replicas = {"homelab-netpol-one": leader, "homelab-netpol-two": standby}
        prometheus = Prometheus(
            folder,
            {
                "global": {"evaluation_interval": "1s"},
                "scrape_configs": documented_scrape(replicas),
                "rule_files": ["rules.yaml"],
                "alerting": {"alertmanagers": told},
            },
        )
        prometheus.start()
        stack.callback(prometheus.stop)
        eventually(lambda: _healthy(prometheus) == 2, "both replicas to be scraped")
        yield Scraped(leader, standby, prometheus)


def _operator(cluster: Cluster) -> contextlib.AbstractContextManager[RunningOperator]:
    return running_operator(cluster.kubeconfig, SETTINGS, context=cluster.context)


def _healthy(prometheus: Prometheus) -> int:
    return sum(target["health"] == "up" for target in prometheus.targets())
