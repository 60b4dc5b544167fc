"""Who reads metrics, or probes apps from inside. Pure."""

from __future__ import annotations

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import BY_NODE, Entry, Findings, unique
from homelab_netpol.detect.objects import Component
from homelab_netpol.settings import Settings

_NAME = "app.kubernetes.io/name"
_SCRAPERS = (
    ("prometheus", ("prometheus/prometheus", "bitnami/prometheus")),
    ("vmagent", ("victoriametrics/vmagent",)),
)
_PROBERS = ("prometheus-blackbox-exporter", "blackbox-exporter")
# The ports that users ask, and so a prober.
_PROBED = [80, 443, 8080]
# These may scrape or probe, or may not: their configuration says so.
_PERHAPS = {
    "alloy": "Grafana Alloy",
    "grafana-agent": "Grafana's agent",
    "opentelemetry-collector": "an OpenTelemetry collector",
    "vmsingle": "VictoriaMetrics",
    "victoria-metrics-single-server": "VictoriaMetrics",
    "gatus": "Gatus",
    "uptime-kuma": "Uptime Kuma",
    "netdata": "Netdata",
}


def detect_scrapers(facts: ClusterFacts) -> Findings:
    """`scrapers`."""
    found = Findings()
    entries: list[Entry] = []
    for component in facts.components:
        for name, images in _SCRAPERS:
            if component.is_named(name) or component.runs(*images):
                entries.append(_entry(component, f"{component} scrapes"))
        if component.is_named(*_PROBERS):
            entry = _entry(component, f"{component} probes the ports that users ask")
            check = "are these the ports that it probes?"
            value = entry.value if component.host_network else {**entry.value, "ports": _PROBED}
            entries.append(Entry(value, entry.because, (*entry.checks, check)))
        title = next((title for name, title in _PERHAPS.items() if component.is_named(name)), None)
        if title is not None:
            line = f"{{namespace: {component.namespace}, podLabels: {_written(component)}}}"
            found.questions.append(
                f"does {title} ({component}) read metrics of apps, or probe them, from inside? Then"
                f" add to scrapers: {line}"
            )
    listed = unique(entries)
    if not listed:
        if facts.components and facts.is_read("Pod"):
            found.confirmed.append("scrapers: none was found, so that of the defaults is kept")
    else:
        found.take(("scrapers",), listed, Settings().scrapers)
    return found


def _entry(component: Component, because: str) -> Entry:
    if component.host_network:
        return Entry(
            BY_NODE,
            f"{because}, on the nodes' network, where Cilium knows it by its node only",
            ("every process of every node may then ask every port. Is that meant?",),
        )
    return Entry({"namespace": component.namespace, "podLabels": _labels(component)}, because)


def _labels(component: Component) -> dict[str, str]:
    for key in (_NAME, "app", "k8s-app"):
        if key in component.labels:
            return {key: component.labels[key]}
    return dict(component.labels)


def _written(component: Component) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in _labels(component).items()) + "}"
