"""Selectors that leave out who has a reserved label, against Cilium's engine."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from homelab_netpol.cilium.evaluation import (
    Endpoint,
    Entity,
    Network,
    Outcome,
    Pod,
    ingress_verdict,
    read_policies,
)
from lab.control_plane import Engine, Flow, Identity

RESERVED = ("reserved:none", "reserved:health", "reserved:host", "reserved:world")
NEGATIVE = [
    *([lacking] for lacking in RESERVED),
    *([lacking, {"key": "app", "operator": "NotIn", "values": ["job"]}] for lacking in RESERVED),
]
ENDS: dict[str, Endpoint] = {
    "web": Pod("shop", {}, {"app": "web"}),
    "job": Pod("night", {}, {"app": "job"}),
    **{name: Entity(name) for name in ("host", "health", "remote-node", "ingress", "world")},
    "203.0.113.7/32": Network(ip_network("203.0.113.7/32")),
}


@pytest.mark.parametrize("negative", NEGATIVE, ids=str)
@pytest.mark.parametrize("namespace", ["", "shop"])
@pytest.mark.parametrize("section", ["ingress", "ingressDeny"])
def test_who_has_not_the_reserved_label_is_a_peer_for_certain(
    engine: Engine, negative: list[Any], namespace: str, section: str
) -> None:
    """Who has it, or another label that is excluded, is in doubt: Cilium's versions differ."""
    expressions = [
        {"key": one, "operator": "DoesNotExist"} if isinstance(one, str) else one
        for one in negative
    ]
    peers = [{"fromEndpoints": [{"matchExpressions": expressions}]}]
    spec = {"endpointSelector": {"matchLabels": {"app": "target"}}, section: peers}
    spec |= {"enableDefaultDeny": {"ingress": section == "ingress"}}
    manifest = {"metadata": {"name": "not"}, "spec": spec}
    manifest["kind"] = "CiliumClusterwideNetworkPolicy"
    if namespace:
        manifest |= {"kind": "CiliumNetworkPolicy"}
        manifest["metadata"] = {"name": "not", "namespace": namespace}
    identities = {"target": Identity.pod("shop", {"app": "target"})}
    for name, end in ENDS.items():
        if isinstance(end, Pod):
            identities[name] = Identity.pod(end.namespace, end.labels)
        else:
            of_entity = isinstance(end, Entity)
            identities[name] = Identity.entity(name) if of_entity else Identity.address(name)
    engine.identities(identities)
    assert engine.policies([manifest]) == []
    verdicts = engine.verdicts(Flow(name, "target", 80) for name in ENDS)
    said = dict(zip(ENDS, (verdict.ingress for verdict in verdicts), strict=True))
    target, policies = Pod("shop", {}, {"app": "target"}), read_policies([manifest])
    met = "allowed" if section == "ingress" else "denied"
    for name, end in ENDS.items():
        answer = ingress_verdict(policies, target, end, 80)
        has_it = f"reserved:{name}" in negative
        excluded = name == "job" and len(negative) == 2
        if has_it or excluded or (name, section) == ("host", "ingress"):
            assert answer.outcome.value in (said[name], "unknown"), name
        elif name == "203.0.113.7/32" and negative[0] == "reserved:world":
            assert answer.outcome is Outcome.UNKNOWN  # of which family's world it is a part
        else:
            assert answer.outcome.value == said[name] == met, name


@pytest.mark.parametrize("key", ["reserved.none", "reserved:none", "reserved:health"])
def test_every_pod_is_a_subject_that_lacks_a_reserved_label(engine: Engine, key: str) -> None:
    selector = {"matchExpressions": [{"key": key, "operator": "DoesNotExist"}]}
    spec = {"endpointSelector": selector, "ingress": [{"fromEntities": ["health"]}]}
    manifest = {
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "every-pod"},
        "spec": spec,
    }
    engine.identities({"web": Identity.pod("shop", {"app": "web"}), "job": Identity.pod("night")})
    assert engine.policies([manifest]) == []
    [verdict] = engine.verdicts([Flow("job", "web", 80)])
    web, job = Pod("shop", {}, {"app": "web"}), Pod("night", {}, {})
    answer = ingress_verdict(read_policies([manifest]), web, job, 80)
    assert answer.outcome.value == verdict.ingress == "denied"
