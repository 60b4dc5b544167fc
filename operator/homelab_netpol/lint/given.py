"""What the linter is given: policies, and of their surroundings what is certain. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.evaluation import Pod
from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.terms import CCNP, CNP, NAME_LABEL, NETWORK_POLICY, IpNetwork
from homelab_netpol.cilium.validation import RuleProblem
from homelab_netpol.intent import Intent, LastGood, read_intent
from homelab_netpol.lint.policies import PolicyView, items, mapping, view_of
from homelab_netpol.manifests import Manifest, ManifestSet, kinds
from homelab_netpol.manifests.workloads import Workload, workloads
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import is_managed

# Groups whose objects make no pods, beside Kubernetes' own (`*.k8s.io`).
_NO_PODS = frozenset(
    {
        *("", "apps", "autoscaling", "batch", "policy", "cert-manager.io", "cilium.io"),
        *("external-secrets.io", "network-policy.homelab", "bitnami.com", "security.istio.io"),
        *("networking.istio.io", "metallb.io", "notification.toolkit.fluxcd.io"),
        *("crd.projectcalico.org", "projectcalico.org", "source.toolkit.fluxcd.io"),
    }
)
_NO_PODS_KINDS = frozenset(
    f"monitoring.coreos.com/{kind}"
    for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe")
)


class GivenPods(NamedTuple):
    """A workload's pods.

    Attributes:
        workload: what makes them.
        pod: as policies select them.
    """

    workload: Workload
    pod: Pod


class Given:
    """Everything that rules look at.

    Attributes:
        manifests: all objects.
        catalogue: the settings and custom resources.
        now: the time, by which hatches close.
        whole: the objects are a cluster's, all of them that a rule asks for.
        with_operator: the operator is there, or is to be: its baselines and profiles hold.
        policies: CNPs, CCNPs and NetworkPolicies.
        config: how Cilium's agents are configured; None: not known.
    """

    def __init__(
        self,
        manifests: ManifestSet,
        catalogue: Catalogue,
        now: datetime,
        *,
        config: AgentConfig | None = None,
        from_cluster: bool = False,
        with_operator: bool = False,
    ) -> None:
        """Joins them.

        Args:
            manifests: all objects.
            catalogue: the settings and custom resources.
            now: the time.
            config: how Cilium's agents are configured; None: not known.
            from_cluster: the objects were read in a cluster.
            with_operator: the operator is known to be there; else that is concluded.
        """
        self.manifests = manifests
        self.catalogue = catalogue
        self.now = now
        self.config = config
        self.whole = from_cluster and not manifests.gaps
        self.policies: Sequence[PolicyView] = [
            view_of(each)
            for kind in (CNP, CCNP, NETWORK_POLICY)
            for each in (*manifests.of(kind), *_of_kind(manifests.others, kind))
        ]
        #: To a name of no Namespace the one that is nearest, as far as it was asked for.
        self.near_namespaces: dict[str, str] = {}
        self._problems: dict[int, list[RuleProblem]] = {}
        self.with_operator = with_operator or self._shows_operator()

    @property
    def by_hand(self) -> Iterator[PolicyView]:
        """The policies that are not the operator's."""
        return (each for each in self.policies if not each.own)

    @property
    def identity_labels(self) -> IdentityLabels:
        """Which labels selectors see."""
        return DEFAULT if self.config is None else self.config.identity_labels

    def of_namespace(self, namespace: str) -> list[PolicyView]:
        """The policies that may select pods of a namespace; "": of any."""
        if not namespace:
            return list(self.policies)
        return [*self._by_namespace.get(namespace, ()), *self._by_namespace.get("", ())]

    def problems(
        self, policy: PolicyView, find: Callable[[PolicyView], list[RuleProblem]]
    ) -> list[RuleProblem]:
        """What validation finds in a policy, worked out once for the rules that divide it."""
        key = id(policy)
        if key not in self._problems:
            self._problems[key] = find(policy)
        return self._problems[key]

    @cached_property
    def intents(self) -> list[tuple[Manifest, Intent]]:
        """What the labels of each Namespace that is given say."""
        words = self.catalogue.vocabulary
        found = []
        for each in self.manifests.of(kinds.NAMESPACE):
            facts = words.facts(each.name, each.labels, each.annotations, terminating=False)
            found.append((each, read_intent(facts, LastGood(), words, self.now)))
        return found

    @cached_property
    def namespace_labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of each Namespace that is given itself, by its name."""
        return {
            each.name: {NAME_LABEL: each.name, **each.labels}
            for each in self.manifests.of(kinds.NAMESPACE)
        }

    @cached_property
    def used_namespaces(self) -> frozenset[str]:
        """The names of all namespaces that are given, or that something given is in."""
        used = {each.namespace for each in self.manifests.manifests}
        return frozenset({*self.namespace_labels, *used})

    def pods(self, namespace: str) -> Sequence[GivenPods]:
        """All pods of a namespace; none: it is not certain that all of them are known."""
        return self._pods.get(namespace, ()) if self._pods_are_whole else ()

    @cached_property
    def all_pods(self) -> Sequence[GivenPods]:
        """All pods of a cluster; none: they are not known."""
        if not (self.whole and self._pods_are_whole):
            return ()
        return [each for pods in self._pods.values() for each in pods]

    def services(self, namespace: str) -> Sequence[Manifest]:
        """The Services of a namespace."""
        return self._services.get(namespace, ())

    @cached_property
    def addresses(self) -> dict[str, str]:
        """The cluster's own addresses, and whose they are."""
        found: dict[str, str] = {}
        for address, owner in self._addresses():
            try:
                found.setdefault(str(ip_address(address)), owner)
            except ValueError:
                continue
        return found

    @cached_property
    def pod_networks(self) -> list[tuple[IpNetwork, str]]:
        """The networks that nodes give their pods' addresses from."""
        found = []
        for node in self.manifests.of("Node"):
            spec = mapping(node.data.get("spec"))
            given = map(str, (*items(spec.get("podCIDRs")), spec.get("podCIDR")))
            for text in dict.fromkeys(given):
                try:
                    found.append((ip_network(text), node.name))
                except ValueError:
                    continue
        return found

    def _addresses(self) -> Iterator[tuple[str, str]]:
        # With an option of Cilium's, nodes are meant by their addresses as well. An API server that
        # is on none of them may be known by its address in any case.
        by_address = self.config is not None and "nodes" in self.config.matched_by_cidr
        servers = set(self._api_servers())
        for each in self.manifests.of("Node") if not by_address else ():
            for address in items(mapping(each.data.get("status")).get("addresses")):
                text = str(mapping(address).get("address"))
                owner = API_SERVER if text in servers else "the node"
                yield text, f"{owner}{' on' if text in servers else ''} {each.name}"
        for each in self.manifests.of(kinds.SERVICE):
            owner = f"the Service {each.name} in {each.namespace}"
            if (each.namespace, each.name) == ("default", "kubernetes"):
                owner = API_SERVER
            spec, status = mapping(each.data.get("spec")), mapping(each.data.get("status"))
            for address in (
                spec.get("clusterIP"),
                *items(spec.get("clusterIPs")),
                *items(spec.get("externalIPs")),
                spec.get("loadBalancerIP"),
                *_pool_addresses(each),
                *(
                    mapping(one).get("ip")
                    for one in items(mapping(status.get("loadBalancer")).get("ingress"))
                ),
            ):
                yield str(address), owner
        for each in self.manifests.of(kinds.POD):
            address = mapping(each.data.get("status")).get("podIP")
            if not mapping(each.data.get("spec")).get("hostNetwork"):
                yield str(address), f"the pod {each.name} in {each.namespace}"

    def _api_servers(self) -> Iterator[str]:
        for each in self.manifests.of("EndpointSlice"):
            if each.namespace == "default" and each.labels.get(_SERVICE_NAME) == "kubernetes":
                for endpoint in items(each.data.get("endpoints")):
                    yield from map(str, items(mapping(endpoint).get("addresses")))

    @cached_property
    def _by_namespace(self) -> dict[str, list[PolicyView]]:
        found: defaultdict[str, list[PolicyView]] = defaultdict(list)
        for each in self.policies:
            found[each.namespace].append(each)
        return found

    @cached_property
    def _pods(self) -> dict[str, list[GivenPods]]:
        found: defaultdict[str, list[GivenPods]] = defaultdict(list)
        for each in workloads(self.manifests):
            pod = Pod(
                each.namespace,
                self.namespace_labels.get(each.namespace),
                each.labels,
                identity_labels=self.config.identity_labels if self.config else None,
            )
            found[each.namespace].append(GivenPods(each, pod))
        return found

    @cached_property
    def _pods_are_whole(self) -> bool:
        """What is given is a whole cluster's, or nothing beside it may make pods."""
        # One of two variants of an object is in the cluster, and it is not known which.
        variants = {each.kind for each in self.manifests.others}
        if self.manifests.gaps or variants & {kinds.POD, kinds.NAMESPACE, *kinds.WORKLOADS}:
            return False
        return self.whole or all(
            group in _NO_PODS or group.endswith(".k8s.io") or kind in _NO_PODS_KINDS
            for kind in self.manifests.skipped
            for group in (kind.rpartition("/")[0],)
        )

    @cached_property
    def _services(self) -> dict[str, list[Manifest]]:
        found: defaultdict[str, list[Manifest]] = defaultdict(list)
        for each in self.manifests.of(kinds.SERVICE):
            found[each.namespace].append(each)
        return found

    def _shows_operator(self) -> bool:
        words = self.catalogue.vocabulary
        domain = (f"{words.domain}/", words.access_prefix)
        return bool(
            any(is_managed(each.manifest.labels) for each in self.policies if each.own)
            or self.manifests.of(kinds.NETWORK_PROFILE)
            or self.manifests.of(kinds.SHARED_RESOURCE)
            or any(
                key.startswith(domain)
                for each in self.manifests.of(kinds.NAMESPACE)
                for key in each.labels
            )
        )


API_SERVER = "the API server"
_SERVICE_NAME = "kubernetes.io/service-name"
_POOL_ADDRESSES = ("lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips", "metallb.io/loadBalancerIPs")


def _of_kind(manifests: Iterable[Manifest], kind: str) -> Iterator[Manifest]:
    return (each for each in manifests if each.kind == kind and not kinds.is_calico(each.group))


def _pool_addresses(service: Manifest) -> Iterator[str]:
    for key in _POOL_ADDRESSES:
        yield from (each.strip() for each in service.annotations.get(key, "").split(",") if each)
