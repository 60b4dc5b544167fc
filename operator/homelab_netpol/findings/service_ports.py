"""Ports of Services where those of their pods are meant. Pure.

Cilium translates a Service's address and port to a pod's before it asks any policy, so a policy is
about the ports that pods listen on. What cannot be resolved is not reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.cluster.services import ObservedService, ServicePort
from homelab_netpol.findings.finding import join_words, name_ports
from homelab_netpol.findings.ports import GrantedPort

_NAMED = 2


@dataclass(frozen=True, slots=True)
class ServicePortOpened:
    """An opened port that is a Service's, and none of its pods'.

    Attributes:
        opened: the port, or the range.
        services: the names of the Services.
        meant: the ports that their pods listen on, of the same protocol.
    """

    opened: GrantedPort
    services: tuple[str, ...]
    meant: tuple[int, ...]


def service_ports_opened(
    opened: Sequence[GrantedPort],
    services: Iterable[ObservedService],
    pods: Iterable[ObservedPod],
) -> list[ServicePortOpened]:
    """Which opened ports lead to no pod, as a Service has them and its pods listen on others.

    Args:
        opened: all ports that are opened to the pods.
        services: of the pods' namespace.
        pods: all those that the ports are opened to.
    """
    unlike = list(dict.fromkeys((frozenset(pod.labels.items()), pod.ports) for pod in _held(pods)))
    chosen = [ObservedPod(dict(labels), ports) for labels, ports in unlike]
    backed = [
        (service, behind)
        for service in services
        if (behind := [pod for pod in chosen if service.selects(pod.labels)])
    ]
    in_use = {(port.number, port.protocol) for pod in chosen for port in pod.ports}
    for service, behind in backed:
        for port in service.ports:
            in_use |= {(number, port.protocol) for number in resolve(port, behind)}
            if service.headless:
                # Its clients call the pods themselves, by whichever of the two.
                in_use.add((port.number, port.protocol))
    found = []
    for each in dict.fromkeys(opened):
        if any(each.holds(*port) for port in in_use):
            continue
        led = {
            service.name: numbers
            for service, behind in backed
            for port in service.ports
            if each.holds(port.number, port.protocol) and (numbers := resolve(port, behind))
        }
        meant = sorted(set().union(*led.values()))
        if meant and not _is_opened(meant, each.protocol, opened):
            found.append(ServicePortOpened(each, tuple(sorted(led)), tuple(meant)))
    return found


def resolve(port: ServicePort, behind: Iterable[ObservedPod]) -> set[int]:
    """The numbers that a Service's port has on the pods behind it; none: not known."""
    if isinstance(port.target, int):
        return {port.target}
    return {
        each.number
        for pod in behind
        for each in pod.ports
        if each.name == port.target and each.protocol == port.protocol
    }


def describe(found: Sequence[ServicePortOpened], who: str, namespace: str, where: str) -> str:
    """In words, for the one who can mend it.

    Args:
        found: at least one.
        who: opens them, as the beginning of a sentence.
        namespace: where the Services are.
        where: the right ports are to be written, as the end of a sentence.
    """
    opened = name_ports((o.protocol, o.number, o.end) for o in (each.opened for each in found))
    names = list(dict.fromkeys(name for each in found for name in each.services))
    services = join_words(
        [*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])]
    )
    meant = name_ports(dict.fromkeys(_meant(found)))
    of = "Services" if len(names) > 1 else "Service"
    return (
        f"{who} opens {opened}, the port of the {of} {services} in {namespace}, behind which pods"
        f" listen on {meant}. Cilium judges the pods' port, so that opens nothing. Write {meant}"
        f" {where}."
    )


def _held(pods: Iterable[ObservedPod]) -> Iterator[ObservedPod]:
    return (pod for pod in pods if not pod.host_network)


def _is_opened(numbers: Iterable[int], protocol: str, opened: Sequence[GrantedPort]) -> bool:
    return any(each.holds(number, protocol) for each in opened for number in numbers)


def _meant(found: Iterable[ServicePortOpened]) -> Iterator[tuple[str, int, int | None]]:
    for each in found:
        for number in each.meant:
            yield each.opened.protocol, number, None
