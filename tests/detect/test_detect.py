"""Settings by what stands in a cluster: the example that its owner would copy, or a question."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from homelab_netpol.settings import Settings, parse_settings
from tests.detect.dumps import EXAMPLES, cluster, detected, dump

DEFAULTS = Settings()


def plain(settings: Settings) -> dict[str, Any]:
    """Settings as JSON has them; the order of a list means nothing."""
    data: dict[str, Any] = json.loads(settings.model_dump_json(by_alias=True))
    return {key: in_any_order(value) for key, value in data.items()}


def in_any_order(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((in_any_order(each) for each in value), key=json.dumps)
    if isinstance(value, dict):
        return {key: in_any_order(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_a_cluster_of_each_kind_leads_to_the_example_for_it(name: str) -> None:
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    example = plain(parse_settings(text))
    _, settings, _ = detected(dump("base", name))
    found = plain(settings)
    for section, said in yaml.safe_load(text).items():
        for key in said if isinstance(said, dict) else ():
            assert found[section][key] == example[section][key], (section, key)
        if isinstance(said, list):
            assert found[section] == example[section], section


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_beside_it_stand_only_the_platforms_namespaces(name: str) -> None:
    said = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    found, _, _ = detected(dump("base", name))
    assert found.data.keys() - said.keys() <= {"platformNamespaces"}


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("ingress-nginx", "ingress-nginx"),
        ("traefik", "traefik"),
        ("istio-ambient-waypoints", "istio-waypoints"),
    ],
)
def test_the_namespace_of_a_gateway_is_the_platforms(name: str, namespace: str) -> None:
    _, settings, _ = detected(dump("base", name))
    assert set(settings.platform_namespaces) == {*DEFAULTS.platform_namespaces, namespace}


def test_what_the_defaults_say_is_not_written_and_said_to_be_so() -> None:
    found, settings, text = detected(dump("base", "istio-ambient-waypoints"))
    assert settings.gateways == DEFAULTS.gateways
    assert "gateways" not in found.data
    assert "# - dns.servers: Deployment kube-system/coredns behind the Service" in text


def test_stores_that_many_share_are_shared_resources() -> None:
    found, settings, _ = detected(dump("base", "homelab"))
    assert found.data["sharedResources"] == {
        "postgres": {
            "namespace": "databases",
            "podLabels": {"cnpg.io/podRole": "instance"},
            "ports": [{"port": 5432}],
        },
        "databases": {
            "namespace": "databases",
            "podLabels": {"cnpg.io/podRole": "instance"},
            "valueLabel": "cnpg.io/cluster",
            "ports": [{"port": 5432}],
        },
        "dragonfly": {
            "namespace": "databases",
            "podLabels": {"app.kubernetes.io/name": "dragonfly"},
            "ports": [{"port": 6379}],
        },
        "minio": {"namespace": "minio", "ports": [{"port": 9000}]},
        "kube-api": {"entities": ["kube-apiserver"], "ports": [{"port": 443}, {"port": 16443}]},
    }
    assert {"databases", "minio", "files", "velero", "openshift-dns"} <= set(
        settings.platform_namespaces
    )
    # One with a profile is an app's, whatever its name.
    assert "kyverno" not in settings.platform_namespaces


def test_dns_keeps_the_pods_port_as_well_and_a_cluster_among_others_has_its_name() -> None:
    _, settings, _ = detected(dump("homelab"))
    assert [(port.port, port.protocol) for port in settings.dns.ports] == [
        (5353, "TCP"),
        (5353, "UDP"),
        (53, "UDP"),
        (53, "TCP"),
    ]
    assert [str(peer) for peer in settings.dns.servers] == [
        "openshift-dns dns.operator.openshift.io/daemonset-dns=default"
    ]
    assert (settings.cilium.namespace, settings.cluster.name) == ("cilium", "home")


def test_an_unusual_cluster_is_asked_about_and_not_guessed_at() -> None:
    found, settings, text = detected(dump("unusual"))
    asked = "\n".join(found.checks)
    for about in (
        "Gateway web/front is of the class odd (example.org/odd-gateway)",
        "does Traefik serve the home network?",
        "does HAProxy serve the home network?",
        "Deployment tunnel/cloudflared is a tunnel's client",
        "no pods were found that answer DNS queries",
        "does Gatus (Deployment status/gatus) read metrics",
        "Istio's sidecars run in shop",
        "only operators and controllers run in toys (Deployment toys/toy-operator)",
        "no node is one of a control plane",
        "the API server calls pods in blog (MutatingWebhookConfiguration blog-defaults)",
        "ConfigMap kube-system/cilium-config was not found",
        "The namespace `default` may have apps as well",
        "is all of 100.64.7.0/24 the home's own network?",
    ):
        assert about in asked, about
    assert text.count("# Check: ") == len(found.checks)
    # Not known to be internal: only the profile that is open to the internet lets them in.
    assert settings.gateways.internal == ()
    assert {peer.namespace for peer in settings.gateways.external} == {"default", "edgeless"}
    # What is an app's own is no shared resource, and where apps may be is not the platform's.
    assert settings.shared_resources == DEFAULTS.shared_resources
    assert not {"blog", "default", "toys", "web"} & set(settings.platform_namespaces)
    assert settings.lan.cidrs == (*DEFAULTS.lan.cidrs, "100.64.7.0/24")


def test_an_empty_cluster_and_one_that_was_read_in_part_say_so() -> None:
    manifests = cluster()
    manifests.gaps.append("nodes may not be listed: 403 Forbidden")
    found, settings, text = detected(manifests)
    assert settings == DEFAULTS
    assert "# INCOMPLETE: nodes may not be listed: 403 Forbidden.\n" in text
    assert found.gaps


@pytest.mark.parametrize(
    "spec",
    [
        "{selector: 7, ports: [{port: x}, 7, {port: 53, targetPort: [1]}]}",
        "{selector: {a: 1}, ports: {port: 1}, clusterIP: [], externalIPs: [nonsense, 7]}",
    ],
)
def test_objects_of_odd_shape_count_as_not_there(spec: str) -> None:
    odd = [
        f"apiVersion: {version}\nkind: {kind}\n"
        "metadata: {name: kube-dns, namespace: kube-system}\n"
        f"spec: {spec}\nstatus: {spec}\nwebhooks: {spec}\nports: {spec}\ndata: {spec}\n"
        for version, kind in (
            ("v1", "Service"),
            ("v1", "Node"),
            ("v1", "ConfigMap"),
            ("gateway.networking.k8s.io/v1", "Gateway"),
            ("gateway.networking.k8s.io/v1", "GatewayClass"),
            ("networking.k8s.io/v1", "Ingress"),
            ("networking.k8s.io/v1", "IngressClass"),
            ("discovery.k8s.io/v1", "EndpointSlice"),
            ("cilium.io/v2", "CiliumLocalRedirectPolicy"),
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("apiregistration.k8s.io/v1", "APIService"),
        )
    ]
    _, settings, _ = detected(cluster(*odd))
    assert settings.gateways == DEFAULTS.gateways


def test_pods_of_gateways_tell_what_gateways_there_are_where_these_are_not_given() -> None:
    istio = "gateway.networking.k8s.io/gateway-name: {0}, gateway.istio.io/managed: {1}"
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, namespace: {1}, labels: {{{2}}}}}\n"
        "spec: {{serviceAccountName: {0}-istio, containers: []}}\n"
    )
    owned = "gateway.envoyproxy.io/owning-gateway-name: guests"
    _, settings, _ = detected(
        cluster(
            pod.format(
                "internal", "istio-gateway", istio.format("internal", "istio.io-gateway-controller")
            ),
            pod.format("waypoint", "shop", istio.format("waypoint", "istio.io-mesh-controller")),
            pod.format("public", "edge", owned.replace("guests", "public")),
        )
    )
    assert settings.gateways.internal == DEFAULTS.gateways.internal
    assert [str(peer) for peer in settings.gateways.external] == [
        "edge gateway.envoyproxy.io/owning-gateway-name=public"
    ]
