"""Nothing that the operator writes cuts its own Pod off from the API server, says Cilium's engine.

The Pod is judged in the namespace of the manifests and in one that no setting names, under every
scope, and with every label on its Namespace that somebody may have put there by mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from homelab_netpol.definitions import Definitions, read_resource
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity
from tests.cluster.audited import HOME
from tests.cluster.own_crds import RESOURCES, manifest
from tests.cluster.service_account import MANIFESTS
from tests.cluster.spaces import ENFORCEMENT, INTRA_NAMESPACE, PROFILE, access

POD = {"app.kubernetes.io/name": "homelab-netpol"}
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
DNS = {"k8s-app": "kube-dns"}
# To everything that the Deployment needs, and from everything that looks at it.
NEEDED = (
    Flow("operator", "kube-apiserver", 443),
    Flow("operator", "kube-apiserver", 6443),
    Flow("operator", "dns", 53, "UDP"),
    Flow("host", "operator", 8080),
    Flow("prometheus", "operator", 8080),
)
MISTAKES: tuple[Mapping[str, str], ...] = (
    {},
    *({PROFILE: name} for name in ("isolated", "internal", "internal-egress", "standard", "?")),
    {PROFILE: "isolated", INTRA_NAMESPACE: "deny"},
    {ENFORCEMENT: "disabled"},
    {access("postgres"): "true"},
    {access("own"): "true", PROFILE: "isolated"},
)
MESHED: tuple[Mapping[str, str], ...] = ({}, {"istio.io/dataplane-mode": "ambient"})
MESHES: tuple[Mapping[str, Any], ...] = (
    {},
    {"authorizationPolicies": True, "mtls": "strict"},
    {"hbone": "cluster"},
)
# As a hand-written cluster-wide default deny, or Cilium's `policyEnforcementMode: always`.
DENY_ALL = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumClusterwideNetworkPolicy",
    "metadata": {"name": "deny-all"},
    "spec": {
        "endpointSelector": {},
        "enableDefaultDeny": {"ingress": True, "egress": True},
        "ingress": [{}],
        "egress": [{}],
    },
}


def own_policy(namespace: str) -> dict[str, Any]:
    """The operator's own policy, as it is installed into a namespace."""
    text = (MANIFESTS / "base" / "networkpolicies.yaml").read_text("utf-8")
    (policy,) = yaml.safe_load_all(text)
    found: dict[str, Any] = policy
    found["metadata"]["namespace"] = namespace
    return found


def denied(
    engine: Engine, objects: Iterable[Mapping[str, Any]], flows: Iterable[Flow]
) -> set[Flow]:
    """What of these flows the operator's Pod may not send, or not receive.

    The other half is the others' own matter: the scope `cluster` denies to them too.
    """
    assert not engine.policies(list(objects))
    asked = list(flows)
    verdicts = engine.verdicts(asked)
    return {
        flow
        for flow, verdict in zip(asked, verdicts, strict=True)
        if (verdict.egress if flow.source == "operator" else verdict.ingress) != "allowed"
    }


def people(engine: Engine, namespace: str, labels: Mapping[str, str]) -> None:
    """The operator's Pod, and whom it deals with."""
    entities = {name: Identity.entity(name) for name in ("kube-apiserver", "host", "world")}
    pods = {
        "operator": Identity.pod(namespace, POD, labels),
        "prometheus": Identity.pod("monitoring", PROMETHEUS),
        "dns": Identity.pod("kube-system", DNS),
    }
    engine.identities({**entities, **pods})


def catalogue_of(namespace: str, scope: str, mesh: Mapping[str, Any]) -> Catalogue:
    """What the operator goes by, if it runs in this namespace."""
    settings = parse_settings(yaml.safe_dump({"defaultDeny": scope, "mesh": dict(mesh)}))
    # A resource beside the operator, which denies to its namespace whatever is no grant.
    spec = {"namespace": namespace, "ports": [{"port": 1}], "target": "exclusive"}
    own = read_resource(manifest(RESOURCES, "own", spec))
    return Catalogue(settings, Definitions({}, {"own": own}), own_namespace=namespace)


def written(
    catalogue: Catalogue, namespace: str, labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What it writes of Cilium's policies, if its namespace has these labels."""
    space = {"metadata": {"name": namespace, "labels": dict(labels)}}
    return desired_state(catalogue, [space], datetime.now(UTC)).cilium_objects


@pytest.mark.parametrize("scope", ["workload", "labelled", "cluster"])
@pytest.mark.parametrize("namespace", [HOME, "policies"])
def test_no_label_and_no_setting_cuts_the_operator_off(
    engine: Engine, namespace: str, scope: str
) -> None:
    catalogues = [(mesh, catalogue_of(namespace, scope, mesh)) for mesh in MESHES]
    for labels, meshed, (mesh, catalogue) in itertools.product(MISTAKES, MESHED, catalogues):
        where = {**labels, **meshed}, mesh
        people(engine, namespace, where[0])
        objects = written(catalogue, namespace, where[0])
        # With the policy of the manifests, everything that the Deployment needs; and even without
        # it, the way to the API server.
        assert not denied(engine, [*objects, own_policy(namespace)], NEEDED), where
        assert not denied(engine, objects, NEEDED[:3]), where


def test_an_operator_that_did_not_know_its_own_namespace_would_be_cut_off(engine: Engine) -> None:
    labels = {PROFILE: "isolated"}
    people(engine, "policies", labels)
    objects = written(Catalogue(parse_settings("")), "policies", labels)
    assert denied(engine, objects, NEEDED[:2]) == set(NEEDED[:2])


def test_the_policy_of_the_manifests_alone_opens_the_way_where_all_is_denied(
    engine: Engine,
) -> None:
    people(engine, HOME, {})
    # Cilium lets the node itself in, whatever policies say.
    assert denied(engine, [DENY_ALL], NEEDED) == {f for f in NEEDED if f.source != "host"}
    assert not denied(engine, [DENY_ALL, own_policy(HOME)], NEEDED)
    elsewhere = {Flow("operator", "world", 443), Flow("operator", "prometheus", 9090)}
    assert denied(engine, [own_policy(HOME)], elsewhere) == elsewhere
