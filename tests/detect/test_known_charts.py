"""Labels and images as upstream charts and operators have them, and what they are taken for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.detect.dumps import cluster, detected

_NAME = "app.kubernetes.io/name"
_PART = "app.kubernetes.io/component"
_INSTANCE = "app.kubernetes.io/instance"


def deployment(namespace: str, labels: dict[str, str], image: str, *ports: int, **spec: Any) -> str:
    containers = [{"name": "c", "image": image, "ports": [{"containerPort": p} for p in ports]}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "it", "namespace": namespace},
            "spec": {"template": template},
        }
    )


@pytest.mark.parametrize(
    ("labels", "image", "resource", "port"),
    [
        (
            {_NAME: "postgresql", _INSTANCE: "pg"},
            "docker.io/bitnami/postgresql:17",
            "postgres",
            5432,
        ),
        (
            {"application": "spilo", "spilo-role": "master"},
            "ghcr.io/zalando/spilo-17",
            "postgres",
            5432,
        ),
        ({"cnpg.io/cluster": "a", "cnpg.io/podRole": "pooler"}, "x/pgbouncer", "postgres", 5432),
        ({"app": "db"}, "pgvector/pgvector:pg17", "postgres", 5432),
        ({_NAME: "redis"}, "docker.io/bitnami/redis:8", "redis", 6379),
        ({_NAME: "valkey"}, "docker.io/valkey/valkey:9", "valkey", 6379),
        ({"app": "rook-ceph-rgw", "rgw": "store"}, "quay.io/ceph/ceph:v19", "ceph-s3", 8080),
        ({"v1.min.io/tenant": "t"}, "quay.io/minio/minio:RELEASE.2026", "minio", 9000),
        ({_NAME: "mariadb"}, "docker.io/library/mariadb:12", "mariadb", 3306),
        ({"app": "broker"}, "eclipse-mosquitto:2", "mqtt", 1883),
    ],
)
def test_a_store_in_a_shared_namespace_is_a_shared_resource(
    labels: dict[str, str], image: str, resource: str, port: int
) -> None:
    _, settings, _ = detected(cluster(deployment("databases", labels, image, port)))
    found = settings.shared_resources[resource]
    assert (found.namespace, [each.port for each in found.ports]) == ("databases", [port])


def test_clusters_of_postgres_in_two_namespaces_have_resources_of_their_own() -> None:
    given = [
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{name}-1",
                    "namespace": namespace,
                    "labels": {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance"},
                },
                "spec": {"containers": []},
            }
        )
        for namespace in ("database", "databases")
        for name in ("one", "two")
    ]
    _, settings, _ = detected(cluster(*given))
    by_value = {
        name: (each.namespace, each.value_label)
        for name, each in settings.shared_resources.items()
        if each.value_label
    }
    assert by_value == {
        "databases": ("database", "cnpg.io/cluster"),
        "databases-databases": ("databases", "cnpg.io/cluster"),
    }


@pytest.mark.parametrize(
    ("labels", "image"),
    [
        ({_NAME: "prometheus-postgres-exporter"}, "quay.io/prometheuscommunity/postgres-exporter"),
        ({_NAME: "cloudnative-pg"}, "ghcr.io/cloudnative-pg/cloudnative-pg:1.28.0"),
        ({_NAME: "dragonfly-operator"}, "ghcr.io/dragonflydb/operator"),
        ({_NAME: "redisinsight"}, "docker.io/redis/redisinsight"),
    ],
)
def test_what_only_has_to_do_with_a_store_is_none(labels: dict[str, str], image: str) -> None:
    found, _, _ = detected(cluster(deployment("databases", labels, image)))
    assert "sharedResources" not in found.data


@pytest.mark.parametrize(
    ("labels", "image", "kept"),
    [
        ({_NAME: "kubernetes-ingress", _INSTANCE: "h"}, "haproxytech/kubernetes-ingress", {_NAME}),
        ({_NAME: "contour", _PART: "envoy"}, "docker.io/envoyproxy/envoy", {_NAME, _PART}),
        ({_NAME: "kong", _PART: "app"}, "kong:3", {_NAME, _PART}),
        ({"app": "istio-ingressgateway", "istio": "ingressgateway"}, "istio/proxyv2", {"app"}),
        ({"name": "nginx-ingress-microk8s"}, "registry.k8s.io/ingress-nginx/controller", {"name"}),
        (
            {_NAME: "rke2-ingress-nginx", _INSTANCE: "i", _PART: "controller"},
            "x/y",
            {_INSTANCE, _PART},
        ),
    ],
)
def test_an_ingress_controller_is_a_gateway_by_the_labels_of_its_chart(
    labels: dict[str, str], image: str, kept: set[str]
) -> None:
    _, settings, _ = detected(cluster(deployment("way-in", labels, image, 80, 443)))
    for peers in (settings.gateways.internal, settings.gateways.external):
        [peer] = peers
        assert (peer.namespace, peer.pod_labels) == ("way-in", {k: labels[k] for k in kept})


@pytest.mark.parametrize(
    ("labels", "image"),
    [
        ({_NAME: "contour", _PART: "contour"}, "ghcr.io/projectcontour/contour"),
        (
            {_NAME: "ingress-nginx", _PART: "default-backend"},
            "registry.k8s.io/defaultbackend-amd64",
        ),
        ({_NAME: "whoami"}, "docker.io/traefik/whoami"),
    ],
)
def test_what_stands_beside_a_gateway_is_none(labels: dict[str, str], image: str) -> None:
    found, _, _ = detected(cluster(deployment("way-in", labels, image, 80)))
    assert "gateways" not in found.data


@pytest.mark.parametrize(
    ("service", "labels"),
    [
        ("rke2-coredns-rke2-coredns", {"k8s-app": "kube-dns", _NAME: "rke2-coredns"}),
        ("kube-dns", {"k8s-app": "kube-dns"}),
    ],
)
def test_dns_of_other_distributions_is_the_default_where_its_label_is(
    service: str, labels: dict[str, str]
) -> None:
    given = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service,
            "namespace": "kube-system",
            "labels": {"k8s-app": "kube-dns"},
        },
        "spec": {"selector": labels, "ports": [{"port": 53, "protocol": "UDP"}]},
    }
    found, _, _ = detected(
        cluster(json.dumps(given), deployment("kube-system", labels, "coredns/coredns", 53))
    )
    assert "dns" not in found.data
    assert any(each.startswith("dns.servers: ") for each in found.confirmed)


def test_dns_on_the_nodes_network_is_known_by_the_node_and_asked_about() -> None:
    labels = {"k8s-app": "kube-dns"}
    found, settings, _ = detected(
        cluster(deployment("kube-system", labels, "coredns/coredns", 53, hostNetwork=True))
    )
    assert [peer.entities for peer in settings.dns.servers] == [("host", "remote-node")]
    assert any("every pod ask every node on port 53" in each for each in found.checks)
