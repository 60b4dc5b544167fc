"""The owner's own policies for a case: each needed flow is a rule at both of its ends.

As most owners do it, a policy a pod; DNS is allowed to every pod of the cluster by one clusterwide
policy, by way of the proxy that names need, and platform namespaces have none of their own.
"""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Flow

Json = dict[str, Any]

_NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def owners_policies(case: Case) -> list[Json]:
    """All policies of the cluster's owner."""
    return [_dns(case), *(_policy(case, pod) for pod in case.pods if not _is_platform(case, pod))]


def _is_platform(case: Case, pod: str) -> bool:
    return pod.partition("/")[0] in case.surroundings["platform"]


def _dns(case: Case) -> Json:
    ports = [{"port": "53", "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "allow-dns"},
        "spec": {
            "endpointSelector": {
                "matchExpressions": [{"key": "reserved:none", "operator": "DoesNotExist"}]
            },
            "enableDefaultDeny": {"ingress": False, "egress": False},
            "egress": [
                {
                    "toEndpoints": [_pod(case, case.surroundings["dns"])],
                    "toPorts": [{"ports": ports, "rules": {"dns": [{"matchPattern": "*"}]}}],
                }
            ],
        },
    }


def _policy(case: Case, pod: str) -> Json:
    namespace, name = pod.split("/")
    ingress = [_rule(case, flow, "from", flow.source) for flow in case.needed if flow.target == pod]
    egress = [_rule(case, flow, "to", flow.target) for flow in case.needed if flow.source == pod]
    return {
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "endpointSelector": {"matchLabels": dict(case.pods[pod])},
            "ingress": ingress or [{}],
            "egress": egress or [{}],
        },
    }


def _rule(case: Case, flow: Flow, way: str, peer: str) -> Json:
    number, protocol = flow.port.split("/")
    ports = [{"ports": [{"port": number, "protocol": protocol}]}]
    return {**_peer(case, way, peer), "toPorts": ports}


def _peer(case: Case, way: str, peer: str) -> Json:
    if peer in case.pods:
        return {f"{way}Endpoints": [_pod(case, peer)]}
    if peer in case.surroundings["entities"]:
        return {f"{way}Entities": [peer]}
    if peer in case.surroundings["addresses"]:
        return {f"{way}CIDR": [f"{case.surroundings['addresses'][peer]}/32"]}
    return {"toFQDNs": [{"matchName": peer}]}


def _pod(case: Case, pod: str) -> Json:
    return {"matchLabels": {_NAMESPACE: pod.partition("/")[0], **case.pods[pod]}}
