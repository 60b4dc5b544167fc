"""Cilium's terms: kinds, labels, entities, protocols, ports, names and addresses.

As in Cilium 1.20, packages `policy/api` (entities, ports, DNS names, CIDRs), `labels` (sources) and
`k8s/apis/cilium.io` (label keys, the limits of its CustomResourceDefinitions).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

CNP = "CiliumNetworkPolicy"
CCNP = "CiliumClusterwideNetworkPolicy"
NETWORK_POLICY = "NetworkPolicy"
# Of policy.networking.k8s.io: Kubernetes' own clusterwide kind.
CLUSTER_NETWORK_POLICY = "ClusterNetworkPolicy"
# All kinds of policies that Cilium follows.
POLICY_KINDS = (CCNP, CNP, NETWORK_POLICY, CLUSTER_NETWORK_POLICY)

# Labels that Cilium puts on a pod: its namespace, that namespace's labels, and those for the
# cluster's name and the service account.
NAMESPACE_KEY = "io.kubernetes.pod.namespace"
# The name of a Namespace among its own labels: the API server puts it on each.
NAME_LABEL = "kubernetes.io/metadata.name"
NAMESPACE_LABELS_PREFIX = "io.cilium.k8s.namespace.labels."
CILIUM_LABELS_PREFIX = "io.cilium.k8s.policy."
CLUSTER_KEY = f"{CILIUM_LABELS_PREFIX}cluster"
SERVICE_ACCOUNT_KEY = f"{CILIUM_LABELS_PREFIX}serviceaccount"

# Where a label comes from; a selector writes it in front of the key, as in `k8s:app`.
SOURCE_K8S = "k8s"
SOURCE_ANY = "any"
SOURCE_RESERVED = "reserved"
# Of addresses that a CiliumCIDRGroup holds: its labels.
SOURCE_CIDR_GROUP = "cidrgroup"

# What the entity `cluster` holds beside the cluster's pods.
CLUSTER_PARTS = frozenset(
    {"health", "host", "ingress", "init", "kube-apiserver", "remote-node", "unmanaged"}
)
CLUSTERS = frozenset({"cluster", "cluster-mesh"})
ENTITIES = frozenset(
    {"all", "none", *CLUSTERS, *CLUSTER_PARTS, "world", "world-ipv4", "world-ipv6"}
)
# The CustomResourceDefinitions' list lacks the two that Cilium added for one IP family each.
CRD_ENTITIES = ENTITIES - {"world-ipv4", "world-ipv6"}
# Entities that hold every pod of this cluster, and are not about other clusters.
POD_ENTITIES = frozenset({"all", "cluster"})

TRANSPORT_PROTOCOLS = ("TCP", "UDP", "SCTP")
ANY_PROTOCOL = "ANY"
# These have types where others have ports.
ICMP, ICMP_V6 = "ICMP", "ICMPv6"
# These carry no ports: Cilium refuses them any but 0.
PORTLESS_PROTOCOLS = frozenset({"VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"})
LAST_PORT = 65535
# `maxItems` of a rule's ports, and of its types of ICMP.
MAX_PORTS = 40
MAX_DNS_CHARACTERS = 255
# On IPv6 Istio's ambient mode gives the kubelet's probes an address of this range of its own, as it
# gives them 169.254.7.127 on IPv4.
AMBIENT_PROBES_IPV6 = "fd16:9254:7127:1337:ffff::/80"

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# With a leading zero Cilium would read an octal number.
_PORT_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")
# An IANA service name: letters, digits, single hyphens inside, at least one letter, at most 15.
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=[0-9-]*[a-zA-Z])[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")
_DNS_NAME = re.compile(r"[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\.?")
_DNS_PATTERN = re.compile(r"[-a-zA-Z0-9_*]+(\.[-a-zA-Z0-9_*]+)*\.?")
_SOURCE = re.compile(r"[A-Za-z0-9]+")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
# Its package clustermesh/types.
_CLUSTER_NAME = re.compile(r"(?=.{1,32}\Z)([a-z0-9][-a-z0-9]*)?[a-z0-9]")
_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")


def is_port_number(text: str) -> bool:
    """A number of at most five digits; it may still be above `LAST_PORT`."""
    return _PORT_NUMBER.fullmatch(text) is not None


def is_port_name(text: str) -> bool:
    """The name of a port, as a container declares it."""
    return _PORT_NAME.fullmatch(text) is not None


def is_dns_name(text: str) -> bool:
    """A DNS name, as `matchName` takes it."""
    return len(text) <= MAX_DNS_CHARACTERS and _DNS_NAME.fullmatch(text) is not None


def is_dns_pattern(text: str) -> bool:
    """A pattern of DNS names, as `matchPattern` takes it; `*` stands for anything but a dot."""
    return len(text) <= MAX_DNS_CHARACTERS and _DNS_PATTERN.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """A DNS subdomain (RFC 1123): the name of most Kubernetes objects, a label key's prefix."""
    return _SUBDOMAIN.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """The value of a Kubernetes label; empty is one."""
    return not text or _LABEL_NAME.fullmatch(text) is not None


@lru_cache(maxsize=1024)  # the same few keys, over and over
def is_label_key(text: str) -> bool:
    """The key of a Kubernetes label, `[prefix/]name`, without a source."""
    prefix, slash, name = text.rpartition("/")
    return _LABEL_NAME.fullmatch(name) is not None and (not slash or is_subdomain(prefix))


def is_cluster_name(text: str) -> bool:
    """The name of a cluster, as the agents' option `cluster-name` takes it."""
    return _CLUSTER_NAME.fullmatch(text) is not None


def is_source(text: str) -> bool:
    """A source of labels by its form; which there are, Cilium leaves open."""
    return _SOURCE.fullmatch(text) is not None


def parse_cidr(text: str) -> IpNetwork | None:
    """The network that an address with a prefix length names; None: it is no such thing.

    A single address needs its prefix length too.
    """
    address, slash, length = text.partition("/")
    # Python also takes netmasks and zones, which Cilium does not.
    if not slash or not _PREFIX_LENGTH.fullmatch(length) or "%" in address:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
