"""What needs the other rights: on Namespaces, custom resources, the Lease, Events, and so on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from homelab_netpol.package_data import own_crds
from tests.cluster.admission_component import CONFIG_MAPS, VOCABULARY
from tests.cluster.audited import HOME
from tests.cluster.gateway_api import create
from tests.cluster.kube import Manifest, eventually
from tests.cluster.own_crds import PROFILES
from tests.cluster.spaces import ENFORCEMENT, PROFILE, access
from tests.cluster.watched import series
from tests.rights.roles import ELSEWHERE
from tests.rights.stage import Play, Stage
from tests.running_operator import RunningOperator

Prepare = Callable[[Stage], Play]

_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases"
_LEASE = f"{_LEASES}/homelab-netpol"
_CLUSTER_POLICIES = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# So that only a watch can have shown a change.
_NO_LISTS = {"resyncSeconds": 3600, "watchCheckSeconds": 3600}


def _a_profile_is_followed(stage: Stage) -> Play:
    app = stage.spaces({PROFILE: "isolated"})
    return Play(lambda _: app.policy())


def _a_label_is_seen_at_once(stage: Stage) -> Play:
    app = stage.spaces()
    return Play(
        lambda _: app.policy(), act=lambda: app.label({PROFILE: "isolated"}), settings=_NO_LISTS
    )


def _a_custom_profile_is_listed(stage: Stage) -> Play:
    own = stage.definitions.profile()
    app = stage.spaces({PROFILE: own.name})
    return Play(lambda _: app.policy())


def _a_custom_profile_is_seen_at_once(stage: Stage) -> Play:
    name = stage.definitions.fresh_name()
    app = stage.spaces({PROFILE: name})

    def define() -> None:
        stage.definitions.profile(name)

    return Play(lambda _: app.policy(), act=define, settings=_NO_LISTS)


def _a_custom_resource_is_listed(stage: Stage) -> Play:
    own = stage.definitions.resource(namespace="database", ports=[{"port": 1}])
    app = stage.spaces({access(own.name): "true"})
    return Play(lambda _: app.policy(f"homelab-access-{own.name}"))


def _a_custom_resource_is_seen_at_once(stage: Stage) -> Play:
    name = stage.definitions.fresh_name()
    app = stage.spaces({access(name): "true"})

    def define() -> None:
        stage.definitions.resource(name, namespace="database", ports=[{"port": 1}])

    return Play(lambda _: app.policy(f"homelab-access-{name}"), act=define, settings=_NO_LISTS)


def _the_status_of_a_profile_is_kept(stage: Stage) -> Play:
    own = stage.definitions.profile()
    return Play(lambda _: own.manifest().get("status"))


def _the_status_of_a_resource_is_kept(stage: Stage) -> Play:
    own = stage.definitions.resource(namespace="database", ports=[{"port": 1}])
    return Play(lambda _: own.manifest().get("status"))


def _a_grant_that_leads_nowhere_is_told(stage: Stage) -> Play:
    home = stage.spaces()
    own = stage.definitions.resource(
        namespace=home.name, podLabels={"app": "nobody"}, ports=[{"port": 1}]
    )
    app = stage.spaces({access(own.name): "true"})
    return Play(lambda _: app.events("TargetHasNoPods"))


def _a_clusterwide_policy_that_denies_is_told(stage: Stage) -> Play:
    app = stage.spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"})
    name = f"{app.name}-denied"
    everybody: Manifest = {"namespaces": {}}
    own = {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": app.name}}}
    rule = {"action": "Deny", "from": [everybody]}
    spec = {"tier": "Admin", "priority": 1, "subject": own, "ingress": [rule]}
    kind = {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy"}
    stage.kube.create(_CLUSTER_POLICIES, {**kind, "metadata": {"name": name}, "spec": spec})
    stage.afterwards(f"{_CLUSTER_POLICIES}/{name}")
    return Play(lambda _: app.events("HatchDenied"))


def _a_services_port_is_told(stage: Stage) -> Play:
    home = stage.spaces()
    container = {"name": "main", "image": "example.org/main", "ports": [{"containerPort": 8080}]}
    pods = f"/api/v1/namespaces/{home.name}/pods"
    metadata = {"name": "api", "labels": {"app": "api"}}
    stage.kube.create(pods, {"metadata": metadata, "spec": {"containers": [container]}})
    spec = {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 8080}]}
    services = f"/api/v1/namespaces/{home.name}/services"
    stage.kube.create(services, {"metadata": {"name": "api"}, "spec": spec})
    own = stage.definitions.resource(namespace=home.name, ports=[{"port": 80}])
    app = stage.spaces({access(own.name): "true"})
    return Play(lambda _: app.events("ServicePortOpened"))


def _an_own_name_is_told(stage: Stage, kind: str) -> Play:
    """The name stands on an object of one kind only."""
    home, host = stage.spaces(), f"{stage.spaces.fresh_name()}.example.org"
    gateway: dict[str, Any] = {
        "listeners": [{"name": "https", "port": 443}],
        "gatewayClassName": "any",
    }
    if kind == "Gateway":
        gateway["listeners"][0]["hostname"] = host
    create(stage.kube, "Gateway", home.name, "own", **gateway)
    if kind == "Ingress":
        ingresses = f"/apis/networking.k8s.io/v1/namespaces/{home.name}/ingresses"
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
        rules = [{"host": host, "http": paths}]
        stage.kube.create(ingresses, {"metadata": {"name": "own"}, "spec": {"rules": rules}})
    elif kind != "Gateway":
        parents = [{"name": "own"}]
        create(stage.kube, kind, home.name, "own", hostnames=[host], parentRefs=parents)
    own = stage.definitions.resource(fqdns=[{"matchName": host}], ports=[{"port": 443}])
    app = stage.spaces({access(own.name): "true"})
    return Play(lambda _: app.events("TargetIsOwnAddress"))


def _what_happens_is_told(stage: Stage) -> Play:
    """Events are not told again when they were lost, so something else has to happen."""
    app = stage.spaces({PROFILE: "isolated"})
    profiles = ["isolated", "internal"]

    def told(_: RunningOperator) -> list[Manifest]:
        profiles.reverse()
        app.label({PROFILE: profiles[0]})
        app.has_profile(profiles[0])
        return app.events("ProfileApplied")

    return Play(told)


def _what_happens_again_is_counted(stage: Stage) -> Play:
    app = stage.spaces({PROFILE: "isolated"})

    def switch() -> None:
        for profile in ("internal", "isolated", "internal"):
            app.label({PROFILE: profile})
            app.has_profile(profile)

    def counted(_: RunningOperator) -> bool:
        switch()
        return any(event["count"] > 1 for event in app.events("ProfileApplied"))

    return Play(counted, act=switch)


def _a_crd_is_seen_when_it_comes(stage: Stage) -> Play:
    (crd,) = (each for each in own_crds() if each["spec"]["names"]["plural"] == "networkprofiles")
    path = f"{_CRDS}/{crd['metadata']['name']}"
    name = stage.definitions.fresh_name()
    app = stage.spaces({PROFILE: name})
    stage.kube.delete(path)
    eventually(lambda: stage.kube.get(path) is None, "the CRD to be gone")

    def install() -> None:
        stage.kube.create(_CRDS, crd)
        eventually(lambda: stage.kube.call("GET", PROFILES)[0] == 200, "the CRD to be served")
        stage.definitions.profile(name)

    return Play(
        lambda _: app.policy(), act=install, settings=_NO_LISTS, says="{verb}", restart=True
    )


def _somebody_leads(operator: RunningOperator) -> bool:
    return series(operator, "leader") == [1]


def _a_lease_is_made(stage: Stage) -> Play:
    stage.kube.delete(_LEASE)
    return Play(_somebody_leads)


def _a_lease_is_taken(stage: Stage) -> Play:
    stage.kube.delete(_LEASE)
    spec = {"holderIdentity": "", "leaseDurationSeconds": 1}
    stage.kube.create(_LEASES, {"metadata": {"name": "homelab-netpol"}, "spec": spec})
    return Play(_somebody_leads)


def _words(stage: Stage) -> Callable[[RunningOperator], bool]:
    def kept(_: RunningOperator) -> bool:
        found = stage.kube.get(f"{CONFIG_MAPS}/{VOCABULARY}") or {"data": {}}
        return "isolated" in found["data"].get("profiles", "")

    return kept


def _the_words_are_made(stage: Stage) -> Play:
    stage.kube.delete(f"{CONFIG_MAPS}/{VOCABULARY}")
    return Play(_words(stage))


def _the_words_are_put_right(stage: Stage) -> Play:
    stage.kube.delete(f"{CONFIG_MAPS}/{VOCABULARY}")
    body = {"metadata": {"name": VOCABULARY}, "data": {"profiles": "by-hand"}}
    stage.kube.create(CONFIG_MAPS, body)
    return Play(_words(stage))


def _ciliums_configuration_is_read(stage: Stage) -> Play:
    collection = f"/api/v1/namespaces/{ELSEWHERE}/configmaps"
    stage.afterwards(f"{collection}/cilium-config")
    body = {"metadata": {"name": "cilium-config"}, "data": {"policy-audit-mode": "true"}}
    stage.kube.create(collection, body)
    return Play(lambda operator: series(operator, "enforcement_impaired", reason="AuditMode"))


SCENARIOS: dict[tuple[str, str], Prepare] = {
    ("namespaces", "list"): _a_profile_is_followed,
    ("namespaces", "watch"): _a_label_is_seen_at_once,
    ("networkprofiles", "list"): _a_custom_profile_is_listed,
    ("networkprofiles", "watch"): _a_custom_profile_is_seen_at_once,
    ("networkprofiles/status", "patch"): _the_status_of_a_profile_is_kept,
    ("sharedresources", "list"): _a_custom_resource_is_listed,
    ("sharedresources", "watch"): _a_custom_resource_is_seen_at_once,
    ("sharedresources/status", "patch"): _the_status_of_a_resource_is_kept,
    ("pods", "list"): _a_grant_that_leads_nowhere_is_told,
    ("networkpolicies", "list"): _a_grant_that_leads_nowhere_is_told,
    ("clusternetworkpolicies", "list"): _a_clusterwide_policy_that_denies_is_told,
    ("services", "list"): _a_services_port_is_told,
    ("gateways", "list"): partial(_an_own_name_is_told, kind="Gateway"),
    ("httproutes", "list"): partial(_an_own_name_is_told, kind="HTTPRoute"),
    ("grpcroutes", "list"): partial(_an_own_name_is_told, kind="GRPCRoute"),
    ("tlsroutes", "list"): partial(_an_own_name_is_told, kind="TLSRoute"),
    ("ingresses", "list"): partial(_an_own_name_is_told, kind="Ingress"),
    ("events", "create"): _what_happens_is_told,
    ("events", "patch"): _what_happens_again_is_counted,
    ("customresourcedefinitions", "list"): _a_crd_is_seen_when_it_comes,
    ("customresourcedefinitions", "watch"): _a_crd_is_seen_when_it_comes,
    ("leases", "create"): _a_lease_is_made,
    ("leases", "get"): _a_lease_is_taken,
    ("leases", "update"): _a_lease_is_taken,
    ("configmaps", "create"): _the_words_are_made,
    ("configmaps", "get"): _the_words_are_put_right,
    ("configmaps", "patch"): _the_words_are_put_right,
}
# For rights that are given in one other namespace.
SCENARIOS_ELSEWHERE: dict[tuple[str, str], Prepare] = {
    ("configmaps", "get"): _ciliums_configuration_is_read,
}
