"""Ports for clients from outside, behind a Service that hides who they are.

With `externalTrafficPolicy: Cluster`, which is Kubernetes' default, a client that comes in by
another node than its pod's arrives with that node's address: Cilium knows it as `remote-node`, and
rules for networks outside do not mean it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from homelab_netpol.cluster.services import ObservedService
from homelab_netpol.findings.finding import Finding, FindingReason, join_words, name_ports
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.ports import GrantedPort, listed_ports
from homelab_netpol.findings.service_ports import resolve

_NAMED = 2


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the Services of which only clients that come in by the right node get through."""
    config = inspection.cache.cilium.config
    kept = config.keeps_client_addresses if config is not None else frozenset()
    words = inspection.cache.catalogue.vocabulary
    for namespace in inspection.namespaces:
        intent = inspection.cache.intents.get(namespace)
        yield None
        if intent is None or not (intent.lan_ports or intent.world_ports):
            continue
        for key, listed in (
            (words.lan_ports_key, intent.lan_ports),
            (words.world_ports_key, intent.world_ports),
        ):
            opened = [port for port in listed_ports(listed) if port.protocol not in kept]
            services = inspection.snapshot.services.get(namespace, ())
            hiding = [each for each in services if _leads_to(inspection, each, opened)]
            if hiding:
                message = _message(key, hiding, opened)
                yield Finding(FindingReason.CLIENTS_SEEN_AS_NODES, namespace, message)


def _leads_to(
    inspection: Inspection, service: ObservedService, opened: Sequence[GrantedPort]
) -> bool:
    """Whether the Service takes clients in by every node, to a port that is open to them."""
    if not service.by_every_node:
        return False
    pods = inspection.snapshot.targets.get(service.namespace, ())
    behind = [pod for pod in pods if service.selects(pod.labels)]
    return any(
        each.holds(number, port.protocol)
        for port in service.ports
        for number in resolve(port, behind)
        for each in opened
    )


def _message(key: str, services: Sequence[ObservedService], opened: Iterable[GrantedPort]) -> str:
    names = [each.name for each in services[:_NAMED]]
    if len(services) > _NAMED:
        names.append(f"{len(services) - _NAMED} more")
    of = "Services" if len(services) > 1 else "Service"
    ports = name_ports((port.protocol, port.number, port.end) for port in opened)
    return (
        f"The annotation {key} opens {ports}, and the {of} {join_words(names)} take clients in by"
        " every node (externalTrafficPolicy: Cluster): by another node than the pod's a client"
        " arrives as that node, which Cilium knows as remote-node, and is denied. Set"
        " externalTrafficPolicy: Local there, or Cilium's bpf-lb-mode: dsr."
    )
