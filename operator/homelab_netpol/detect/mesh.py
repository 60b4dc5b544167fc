"""Istio's ambient mesh: its label, proxies, waypoints and trust domain. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting, unique
from homelab_netpol.detect.objects import Gateway
from homelab_netpol.intent import Waypoint, waypoint_by_labels
from homelab_netpol.settings import Settings
from homelab_netpol.shapes import mapping

WAYPOINT_CLASS = "istio-waypoint"
WAYPOINT_CONTROLLER = "istio.io/mesh-controller"
_INJECTION = ("istio-injection", "istio.io/rev")
# Istio's own configuration is YAML within YAML; of it one line is needed.
_TRUST_DOMAIN = re.compile(r"^trustDomain:[ \t]*[\"']?([a-z0-9.-]{1,200})[\"']?[ \t]*$", re.M)
_NAMED = 3


def is_waypoint(gateway: Gateway) -> bool:
    """It is one of Istio's waypoints: no request from outside of the mesh comes in by it."""
    return gateway.class_name == WAYPOINT_CLASS or gateway.controller == WAYPOINT_CONTROLLER


def detect_mesh(facts: ClusterFacts) -> Findings:
    """`mesh`."""
    found, mesh = Findings(), Settings().mesh
    meshed = sorted(
        name for name, labels in facts.namespaces.items() if labels.get(mesh.label) == mesh.value
    )
    ztunnels = [each for each in facts.components if each.is_named("ztunnel")]
    injected = sorted(
        name
        for name, labels in facts.namespaces.items()
        if labels.get("istio-injection") == "enabled"
        or ("istio.io/rev" in labels and name not in meshed)
    )
    if injected:
        found.questions.append(
            f"Istio's sidecars run in {_some(injected)} ({' or '.join(_INJECTION)}), of which no"
            " setting knows: a sidecar must reach istiod (TCP 15012), which no profile allows. A"
            " SharedResource can grant that. Which namespaces need it?"
        )
    if not meshed and not ztunnels:
        return found
    waypoints = list(_waypoints(facts))
    ztunnel = unique(
        Entry({"namespace": each.namespace, "podLabels": {"app": "ztunnel"}}, f"{each} runs there")
        for each in ztunnels
        if each.labels.get("app") == "ztunnel"
    )
    default = {"namespace": "istio-system", "podLabels": {"app": "ztunnel"}}
    if ztunnel and [each.value for each in ztunnel] != [default]:
        found.settings.append(Setting(("mesh", "ztunnel"), ztunnel))
    elif ztunnel:
        found.confirmed.append(f"mesh.ztunnel: {ztunnel[0].because}")
    else:
        found.questions.append(
            f"{_some(meshed)} carry the label {mesh.label}: {mesh.value}, and no ztunnel was found."
            " Where is it? Say it in mesh.ztunnel"
        )
    if waypoints:
        found.settings.append(Setting(("mesh", "waypoints"), unique(waypoints)))
    found.settings += _root_and_trust(facts)
    if meshed:
        found.confirmed.append(
            f"mesh.label: the label {mesh.label}: {mesh.value} is carried by {_some(meshed)}"
        )
        found.questions.append(
            "should ports hold inside the mesh's tunnel too? Then use the component `mesh`"
            " (mesh.authorizationPolicies: true), with which the operator writes Istio's"
            " AuthorizationPolicies"
        )
    return found


def _waypoints(facts: ClusterFacts) -> Iterator[Entry]:
    """Those that no Namespace's label leads to: the operator knows the others by these labels."""
    known: set[Waypoint | None] = {
        waypoint_by_labels(labels, name) for name, labels in facts.namespaces.items()
    }
    by_services = {
        waypoint_by_labels(service.labels, service.namespace): service for service in facts.services
    }
    for gateway in filter(is_waypoint, facts.gateways):
        waypoint = Waypoint(gateway.namespace, gateway.name)
        service = by_services.get(waypoint)
        if waypoint in known and service is None:
            continue
        value = {"namespace": waypoint.namespace, "podLabels": waypoint.pod_labels}
        if service is not None:
            yield Entry(value, f"the {service} and perhaps others are behind it by their labels")
        else:
            check = "which Services have it? No label of a Namespace or Service names it"
            yield Entry(value, f"{gateway} is one of Istio's waypoints", (check,))


def _root_and_trust(facts: ClusterFacts) -> Iterator[Setting]:
    defaults = Settings().mesh
    homes = [each for each in facts.components if each.is_named("istiod")]
    roots = sorted({each.namespace for each in homes})
    if roots and roots != [defaults.root_namespace]:
        check = () if len(roots) == 1 else (f"istiod runs in {_some(roots)}: which is the root?",)
        yield Setting(("mesh", "rootNamespace"), Entry(roots[0], f"{homes[0]} runs there", check))
    for config in facts.manifests.of("ConfigMap"):
        if config.name != "istio" or config.namespace not in roots:
            continue
        text = mapping(config.data, "data").get("mesh")
        said = _TRUST_DOMAIN.search(text) if isinstance(text, str) else None
        if said is not None and said.group(1) != defaults.trust_domain:
            because = f"{config} says so"
            yield Setting(("mesh", "trustDomain"), Entry(said.group(1), because))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
