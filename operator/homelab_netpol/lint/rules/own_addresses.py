"""The cluster's own addresses, which policies are not asked about. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from homelab_netpol.cilium.networks import contains
from homelab_netpol.cilium.terms import IpNetwork
from homelab_netpol.lint.examples import network_policy
from homelab_netpol.lint.given import API_SERVER, Given
from homelab_netpol.lint.peers import networks_of
from homelab_netpol.lint.rule import Hit, Rule, Severity

# A /24 for each node out of a /16, as k3s, kubeadm and Talos have it.
_BITS_OF_NODES = 8


def _own_address(given: Given) -> Iterator[Hit]:
    if not (given.addresses or given.pod_networks):
        return
    for policy in given.by_hand:
        for rule in policy.rules:
            for path, text, _ in networks_of(rule):
                owner = _owner(text, given)
                if owner:
                    yield Hit(
                        policy.manifest,
                        path,
                        f"{text} is {owner}, which Cilium knows by identity: addresses are asked"
                        f" only for peers outside the cluster.{_instead(owner)}",
                    )


def _owner(text: str, given: Given) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return ""
    if network.num_addresses == 1 and str(network.network_address) in given.addresses:
        return given.addresses[str(network.network_address)]
    for pods, node in given.pod_networks:
        if contains(pods, network):
            return f"in the network of the pods of node {node}"
    return "the network of all pods" if _is_of_all_pods(network, given) else ""


def _is_of_all_pods(network: IpNetwork, given: Given) -> bool:
    """It is no larger than what nodes' networks are cut from, and has all of them in it.

    A larger one, such as 10.0.0.0/8, is meant for what else is in it.
    """
    pods = [each for each, _ in given.pod_networks if each.version == network.version]
    return (
        bool(pods)
        and all(contains(network, each) for each in pods)
        and min(each.prefixlen for each in pods) - network.prefixlen <= _BITS_OF_NODES
    )


def _instead(owner: str) -> str:
    if owner.startswith(API_SERVER):
        return " Write the entity kube-apiserver."
    if owner.startswith("the node"):
        return " Write the entities host and remote-node."
    return " Select the pods by their labels."


_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: postgres, namespace: database}
spec:
  clusterIP: 10.96.7.5
  selector: {app: postgres}
  ports: [{port: 5432}]
---
"""

OWN_ADDRESS = Rule(
    id="NP306",
    name="address-of-the-cluster",
    severity=Severity.ERROR,
    summary="An address, or a network, of the cluster's own: a node, the API server, a Service,"
    " pods.",
    why="Cilium judges pods, nodes and the API server by their identities, and translates the"
    " address of a Service to a pod's before it asks any policy. A rule on such an address lets"
    " nothing through; only with Cilium's option `policy-cidr-match-mode: nodes` are nodes"
    " matched by address too, and then nothing is said of theirs.",
    fix="Write the entity (`kube-apiserver`, `host`, `remote-node`), or select the pods.",
    wrong=_SERVICE
    + network_policy(
        "photos-to-database",
        """\
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 10.96.7.5/32}}]
      ports: [{port: 5432, protocol: TCP}]
""",
    ),
    right=_SERVICE
    + network_policy(
        "photos-to-database",
        """\
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: database}}
          podSelector: {matchLabels: {app: postgres}}
      ports: [{port: 5432, protocol: TCP}]
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
      ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
""",
    ),
    check=_own_address,
    needs="Services, nodes, pods with their addresses",
)

RULES = (OWN_ADDRESS,)
