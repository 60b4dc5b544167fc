"""What a grant, an annotation or a setting opens is not what calls reach: each is told by its name.

Services and pods as they are on the API server; that calls are dropped, and what lets them through,
Cilium's engine says.
"""

from __future__ import annotations

import pytest

from lab.control_plane import Flow, Identity
from tests.cluster.definitions import Definitions
from tests.cluster.judged import Setup, all_is_well
from tests.cluster.kube import Manifest, eventually
from tests.cluster.spaces import PROFILE, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}
MESH = {"istio.io/dataplane-mode": "ambient"}
API = {"app": "api"}
ON_8080 = {"containerPort": 8080, "name": "http"}
EIGHTY = [{"port": 80}]
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"


def test_a_services_port_in_a_grant_is_told_until_it_is_that_of_the_pods(setup: Setup) -> None:
    spaces, operator = setup.spaces, setup.operator
    home = spaces()
    setup.workloads.pod(home.name, API, ON_8080)
    setup.workloads.service(home.name, "api", [{"port": 80, "targetPort": 8080}])
    api = setup.definitions.resource(namespace=home.name, podLabels=API, ports=EIGHTY)
    app = spaces({access(api.name): "true", PROFILE: "isolated"})
    app.told("ServicePortOpened", "TCP 80", "Service api", home.name, "TCP 8080", api.name)
    shows(operator, 1, "findings", namespace=app.name, reason="ServicePortOpened")
    ends = {"app": Identity.pod(app.name), "api": Identity.pod(home.name, API)}
    call = Flow("app", "api", 8080)
    app.has(f"homelab-access-{api.name}")
    app.has_profile("isolated")
    assert setup.allowed([app, home], ends, call) == [False]
    api.change(ports=[{"port": 8080}])
    shows_none(operator, "findings", namespace=app.name)
    eventually(
        lambda: setup.allowed([app, home], ends, call) == [True],
        "the engine to let the call pass",
    )


def test_a_port_that_a_service_names_is_resolved(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    workloads.pod(home.name, API, {"containerPort": 5353, "name": "dns", "protocol": "UDP"})
    ports = [{"port": 53, "targetPort": "dns", "protocol": "UDP"}]
    workloads.service(home.name, "api", ports)
    opened = [{"port": 53, "protocol": "UDP"}]
    api = definitions.resource(namespace=home.name, ports=opened)
    app = spaces({access(api.name): "true"})
    app.told("ServicePortOpened", "UDP 53", "UDP 5353")
    api.change(ports=[{"port": 5353, "protocol": "UDP"}])
    shows_none(operator, "findings", namespace=app.name)


def test_in_the_tunnel_no_port_is_opened_so_none_is_wrong(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces(MESH)
    workloads.pod(home.name, API, ON_8080)
    workloads.service(home.name, "api", [{"port": 80, "targetPort": 8080}])
    api = definitions.resource(namespace=home.name, podLabels=API, ports=EIGHTY)
    inside = spaces({access(api.name): "true", **MESH})
    outside = spaces({access(api.name): "true"})
    outside.told("ServicePortOpened", "TCP 8080")
    shows_none(operator, "findings", namespace=inside.name)


def test_a_services_port_in_the_annotation_is_told_on_that_namespace(
    spaces: Spaces, workloads: Workloads, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "standard"}, gateway_ports="80")
    workloads.pod(app.name, {"app": "web"}, ON_8080)
    workloads.service(app.name, "web", [{"port": 80, "targetPort": "http"}])
    app.told("ServicePortOpened", "gateway-ports", "TCP 80", "Service web", "TCP 8080")
    app.annotate({"network-policy.homelab/gateway-ports": "8080"})
    shows_none(operator, "findings", namespace=app.name)


def test_a_services_port_in_a_profiles_rules_is_told_in_either_direction(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    for space, name in ((home, "api"),):
        workloads.pod(space.name, {"app": name}, ON_8080)
        workloads.service(space.name, name, [{"port": 80, "targetPort": 8080}])
    on_80 = [{"ports": [{"port": "80", "protocol": "TCP"}]}]
    on_8080 = [{"ports": [{"port": "8080", "protocol": "TCP"}]}]
    to_home = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": home.name}}
    out = definitions.profile(egress=[{"toEndpoints": [to_home], "toPorts": on_80}])
    into = definitions.profile(ingress=[{"fromCIDR": ["192.168.1.0/24"], "toPorts": on_80}])
    caller, served = spaces({PROFILE: out.name}), spaces({PROFILE: into.name})
    workloads.pod(served.name, {"app": "web"}, ON_8080)
    workloads.service(served.name, "web", [{"port": 80, "targetPort": 8080}])
    caller.told("ServicePortOpened", out.name, "Service api", home.name, "TCP 8080")
    served.told("ServicePortOpened", into.name, "Service web", "TCP 8080")
    out.change(egress=[{"toEndpoints": [to_home], "toPorts": on_8080}])
    into.change(ingress=[{"fromCIDR": ["192.168.1.0/24"], "toPorts": on_8080}])
    shows_none(operator, "findings", namespace=caller.name)
    shows_none(operator, "findings", namespace=served.name)


def test_dns_that_listens_on_another_port_than_its_service_is_told(
    workloads: Workloads, spaces: Spaces, operator: RunningOperator
) -> None:
    system = spaces.existing("kube-system")
    labels = {"k8s-app": "kube-dns"}
    named = [
        {"containerPort": 5353, "name": "dns", "protocol": "UDP"},
        {"containerPort": 5353, "name": "dns-tcp", "protocol": "TCP"},
    ]
    pod = workloads.pod(system.name, labels, *named)
    ports = [
        {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "targetPort": "dns-tcp", "protocol": "TCP"},
    ]
    workloads.service(system.name, "kube-dns", ports, selector=labels)
    system.told("ServicePortOpened", "dns.ports", "UDP 53", "TCP 53", "kube-dns", "UDP 5353")
    shows(operator, 1, "findings", namespace=system.name, reason="ServicePortOpened")
    workloads.remove(pod)
    shows_none(operator, "findings", namespace=system.name)


def test_a_target_on_the_hosts_network_is_told_with_what_to_write(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    workloads.pod(home.name, {"app": "hass"}, {"containerPort": 8123}, host_network=True)
    port = [{"port": 8123}]
    hass = definitions.resource(namespace=home.name, podLabels={"app": "hass"}, ports=port)
    app = spaces({access(hass.name): "true"})
    app.told("TargetOnHostNetwork", "app=hass", "entities: [host, remote-node]", hass.name)
    shows(operator, 1, "findings", namespace=app.name)
    workloads.pod(home.name, {"app": "hass"}, {"containerPort": 8123})
    app.told("TargetOnHostNetwork", "does not reach all of its pods")
    hass.change(namespace=None, podLabels=None, entities=["host", "remote-node"])
    shows_none(operator, "findings", namespace=app.name)


def test_gateways_on_the_hosts_network_are_told_where_they_run(
    spaces: Spaces, workloads: Workloads, operator: RunningOperator
) -> None:
    gateways = spaces.existing("istio-gateway")
    on_host = workloads.pod(gateways.name, {GATEWAY_LABEL: "internal"}, host_network=True)
    gateways.told("TargetOnHostNetwork", "gateways.internal", "remote-node")
    workloads.remove(on_host)
    shows_none(operator, "findings", namespace=gateways.name)


def test_a_profiles_peer_on_the_hosts_network_is_told(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    workloads.pod(home.name, {"app": "hass"}, {"containerPort": 8123}, host_network=True)
    hass = {"k8s:io.kubernetes.pod.namespace": home.name, "app": "hass"}
    to_hass = {"toEndpoints": [{"matchLabels": hass}]}
    own = definitions.profile(egress=[to_hass])
    app = spaces({PROFILE: own.name})
    app.told("TargetOnHostNetwork", own.name, home.name, "toEntities: [host, remote-node]")
    own.change(egress=[{"toEntities": ["host", "remote-node"]}])
    shows_none(operator, "findings", namespace=app.name)


def test_nothing_is_told_where_ports_addresses_and_pods_are_right(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    workloads.pod(home.name, {"app": "pg"}, {"containerPort": 5432, "name": "postgres"})
    workloads.pod(home.name, {"app": "node-exporter"}, host_network=True)
    workloads.service(home.name, "pg", [{"port": 5432}])
    workloads.service(home.name, "pg-ro", [{"port": 5432, "targetPort": "postgres"}])
    everywhere: Manifest = {"selector": {"app": "pg"}, "clusterIP": "None"}
    workloads.service(home.name, "pg-headless", [{"port": 80, "targetPort": 5432}], **everywhere)
    balanced = [{"port": 443, "targetPort": 5432}]
    workloads.service(home.name, "pg-lb", balanced, address="192.0.2.70")
    granted: list[Manifest] = [
        {"namespace": home.name, "podLabels": {"app": "pg"}, "ports": [{"port": 5432}]},
        {"namespace": home.name, "ports": [{"port": 5432}, {"port": 80}]},
        {"cidrs": ["192.0.2.0/24"], "ports": [{"port": 443}]},
        {"cidrs": ["192.0.2.70/32"], "ports": [{"port": 22}]},
        {"fqdns": [{"matchName": "api.example.com"}], "ports": [{"port": 443}]},
    ]
    names = [definitions.resource(**spec).name for spec in granted]
    app = spaces({access(name): "true" for name in names} | {PROFILE: "internal-egress"})
    served = spaces({PROFILE: "standard"}, gateway_ports="8080")
    workloads.pod(served.name, {"app": "web"}, ON_8080)
    workloads.service(served.name, "web", [{"port": 80, "targetPort": "http"}])
    all_is_well(operator, spaces, definitions, app.name, served.name, home.name)
