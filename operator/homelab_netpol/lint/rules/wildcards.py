"""What Cilium takes for every peer, or every type of ICMP, and does not look like it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.peers import EVERYWHERE
from homelab_netpol.lint.policies import EGRESS, PolicyView, RuleView, items, mapping
from homelab_netpol.lint.rule import Hit, Rule, Severity
from homelab_netpol.manifests import Manifest, kinds

# The type that is 0, by its name; of ICMPv6 none has a name.
_ECHO_REPLY = "EchoReply"


def _rules(given: Given) -> Iterator[tuple[PolicyView, RuleView]]:
    for policy in given.by_hand:
        for rule in policy.rules if policy.cilium else ():
            yield policy, rule


def _services(given: Given) -> Iterator[Hit]:
    for policy, rule in _rules(given):
        chosen = rule.peers("Services")
        if rule.direction != EGRESS or not chosen:
            continue
        path = (*rule.path, "toServices")
        if rule.deny:
            message = (
                "no Service is looked for in a deny rule: these ports are denied to every peer"
                if rule.has_ports
                else "no Service is looked for in a deny rule: it denies nothing"
            )
            yield Hit(policy.manifest, path, message)
        elif rule.has_ports and not any(_is_there(each, given) for each in chosen):
            yield Hit(
                policy.manifest,
                path,
                "while Cilium finds no such Service, or no endpoint of it, these ports are open to"
                " every peer",
            )


def _is_there(chosen: Any, given: Given) -> bool:
    """A Service that is meant is given, and selects pods."""
    named = mapping(mapping(chosen).get("k8sService"))
    namespace, name = named.get("namespace"), named.get("serviceName")
    return isinstance(namespace, str) and any(
        each.name == name and mapping(mapping(each.data.get("spec")).get("selector"))
        for each in given.services(namespace)
    )


SERVICES = Rule(
    id="NP116",
    name="services-with-ports",
    severity=Severity.WARNING,
    summary="`toServices` with ports, or in a deny rule.",
    why="Cilium puts what is behind the Services in their place. Where it finds nothing (a Service"
    " that is deleted, renamed or not there yet), a rule with ports is left that names no peer,"
    " and such a rule is for every peer: pods, nodes, the internet. In deny rules no Service is"
    " looked for at all. Nothing is reported when a Service that is meant is given, with a"
    " selector.",
    fix="Select the pods behind the Service by their labels; for what is outside the cluster,"
    " write its network or name.",
    wrong=cilium_policy(
        "photos-to-nas",
        """\
  endpointSelector: {}
  egress:
    - toServices: [{k8sService: {serviceName: nas, namespace: storage}}]
      toPorts: [{ports: [{port: "2049", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: ANY}]}]
""",
    ),
    right=cilium_policy(
        "photos-to-nas",
        """\
  endpointSelector: {}
  egress:
    - toCIDR: [192.168.1.10/32]
      toPorts: [{ports: [{port: "2049", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: ANY}]}]
""",
    ),
    check=_services,
)


def _group_selector(given: Given) -> Iterator[Hit]:
    for policy, rule in _rules(given):
        for index, entry in enumerate(rule.peers("CIDRSet")):
            selector = mapping(entry).get("cidrGroupSelector")
            if isinstance(selector, Mapping) and not any(selector.values()):
                done = "denied" if rule.deny else "allowed"
                yield Hit(
                    policy.manifest,
                    (*rule.path, f"{rule.way}CIDRSet", index, "cidrGroupSelector"),
                    "without a label it is every peer, not every CIDR group: pods and nodes are"
                    f" {done} as well",
                )


GROUP_SELECTOR = Rule(
    id="NP117",
    name="every-cidr-group",
    severity=Severity.ERROR,
    summary="`cidrGroupSelector: {}` in a policy of Cilium's.",
    why="Cilium makes a selector of labels of it, and one without any label selects every peer:"
    " also pods, nodes and addresses that are in no CiliumCIDRGroup.",
    fix="Ask for a label that the groups have, or name them one by one with `cidrGroupRef`.",
    wrong=cilium_policy(
        "photos-from-lan",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDRSet: [{cidrGroupSelector: {}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-from-lan",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {net: lan}}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_group_selector,
)


def _group_of_everything(given: Given) -> Iterator[Hit]:
    for group in (*given.manifests.of(kinds.CIDR_GROUP), *_others(given)):
        for index, cidr in enumerate(items(mapping(group.data.get("spec")).get("externalCIDRs"))):
            if isinstance(cidr, str) and cidr in EVERYWHERE:
                yield Hit(
                    group,
                    ("spec", "externalCIDRs", index),
                    f"{cidr} in a group is not the internet to Cilium: a policy that names the"
                    " group has its other networks only",
                )


def _others(given: Given) -> Iterator[Manifest]:
    return (each for each in given.manifests.others if each.kind == kinds.CIDR_GROUP)


GROUP_OF_EVERYTHING = Rule(
    id="NP118",
    name="cidr-group-of-everything",
    severity=Severity.WARNING,
    summary="0.0.0.0/0 or ::/0 in a CiliumCIDRGroup.",
    why="A group selects addresses by the labels of its networks, and the identity `world`, which"
    " all addresses have that no policy names, has no label of the network of all addresses"
    " (Cilium's issue 39688). A rule that is to allow the internet does not allow it, one that is"
    " to deny it does not deny it.",
    fix="Write the entity `world` in the policy; or in the group the two halves, 0.0.0.0/1 and"
    " 128.0.0.0/1.",
    wrong="""\
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: outside}
spec:
  externalCIDRs: [0.0.0.0/0]
""",
    right=cilium_policy(
        "photos-from-outside",
        """\
  endpointSelector: {}
  ingress:
    - fromEntities: [world]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
""",
    ),
    check=_group_of_everything,
)


def _icmp_zero(given: Given) -> Iterator[Hit]:
    for policy, rule in _rules(given):
        for number, entry in enumerate(items(rule.body.get("icmps"))):
            for index, field in enumerate(items(mapping(entry).get("fields"))):
                family = mapping(field).get("family") or "IPv4"
                kind = mapping(field).get("type")
                is_zero = kind in (0, "0") and not isinstance(kind, bool)
                if is_zero or (kind == _ECHO_REPLY and family == "IPv4"):
                    yield Hit(
                        policy.manifest,
                        (*rule.path, "icmps", number, "fields", index, "type"),
                        f"is 0, which Cilium takes for every type of {family}'s ICMP",
                    )


ICMP_ZERO = Rule(
    id="NP119",
    name="icmp-type-0",
    severity=Severity.WARNING,
    summary="ICMP type 0 (`EchoReply`), which is every type.",
    why="Cilium keeps the type where other protocols have their port, and port 0 is every port. A"
    " rule that is to let answers to a ping through allows all of ICMP, a deny rule denies all.",
    fix="Take it out: an answer belongs to the connection of its request, and is let through with"
    " it. Allow `EchoRequest` in the direction in which pings are sent.",
    wrong=cilium_policy(
        "photos-ping",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      icmps: [{fields: [{type: EchoReply, family: IPv4}]}]
""",
    ),
    right=cilium_policy(
        "photos-ping",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      icmps: [{fields: [{type: EchoRequest, family: IPv4}]}]
""",
    ),
    check=_icmp_zero,
)

RULES = (SERVICES, GROUP_SELECTOR, GROUP_OF_EVERYTHING, ICMP_ZERO)
