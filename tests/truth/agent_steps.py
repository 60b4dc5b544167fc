"""What Cilium's agents do before their policy engine sees anything, as its sources say (1.20).

They put Services into the policies that name them (`resolveToServices`, package policy/k8s), and
the labels of CIDR groups on addresses (`cidrsAndLabelsForCIDRGroup`, the same package). Nothing
here knows how the operator reads policies.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from homelab_netpol.cilium.networks import contains

Json = dict[str, Any]

_NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def resolved(policy: Json, services: Iterable[Json]) -> Json:
    """A policy with the pods or the addresses behind its Services; those that are none stay.

    An agent may have both in one rule; in a manifest they take two.
    """
    known = list(services)
    made = copy.deepcopy(policy)
    for spec in [made.get("spec"), *(made.get("specs") or ())]:
        if isinstance(spec, dict) and isinstance(spec.get("egress"), list):
            spec["egress"] = [new for rule in spec["egress"] for new in _rules(rule, known)]
    return made


def group_labels(address: str, groups: Iterable[Json]) -> list[str]:
    """The labels of an address by the CIDR groups that hold it."""
    network = ip_network(address)
    found: list[str] = []
    for group in groups:
        held = map(ip_network, group["spec"]["externalCIDRs"])
        if any(contains(each, network) for each in held):
            name = group["metadata"]["name"]
            found.append(f"cidrgroup:io.cilium.policy.cidrgroupname/{name}=")
            for key, value in group["metadata"].get("labels", {}).items():
                found += [f"cidrgroup:{key}={value}", f"cidrgroup:{key}+{value}="]
    return found


def _rules(rule: Json, services: list[Json]) -> Iterator[Json]:
    if not isinstance(rule, dict) or not rule.get("toServices"):
        yield rule
        return
    chosen = [each for one in rule["toServices"] for each in services if _is_chosen(one, each)]
    pods = [_pods(each) for each in chosen if each["selector"]]
    addresses = [at for each in chosen if not each["selector"] for at in each["backends"]]
    rest = {key: value for key, value in rule.items() if key != "toServices"}
    if pods:
        yield {**rest, "toEndpoints": pods}
    if addresses:
        yield {**rest, "toCIDRSet": [{"cidr": f"{at}/32"} for at in addresses]}
    if not pods and not addresses:
        yield rule


def _is_chosen(one: Json, service: Json) -> bool:
    if "k8sServiceSelector" in one:
        chosen = one["k8sServiceSelector"]
        labels = chosen["selector"].get("matchLabels", {})
        expressions = chosen["selector"].get("matchExpressions", [])
        return (
            chosen.get("namespace", "") in ("", service["namespace"])
            and all(service["labels"].get(_key(key)) == value for key, value in labels.items())
            and all(_holds(each, service["labels"]) for each in expressions)
        )
    named = one["k8sService"]
    return (
        named.get("namespace", "") in ("", service["namespace"])
        and named["serviceName"] == service["name"]
    )


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    value = labels.get(_key(expression["key"]))
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _key(text: str) -> str:
    return text.rpartition(":")[2]


def _pods(service: Json) -> Json:
    own = {f"k8s:{key}": value for key, value in service["selector"].items()}
    return {"matchLabels": {**own, _NAMESPACE: service["namespace"]}}
