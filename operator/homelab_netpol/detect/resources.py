"""Databases, caches, object stores and brokers that many share: SharedResources. Pure.

What runs in an app's own Namespace is that app's, and needs no grant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting
from homelab_netpol.detect.objects import Component
from homelab_netpol.settings import Settings
from homelab_netpol.shapes import mappings

CNPG_CLUSTER = "cnpg.io/cluster"
CNPG_ROLE = "cnpg.io/podRole"
_NAME = "app.kubernetes.io/name"
_KUBE_API = "kube-api"
_API_PORTS = {443, 6443}
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Store:
    """Something that apps share.

    Attributes:
        resource: the name of its SharedResource, and so its label's suffix.
        title: for people.
        port: on which apps ask it.
        names: by which charts label its pods.
        images: by which it is known where labels do not say it.
        keys: labels that only its pods have.
    """

    resource: str
    title: str
    port: int
    names: tuple[str, ...]
    images: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


STORES = (
    Store(
        "postgres",
        "Postgres",
        5432,
        ("postgresql", "postgres", "postgresql-ha", "spilo"),
        ("postgres", "postgresql", "pgvector", "postgres-vectorchord", "timescaledb"),
        (CNPG_CLUSTER, "postgres-operator.crunchydata.com/cluster", "spilo-role"),
    ),
    Store("dragonfly", "Dragonfly", 6379, ("dragonfly",), ("dragonflydb/dragonfly",)),
    Store("redis", "Redis", 6379, ("redis", "redis-ha"), ("redis",), ("redis_setup_type",)),
    Store("valkey", "Valkey", 6379, ("valkey",), ("valkey",)),
    Store("keydb", "KeyDB", 6379, ("keydb",), ("eqalpha/keydb",)),
    Store("memcached", "Memcached", 11211, ("memcached",), ("memcached",)),
    Store("mariadb", "MariaDB", 3306, ("mariadb", "mariadb-galera"), ("mariadb",)),
    Store("mysql", "MySQL", 3306, ("mysql", "mysql-innodbcluster-mysql-server"), ("mysql",)),
    Store("mongodb", "MongoDB", 27017, ("mongodb", "mongo"), ("mongo", "mongodb")),
    Store("garage-s3", "Garage", 3900, ("garage",), ("dxflrs/garage",)),
    Store("minio", "MinIO", 9000, ("minio",), ("minio/minio",), ("v1.min.io/tenant",)),
    Store("ceph-s3", "Ceph's object gateway", 8080, ("rook-ceph-rgw",)),
    Store("seaweedfs-s3", "SeaweedFS", 8333, (), ("chrislusf/seaweedfs",)),
    Store(
        "mqtt", "the MQTT broker", 1883, ("mosquitto", "emqx", "vernemq"), ("eclipse-mosquitto",)
    ),
    Store("nats", "NATS", 4222, ("nats",), ("nats",)),
    Store("rabbitmq", "RabbitMQ", 5672, ("rabbitmq",), ("rabbitmq",)),
)
# Names of Namespaces in which such things stand for all.
_SHARED_NAMES = frozenset(
    {
        "cache",
        "caches",
        "data",
        "database",
        "databases",
        "datastore",
        "db",
        "dbms",
        "dragonfly",
        "garage",
        "mariadb",
        "minio",
        "mosquitto",
        "mqtt",
        "object-storage",
        "postgres",
        "postgresql",
        "redis",
        "s3",
        "storage",
        "valkey",
    }
)


@dataclass(frozen=True, slots=True)
class Stores:
    """What was found.

    Attributes:
        findings: the settings.
        shared: the namespaces of what is shared, each with what stands there.
        s3: the object store of the cluster, as a peer with a port; None: there is none.
        instances_of_apps: pods of CloudNativePG's in namespaces of apps.
    """

    findings: Findings
    shared: dict[str, str]
    s3: tuple[dict[str, Any], int, str] | None
    instances_of_apps: tuple[Component, ...]


def detect_resources(facts: ClusterFacts, platform: set[str]) -> Stores:
    """`sharedResources`.

    Args:
        facts: the cluster.
        platform: the namespaces that are known to be the platform's.
    """
    found, shared = Findings(), dict[str, str]()
    by_store: defaultdict[str, defaultdict[str, list[Component]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for component in facts.components:
        store = store_of(component)
        if store is not None:
            by_store[store.resource][component.namespace].append(component)
    own: list[Component] = []
    s3: tuple[dict[str, Any], int, str] | None = None
    for store in STORES:
        places = by_store[store.resource]
        shared_by = {name: of for name, of in places.items() if _is_shared(facts, name, platform)}
        own += [each for name, of in places.items() if name not in shared_by for each in of]
        for name, (namespace, components) in _named(store, shared_by).items():
            shared.setdefault(namespace, f"{components[0]} is shared: {store.title}")
            found.add(_resource(facts, store, name, components))
            if store.resource.endswith(("s3", "minio")) and s3 is None:
                value = {"namespace": namespace, "podLabels": _labels(store, components)}
                s3 = (value, _port(store, components), str(components[0]))
        found.settings += _by_value(shared_by)
    if own:
        names = ", ".join(map(str, own[:_NAMED])) + (" and others" if len(own) > _NAMED else "")
        found.confirmed.append(
            f"sharedResources: {names}: in namespaces of apps, so their own, and nothing to set"
        )
    found.settings += _kube_api(facts)
    instances = tuple(each for each in own if CNPG_CLUSTER in each.labels)
    return Stores(found, shared, s3, instances)


def store_of(component: Component) -> Store | None:
    """What a component is, if it is one of those."""
    if component.kind in ("Job", "CronJob"):
        return None
    for store in STORES:
        by_label = any(key in component.labels for key in store.keys)
        by_image = len(component.images) == 1 and component.runs(*store.images)
        if by_label or component.is_named(*store.names) or by_image:
            is_other = component.labels.get(CNPG_ROLE) == "pooler" and store.port != 5432
            return None if is_other else store
    return None


def _is_shared(facts: ClusterFacts, namespace: str, platform: set[str]) -> bool:
    if namespace in platform or namespace in _SHARED_NAMES:
        return True
    there = facts.within(namespace)
    return all(store_of(each) is not None or "operator" in each.name for each in there)


def _named(
    store: Store, places: dict[str, list[Component]]
) -> dict[str, tuple[str, list[Component]]]:
    """A name for the resource in each namespace: the plain one where the defaults have it."""
    default = Settings().shared_resources.get(store.resource)
    usual = default.namespace if default is not None else None
    order = sorted(places, key=lambda name: (name != usual, name))
    return {
        store.resource if index == 0 else f"{store.resource}-{name}"[:63].rstrip("-"): (
            name,
            places[name],
        )
        for index, name in enumerate(order)
    }


def _resource(
    facts: ClusterFacts, store: Store, name: str, components: list[Component]
) -> Findings:
    found = Findings()
    namespace, port = components[0].namespace, _port(store, components)
    because = f"{components[0]} is {store.title}"
    if all(each.host_network for each in components):
        found.questions.append(
            f"{components[0]} is {store.title} on the nodes' network, where Cilium knows it by its"
            f" node only. How do apps reach it? sharedResources.{name} could be entities: [host,"
            " remote-node]"
        )
        return found
    default = Settings().shared_resources.get(name)
    if default is not None and default.namespace == namespace and _has(default, port):
        found.confirmed.append(f"sharedResources.{name}: {because}")
        return found
    value: dict[str, Any] = {"namespace": namespace}
    others = facts.within(namespace)
    if any(each not in components for each in others):
        value["podLabels"] = _labels(store, components)
    value["ports"] = [{"port": port}]
    checks: tuple[str, ...] = ()
    if not any(each.number == port for one in components for each in one.ports):
        checks = (f"it declares no port {port}, which is the usual one. Is it right?",)
    found.settings.append(Setting(("sharedResources", name), Entry(value, because, checks)))
    return found


def _has(resource: Any, port: int) -> bool:
    return any(each.port == port for each in resource.ports)


def _port(store: Store, components: list[Component]) -> int:
    declared = sorted({port.number for each in components for port in each.ports})
    if store.port in declared or len(declared) != 1:
        return store.port
    return declared[0]


def _labels(store: Store, components: list[Component]) -> dict[str, str]:
    """Labels that all of them have, and that say what they are."""
    common = set(components[0].labels.items()).intersection(
        *(each.labels.items() for each in components)
    )
    labels = dict(sorted(common))
    for key in (CNPG_ROLE, _NAME, "app", "k8s-app", *store.keys):
        if key in labels:
            return {key: labels[key]}
    return labels


def _by_value(places: dict[str, list[Component]]) -> Iterator[Setting]:
    """Several clusters of CloudNativePG in one namespace: a grant on the one of each app."""
    several = 0
    for namespace, components in sorted(places.items()):
        labels = [each.labels for each in components if CNPG_CLUSTER in each.labels]
        clusters = sorted({each[CNPG_CLUSTER] for each in labels})
        if len(clusters) < 2:
            continue
        several += 1
        name = "databases" if several == 1 else f"databases-{namespace}"[:63].rstrip("-")
        value: dict[str, Any] = {"namespace": namespace}
        if all(each.get(CNPG_ROLE) == "instance" for each in labels):
            value["podLabels"] = {CNPG_ROLE: "instance"}
        value |= {"valueLabel": CNPG_CLUSTER, "ports": [{"port": 5432}]}
        because = (
            f"the namespace {namespace} has the Postgres clusters {', '.join(clusters[:_NAMED])}:"
            " the access label may name one of them"
        )
        yield Setting(("sharedResources", name), Entry(value, because))


def _kube_api(facts: ClusterFacts) -> Iterator[Setting]:
    """The API server's own port, behind the Service `kubernetes`."""
    ports = {
        port["port"]
        for each in facts.manifests.of("EndpointSlice")
        if each.namespace == "default"
        and each.labels.get("kubernetes.io/service-name") == "kubernetes"
        for port in mappings(each.data, "ports")
        if isinstance(port.get("port"), int)
    }
    if ports and not ports <= _API_PORTS:
        listed = [{"port": port} for port in sorted(ports | {443})]
        value = {"entities": ["kube-apiserver"], "ports": listed}
        numbers = ", ".join(map(str, sorted(ports)))
        because = f"the Service kubernetes leads to port {numbers}, and has 443 itself"
        yield Setting(("sharedResources", _KUBE_API), Entry(value, because))
