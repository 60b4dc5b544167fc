"""Who answers the pods' DNS queries: the cluster's DNS, and NodeLocal DNS. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from homelab_netpol.detect.facts import ClusterFacts, resolved
from homelab_netpol.detect.found import BY_NODE, Entry, Findings, Setting, unique
from homelab_netpol.detect.objects import Component, Service
from homelab_netpol.manifests import kinds
from homelab_netpol.settings import Settings
from homelab_netpol.shapes import items, mapping

_PORT = 53
_KUBE_DNS = {"k8s-app": "kube-dns"}
# Where the cluster's DNS is in nearly all distributions; OpenShift has a namespace for it.
_HOMES = ("kube-system", "openshift-dns")
_LOCAL_NAMES = ("node-local-dns", "nodelocaldns", "nodelocal-dns")
_LOCAL_IMAGE = "k8s-dns-node-cache"
# As Kubernetes' own manifest of NodeLocal DNS has it.
_LOCAL_ADDRESS = "169.254.20.10"
_ADDRESS = re.compile(r"[0-9a-fA-F:.]{2,45}")


def detect_dns(facts: ClusterFacts) -> Findings:
    """`dns.servers` and `dns.ports`."""
    found = Findings()
    services = _services(facts)
    servers = list(_servers(facts, services))
    local = list(_local(facts))
    if not servers and not local and not facts.is_read("Pod", "Service"):
        return found
    if not servers and not local:
        found.questions.append(
            "no pods were found that answer DNS queries (a Service kube-dns, or pods with the label"
            " k8s-app: kube-dns). Who answers them? Without it pods resolve no name: say it in"
            " dns.servers"
        )
        return found
    found.take(("dns", "servers"), unique([*local, *servers]), Settings().dns.servers)
    found.add(_ports(facts, services))
    return found


def _services(facts: ClusterFacts) -> list[Service]:
    """The Services that pods are set up to ask, the likeliest first."""

    def is_dns(service: Service) -> bool:
        named = service.labels.get("k8s-app") in ("kube-dns", "coredns") or (
            service.labels.get("kubernetes.io/name") == "CoreDNS"
        )
        known = named or service.name in ("kube-dns", "coredns", "dns-default")
        asked = any(port.number == _PORT for port in service.ports)
        return known and asked and service.namespace in _HOMES and bool(service.selector)

    found = [each for each in facts.services if is_dns(each)]
    # NodeLocal DNS has a Service of its own to the same pods, by which it asks them.
    return sorted(found, key=lambda each: (each.name != "kube-dns", each.name))


def _servers(facts: ClusterFacts, services: list[Service]) -> Iterator[Entry]:
    for service in services:
        pods = [each for each in facts.behind(service) if not _is_local(each)]
        because = f"{_named(pods)} behind the {service}" if pods else f"the {service} selects them"
        if pods and all(each.host_network for each in pods):
            yield _on_nodes(pods)
        else:
            labels = _labels(service.selector)
            yield Entry({"namespace": service.namespace, "podLabels": labels}, because)
    if services:
        return
    for component in facts.components:
        by_label = _KUBE_DNS.items() <= component.labels.items()
        if by_label or (component.namespace in _HOMES and component.is_named("coredns")):
            if component.host_network:
                yield _on_nodes([component])
                continue
            name = component.labels.get("app.kubernetes.io/name", "")
            labels = _KUBE_DNS if by_label else {"app.kubernetes.io/name": name}
            if labels.items() <= component.labels.items():
                value = {"namespace": component.namespace, "podLabels": dict(labels)}
                yield Entry(value, f"{component} has these labels")


def _labels(selector: object) -> dict[str, str]:
    """Of the labels by which a Service selects, those that say that it is DNS."""
    given = {str(key): str(value) for key, value in mapping(selector).items()}
    return dict(_KUBE_DNS) if _KUBE_DNS.items() <= given.items() else given


def _on_nodes(pods: list[Component]) -> Entry:
    return Entry(
        BY_NODE,
        f"{_named(pods)} is on the nodes' network, where Cilium knows it by its node only",
        ("this lets every pod ask every node on port 53. Is that meant?",),
    )


def _local(facts: ClusterFacts) -> Iterator[Entry]:
    """NodeLocal DNS: an address of every node, or pods that Cilium redirects to."""
    for component in facts.components:
        if not _is_local(component):
            continue
        if component.host_network:
            yield from _by_address(facts, component)
            continue
        redirects = [
            each
            for each in facts.manifests.of(kinds.LOCAL_REDIRECT)
            if _is_to(each.data, component)
        ]
        labels = {
            key: value for key, value in component.labels.items() if key in ("k8s-app", "app")
        } or dict(component.labels)
        checks: tuple[str, ...] = ()
        because = f"{component} runs NodeLocal DNS on the pods' network"
        if redirects:
            because += f", and {redirects[0]} sends queries to it"
        else:
            checks = ("no CiliumLocalRedirectPolicy leads to it. How do queries get there?",)
        yield Entry({"namespace": component.namespace, "podLabels": labels}, because, checks)


def _by_address(facts: ClusterFacts, component: Component) -> Iterator[Entry]:
    of_services = {service.cluster_ip for service in facts.services}
    said = [address for address in _listening(component) if address not in of_services]
    # Beside its own address it listens on the one of kube-dns, which Cilium translates.
    addresses = [each for each in said if ip_address(each).is_link_local] or said
    checks: tuple[str, ...] = ()
    if not addresses:
        addresses = [_LOCAL_ADDRESS]
        checks = ("its address is not known; this is the usual one (--cluster-dns of the kubelet)",)
    networks = [f"{each}/{ip_address(each).max_prefixlen}" for each in addresses]
    because = f"{component} answers on {', '.join(addresses)}, an address that every node has"
    yield Entry({"cidrs": networks}, because, checks)
    because = "Cilium may know that address as the node"
    yield Entry({"entities": ["host"]}, because)


def _listening(component: Component) -> Iterator[str]:
    """The addresses after `-localip`, as they are written."""
    following = False
    for argument in component.arguments:
        name, equals, value = argument.partition("=")
        if name.lstrip("-") == "localip":
            following = not equals
        elif following:
            following, value = False, argument
        else:
            continue
        for each in _ADDRESS.findall(value):
            try:
                yield str(ip_address(each))
            except ValueError:
                continue


def _is_local(component: Component) -> bool:
    named = component.is_named(*_LOCAL_NAMES) or component.name in _LOCAL_NAMES
    return named or component.runs(_LOCAL_IMAGE)


def _is_to(policy: object, component: Component) -> bool:
    backend = mapping(policy, "spec", "redirectBackend")
    selector = mapping(backend, "localEndpointSelector", "matchLabels")
    ports = {str(mapping(each).get("port")) for each in items(backend, "toPorts")}
    given = {str(key).rpartition(":")[2]: str(value) for key, value in selector.items()}
    return bool(given) and given.items() <= component.labels.items() and ports <= {"53", ""}


def _ports(facts: ClusterFacts, services: list[Service]) -> Findings:
    """Policies judge the pods' own port, which a Service may translate."""
    found = Findings()
    ports: dict[tuple[int, str], str] = {}
    for service in services:
        for port in service.ports:
            for number in resolved(port, facts.behind(service)) if port.number == _PORT else ():
                if number != _PORT:
                    ports[number, port.protocol] = f"the {service} leads to port {number}"
    if ports:
        usual = [Entry({"port": _PORT, "protocol": each}) for each in ("UDP", "TCP")]
        others = [
            Entry({"port": number, "protocol": protocol}, because)
            for (number, protocol), because in sorted(ports.items())
        ]
        found.settings.append(Setting(("dns", "ports"), (*others, *usual)))
    return found


def _named(components: list[Component]) -> str:
    return " and ".join(map(str, components[:2]))
