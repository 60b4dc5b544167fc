"""A cluster as the detectors see it: workloads, Services, gateways, nodes, configuration. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from homelab_netpol.detect.objects import (
    Component,
    Gateway,
    Labels,
    Node,
    Service,
    ServicePort,
    read_components,
    read_gateway,
    read_node,
    read_service,
)
from homelab_netpol.manifests import ManifestSet, kinds
from homelab_netpol.manifests.workloads import workloads
from homelab_netpol.shapes import text, texts

CILIUM_CONFIG = "cilium-config"


class ClusterFacts:
    """What is given of a cluster.

    Attributes:
        manifests: all objects.
    """

    def __init__(self, manifests: ManifestSet) -> None:
        """Takes the objects.

        Raises:
            ManifestError: a workload's pods are not described as they must be.
        """
        self.manifests = manifests
        self.components = read_components(workloads(manifests))

    @cached_property
    def namespaces(self) -> dict[str, Labels]:
        """The labels of each Namespace, by its name."""
        return self.manifests.namespace_labels()

    @cached_property
    def services(self) -> list[Service]:
        """All Services."""
        return [read_service(each) for each in self.manifests.of(kinds.SERVICE)]

    @cached_property
    def gateways(self) -> list[Gateway]:
        """All Gateways of the Gateway API."""
        controllers = {
            each.name: text(each.data, "spec", "controllerName")
            for each in self.manifests.of("GatewayClass")
        }
        return [read_gateway(each, controllers) for each in self.manifests.of("Gateway")]

    @cached_property
    def ingress_controllers(self) -> dict[str, str]:
        """The controller of each IngressClass, by its name."""
        return {
            each.name: text(each.data, "spec", "controller")
            for each in self.manifests.of("IngressClass")
        }

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes."""
        return [read_node(each) for each in self.manifests.of("Node")]

    @cached_property
    def cilium_namespace(self) -> str:
        """Where Cilium's ConfigMap is, or its agents are; "": neither is given."""
        given = [each for each in self.manifests.of("ConfigMap") if each.name == CILIUM_CONFIG]
        agents = [each for each in self.components if is_cilium_agent(each)]
        places = [*(each.namespace for each in given), *(each.namespace for each in agents)]
        return "kube-system" if "kube-system" in places else next(iter(places), "")

    @cached_property
    def cilium_config(self) -> dict[str, str] | None:
        """The entries of Cilium's ConfigMap; None: it is not given."""
        found = self.manifests.get("ConfigMap", CILIUM_CONFIG, self.cilium_namespace)
        if found is None:
            return None
        return texts(found.data, "data")

    @cached_property
    def _by_namespace(self) -> dict[str, list[Component]]:
        found: defaultdict[str, list[Component]] = defaultdict(list)
        for each in self.components:
            found[each.namespace].append(each)
        return dict(found)

    @cached_property
    def _services_by_namespace(self) -> dict[str, list[Service]]:
        found: defaultdict[str, list[Service]] = defaultdict(list)
        for each in self.services:
            found[each.namespace].append(each)
        return dict(found)

    def within(self, namespace: str) -> list[Component]:
        """The components of a namespace."""
        return self._by_namespace.get(namespace, [])

    def is_read(self, *names: str) -> bool:
        """None of these kinds could not be read: what is not given is not there."""
        return self.manifests.unread.isdisjoint(names)

    def behind(self, service: Service) -> list[Component]:
        """The components that a Service leads to."""
        return [each for each in self.within(service.namespace) if service.leads_to(each)]

    def services_of(self, component: Component) -> list[Service]:
        """The Services that lead to a component."""
        services = self._services_by_namespace.get(component.namespace, [])
        return [each for each in services if each.leads_to(component)]


def is_cilium_agent(component: Component) -> bool:
    """Its pods are Cilium's agents."""
    return component.labels.get("k8s-app") == "cilium" and component.kind in ("DaemonSet", "Pod")


def resolved(port: ServicePort, components: Iterable[Component]) -> list[int]:
    """The pods' ports that a Service's port leads to."""
    if isinstance(port.target, int):
        return [port.target]
    return sorted(
        {each.number for one in components for each in one.ports if each.name == port.target}
    )
