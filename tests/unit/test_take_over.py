"""Whether a policy of somebody else is handed over, whose it seems to be, and what stays on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from homelab_netpol.cleanup.ownership import ManagedPolicy, classify
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.diff import Create
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import LabelKeys, Policy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.policy.take_over import OthersPolicy, bridge, read_others_policy
from homelab_netpol.settings import Settings

TAKE_OVER = "network-policy.homelab/take-over"
WANTED = {policy.key.name: policy for policy in Planner(Catalogue(Settings())).clusterwide({})}
OLD_RULE = {"endpointSelector": {}, "ingress": [{"fromEntities": ["remote-node"]}]}


def theirs(
    name: str = "baseline-dns-egress",
    *,
    namespace: str = "",
    kind: Kind = Kind.CCNP,
    labels: dict[str, str] | None = None,
    manager: str = "kubectl",
    rejected: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> OthersPolicy:
    conditions = [{"type": "Valid", "status": "False", "message": "no"}] if rejected else []
    manifest: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": "u",
            "resourceVersion": "7",
            "labels": labels or {},
            "annotations": dict(annotations or {}),
            "managedFields": [
                {"manager": manager, "fieldsV1": {"f:spec": {}}},
                {"manager": "somebody-else", "fieldsV1": {"f:metadata": {"f:labels": {}}}},
            ],
        },
        "spec": OLD_RULE,
        "status": {"conditions": conditions},
    }
    return read_others_policy(kind, manifest, TAKE_OVER)


def annotated(
    name: str, value: str = "true", annotations: Mapping[str, str] | None = None, **more: Any
) -> OthersPolicy:
    return theirs(name, annotations={TAKE_OVER: value, **(annotations or {})}, **more)


@pytest.mark.parametrize("value", ["True", "yes", "1", "", " true", "false"])
def test_only_true_hands_over_and_another_value_is_named(value: str) -> None:
    other = annotated("baseline-dns-egress", value)
    assert not other.handed_over
    assert f'is "{value}": only "true" counts' in other.complaint


def test_without_the_annotation_nothing_is_handed_over_nor_said_of_it() -> None:
    assert not theirs().handed_over
    assert "only" not in theirs().complaint
    assert annotated("baseline-dns-egress").handed_over


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "words"),
    [
        (Kind.CCNP, "", "baseline-dns-egress", ("this baseline", "annotate ccnp baseline-dns")),
        (Kind.CCNP, "", "escape-hatch-allow-all", ("the escape hatch by the label alone",)),
        (
            Kind.CNP,
            "my-app",
            "homelab-profile",
            ("the profile of namespace my-app", "annotate cnp homelab-profile -n my-app "),
        ),
        (Kind.CNP, "my-app", "homelab-access-postgres", ("the grant on postgres of namespace",)),
        (Kind.CNP, "database", "homelab-grant-postgres", ("the side of postgres",)),
        (Kind.CNP, "istio-gateway", "homelab-gateway-internal", ("the gateway internal",)),
        (Kind.CNP, "my-app", "homelab-escape-hatch", ("the escape hatch of namespace my-app",)),
        (
            Kind.AUTHORIZATION,
            "my-app",
            "homelab-mesh",
            ("inside the mesh's tunnel", "annotate authorizationpolicy homelab-mesh -n my-app "),
        ),
    ],
)
def test_a_complaint_says_what_is_not_in_force_and_what_to_type(
    kind: Kind, namespace: str, name: str, words: tuple[str, ...]
) -> None:
    complaint = theirs(name, namespace=namespace, kind=kind).complaint
    for word in (*words, f"{TAKE_OVER}=true", "docs/take-over.md"):
        assert word in complaint
    assert len(complaint) <= 1024, "what an Event takes"


@pytest.mark.parametrize(
    ("labels", "annotations", "manager", "owner"),
    [
        (
            {
                "kustomize.toolkit.fluxcd.io/name": "policies",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            },
            {},
            "kustomize-controller",
            "Flux's Kustomization flux-system/policies and the field manager kustomize-controller",
        ),
        (
            {},
            {"argocd.argoproj.io/tracking-id": "net:cilium.io/X:default/y"},
            "argocd-controller",
            "Argo CD's Application net and the field manager argocd-controller",
        ),
        (
            {"app.kubernetes.io/instance": "net"},
            {},
            "argocd-controller",
            "Argo CD's Application net and the field manager argocd-controller",
        ),
        ({"app.kubernetes.io/instance": "net"}, {}, "kubectl", "the field manager kubectl"),
        (
            {},
            {
                "meta.helm.sh/release-name": "policies",
                "meta.helm.sh/release-namespace": "infra",
            },
            "helm",
            "the Helm release infra/policies and the field manager helm",
        ),
    ],
)
def test_a_complaint_names_who_seems_to_own_it(
    labels: dict[str, str], annotations: dict[str, str], manager: str, owner: str
) -> None:
    other = theirs(labels=labels, manager=manager, annotations=annotations)
    assert f"seems to belong to {owner}." in other.complaint


def test_what_keeps_a_tool_from_pruning_stays_and_what_it_prunes_by_goes() -> None:
    tracked = {
        "kustomize.toolkit.fluxcd.io/name": "policies",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        "app.kubernetes.io/instance": "net",
        "applyset.kubernetes.io/part-of": "applyset-1",
    }
    other = annotated(
        "baseline-dns-egress",
        labels={**tracked, "team": "infra"},
        annotations={
            "argocd.argoproj.io/tracking-id": "net:x",
            "argocd.argoproj.io/sync-options": "Prune=false",
            "kustomize.toolkit.fluxcd.io/prune": "disabled",
            "helm.sh/resource-policy": "keep",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    )
    assert other.released.labels == {"team": "infra"}
    assert other.released.annotations == {
        "argocd.argoproj.io/sync-options": "Prune=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
        "helm.sh/resource-policy": "keep",
    }
    assert other.released.resource_version == "7", "so that a change meanwhile is a conflict"


def creates(*names: str) -> list[Create]:
    return [Create(WANTED[name]) for name in names]


def others(*policies: OthersPolicy) -> dict[PolicyKey, OthersPolicy]:
    return {policy.key: policy for policy in policies}


def rules(policy: Policy) -> list[Any]:
    return list(policy.body.get("specs") or [policy.body["spec"]])


def test_a_single_replace_needs_no_bridge() -> None:
    assert bridge(creates("baseline-dns-egress"), others(annotated("baseline-dns-egress"))) is None


def test_a_bridge_says_all_that_was_said_and_all_that_will_be() -> None:
    names = ("baseline-dns-egress", "baseline-health-probes", "baseline-hbone-mesh")
    standing = others(annotated(names[0]), annotated(names[1]))
    found = bridge(creates(*names), standing)
    assert found is not None
    assert found.policy == WANTED[names[1]]
    expected = [OLD_RULE, OLD_RULE]
    expected += [rule for name in names for rule in rules(WANTED[name])]
    assert found.meanwhile.body == {"specs": expected}
    assert found.meanwhile.labels == found.policy.labels, "it is ours from the first moment"
    assert found.meanwhile.digest != found.policy.digest


def test_what_is_not_handed_over_is_no_part_of_a_bridge() -> None:
    names = ("baseline-dns-egress", "baseline-health-probes")
    assert bridge(creates(*names), others(annotated(names[0]), theirs(names[1]))) is None


def test_what_cilium_rejects_would_take_the_bridge_with_it() -> None:
    names = ("baseline-dns-egress", "baseline-health-probes")
    found = bridge(creates(*names), others(annotated(names[0], rejected=True), annotated(names[1])))
    assert found is not None
    assert rules(found.meanwhile).count(OLD_RULE) == 1


def test_what_was_taken_over_goes_with_the_operator() -> None:
    """Also in between, while it still says what it said; its owner's labels do not count."""
    names = ("baseline-dns-egress", "baseline-health-probes")
    standing = [annotated(name, labels={"team": "infra"}) for name in names]
    found = bridge(creates(*names), others(*standing))
    assert found is not None
    for policy in (found.meanwhile, found.policy):
        metadata = {
            "name": policy.key.name,
            "uid": "u",
            "resourceVersion": "8",
            "labels": {**found.other.released.labels, **policy.labels},
        }
        manifest = {"metadata": metadata, **policy.body}
        keys = LabelKeys("network-policy.homelab")
        assert isinstance(classify(Kind.CCNP, manifest, keys), ManagedPolicy)
