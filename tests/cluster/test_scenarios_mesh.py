"""With Istio's CRDs there: ports hold inside the mesh's tunnel too, and the hatch opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import Lab
from tests.cluster.audited import AuditedPlane
from tests.cluster.conftest import QUICK
from tests.cluster.definitions import Definitions
from tests.cluster.handing_over import annotate, told_by_now
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.service_account import operator_account
from tests.cluster.spaces import (
    ENFORCEMENT,
    GATEWAY_PORTS,
    INTRA_NAMESPACE,
    PROFILE,
    Space,
    Spaces,
    access,
)
from tests.cluster.watched import logged, resync
from tests.running_operator import RunningOperator, running_operator

MESH = {"istio.io/dataplane-mode": "ambient"}
SETTINGS = {**QUICK, "mesh": {"authorizationPolicies": True, "mtls": "strict"}}
ISTIO = "/apis/security.istio.io/v1"
PLAIN = {"from": [{"source": {"notPrincipals": ["*"]}}]}
PROMETHEUS = {"from": [{"source": {"namespaces": ["monitoring"]}}]}

Start = Callable[..., AbstractContextManager[RunningOperator]]


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[AuditedPlane]:
    """A control plane that has Istio's CRDs."""
    with AuditedPlane(lab=lab, istio=True, crds=own_crds()) as plane:
        yield plane


@pytest.fixture(scope="module")
def account(plane: AuditedPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's account on it."""
    with operator_account(plane) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="module")
def kube(plane: AuditedPlane) -> Iterator[Kube]:
    """That control plane, seen without the operator."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture
def operator(account: Path) -> Iterator[RunningOperator]:
    """An operator that is to write Istio's policies."""
    with running_operator(account, SETTINGS) as operator:
        yield operator


def istio(kube: Kube, space: Space, plural: str = "authorizationpolicies") -> dict[str, Manifest]:
    """Istio's policies of a namespace, by name: their specs."""
    found = kube.items(f"{ISTIO}/namespaces/{space.name}/{plural}")
    return {item["metadata"]["name"]: item["spec"] for item in found}


def has(kube: Kube, space: Space, **policies: Any) -> None:
    """Waits for exactly these AuthorizationPolicies: by name, with `_` for `-`, the rules."""
    wanted = {name.replace("_", "-"): rules for name, rules in policies.items()}
    eventually(
        lambda: {n: spec.get("rules") for n, spec in istio(kube, space).items()} == wanted,
        f"the AuthorizationPolicies of {space.name} to be {wanted}",
    )


def from_namespaces(*names: str, ports: tuple[str, ...] = ()) -> Manifest:
    rule: Manifest = {"from": [{"source": {"namespaces": list(names)}}]}
    return {**rule, "to": [{"operation": {"ports": list(ports)}}]} if ports else rule


def from_gateways(*names: str, ports: tuple[str, ...] = ()) -> Manifest:
    principals = [f"cluster.local/ns/istio-gateway/sa/{name}-istio" for name in names]
    rule: Manifest = {"from": [{"source": {"principals": principals}}]}
    return {**rule, "to": [{"operation": {"ports": list(ports)}}]} if ports else rule


@pytest.mark.usefixtures("operator")
def test_a_profile_says_who_may_use_which_ports_inside_the_tunnel(
    spaces: Spaces, kube: Kube
) -> None:
    app = spaces({PROFILE: "standard", **MESH})
    own, gateways = from_namespaces(app.name), from_gateways("external", "internal")
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS, own, gateways])
    app.annotate({GATEWAY_PORTS: "8080,9090"})
    narrowed = from_gateways("external", "internal", ports=("8080", "9090"))
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS, own, narrowed])
    app.label({INTRA_NAMESPACE: "deny", PROFILE: "internal"})
    narrowed = from_gateways("internal", ports=("8080", "9090"))
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS, narrowed])
    app.label({PROFILE: "isolated"})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    strict = {"homelab-mesh": {"mtls": {"mode": "STRICT"}}}
    eventually(lambda: istio(kube, app, "peerauthentications") == strict, "strict mTLS")
    app.label({"istio.io/dataplane-mode": None})
    has(kube, app)
    eventually(lambda: not istio(kube, app, "peerauthentications"), "no word on mTLS")


@pytest.mark.usefixtures("operator")
def test_the_hatch_opens_the_tunnel_too(spaces: Spaces, kube: Kube) -> None:
    app = spaces({PROFILE: "isolated", **MESH})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    app.label({ENFORCEMENT: "disabled"})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS], homelab_escape_hatch=[{}])
    eventually(lambda: not istio(kube, app, "peerauthentications"), "plain connections as well")
    app.label({ENFORCEMENT: None})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    eventually(lambda: istio(kube, app, "peerauthentications"), "strict mTLS again")


@pytest.mark.usefixtures("operator")
def test_an_exclusive_resource_and_a_governed_one_hold_their_ports(
    spaces: Spaces, definitions: Definitions, kube: Kube
) -> None:
    database = spaces.existing("database")
    database.label(MESH)
    secret = definitions.resource(
        namespace="database", podLabels={"app": "pg"}, ports=[{"port": 5432}], target="exclusive"
    )
    home = spaces({PROFILE: "isolated", INTRA_NAMESPACE: "deny", **MESH})
    ports = [{"port": 389}, {"port": 636, "endPort": 637}, {"port": 53, "protocol": "UDP"}]
    ldap = definitions.resource(namespace=home.name, ports=ports)
    grants = {access(secret.name): "true", access(ldap.name): "true", access("postgres"): "true"}
    app, outside = spaces({**grants, **MESH}), spaces(grants)
    on_pg = from_namespaces(app.name, ports=("5432",))
    has(kube, database, **{f"homelab-grant-{secret.name}": [PLAIN, on_pg]})
    selected = istio(kube, database)[f"homelab-grant-{secret.name}"]["selector"]
    assert selected == {"matchLabels": {"app": "pg"}}
    on_ldap = from_namespaces(app.name, ports=("389", "636", "637"))
    has(
        kube,
        home,
        homelab_mesh=[PLAIN, PROMETHEUS],
        **{f"homelab-grant-{ldap.name}": [PLAIN, on_ldap]},
    )
    assert outside.name not in str(istio(kube, home)), "it does not come through the tunnel"
    database.label({"istio.io/dataplane-mode": None})
    has(kube, database)


@pytest.mark.usefixtures("operator")
def test_a_profile_of_ones_own_is_held_to_its_ports_in_the_tunnel(
    spaces: Spaces, definitions: Definitions, kube: Kube
) -> None:
    peer = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "team", "k8s:app": "api"}}
    web = [{"ports": [{"port": "8080", "protocol": "TCP"}]}]
    own = definitions.profile(
        intraNamespace=False,
        ingress=[
            {"fromEndpoints": [peer], "toPorts": web},
            {"fromEntities": ["cluster"], "toPorts": [{"ports": [{"port": "9000"}]}]},
            {"fromCIDR": ["192.0.2.0/24"], "toPorts": web},
            {
                "fromEndpoints": [peer],
                "toPorts": [
                    {
                        "ports": [{"port": "80", "protocol": "TCP"}],
                        "rules": {"http": [{"path": "/"}]},
                    }
                ],
            },
        ],
    )
    app = spaces({PROFILE: own.name, **MESH})
    anybody = {
        "from": [{"source": {"principals": ["*"]}}],
        "to": [{"operation": {"ports": ["9000"]}}],
    }
    team = from_namespaces("team", ports=("8080",))
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS, team, anybody])
    tunnel = [{"ports": [{"port": "15008", "protocol": "TCP"}]}]
    in_mesh = {"k8s:io.cilium.k8s.namespace.labels.istio.io/dataplane-mode": "ambient"}
    ingress = app.has()["spec"]["ingress"]
    meshed_peer = {"matchLabels": {**peer["matchLabels"], **in_mesh}}
    assert {"fromEndpoints": [meshed_peer], "toPorts": tunnel} in ingress
    assert {"fromEndpoints": [{"matchLabels": in_mesh}], "toPorts": tunnel} in ingress
    assert len([rule for rule in ingress if rule.get("toPorts") == tunnel]) == 2


@pytest.mark.usefixtures("operator")
def test_a_hand_that_touches_istios_policies_is_put_right(spaces: Spaces, kube: Kube) -> None:
    app = spaces({PROFILE: "isolated", **MESH})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    path = f"{ISTIO}/namespaces/{app.name}/authorizationpolicies/homelab-mesh"
    kube.patch(path, {"spec": {"rules": [{}]}})
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    app.told("DriftReverted", "AuthorizationPolicy homelab-mesh")
    kube.delete(path)
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])


@pytest.mark.usefixtures("operator")
def test_istios_policies_of_somebody_else_change_hands(spaces: Spaces, kube: Kube) -> None:
    app = spaces()
    kinds = {
        "authorizationpolicies": "AuthorizationPolicy",
        "peerauthentications": "PeerAuthentication",
    }
    paths = [f"{ISTIO}/namespaces/{app.name}/{plural}/homelab-mesh" for plural in kinds]
    for path, kind in zip(paths, kinds.values(), strict=True):
        theirs = {"apiVersion": "security.istio.io/v1", "kind": kind}
        spec = {"selector": {"matchLabels": {"app": "theirs"}}}
        body = {**theirs, "metadata": {"name": "homelab-mesh"}, "spec": spec}
        kube.create(path.rpartition("/")[0], body)
    app.label({PROFILE: "isolated", **MESH})
    for kind in kinds.values():
        told_by_now(app, "NameTaken", f"kubectl annotate {kind.lower()} homelab-mesh -n {app.name}")
    for path in paths:
        annotate(kube, path)
    has(kube, app, homelab_mesh=[PLAIN, PROMETHEUS])
    strict = {"homelab-mesh": {"mtls": {"mode": "STRICT"}}}
    eventually(lambda: istio(kube, app, "peerauthentications") == strict, "strict mTLS")


def test_what_is_no_longer_asked_for_is_taken_away(
    spaces: Spaces, kube: Kube, account: Path
) -> None:
    app = spaces({PROFILE: "standard", **MESH})
    with running_operator(account, SETTINGS) as operator:
        eventually(lambda: istio(kube, app), "Istio's policies")
        resync(operator)
    with running_operator(account, QUICK):
        has(kube, app)
        assert istio(kube, app, "peerauthentications") == {}


def test_without_istios_crds_the_operator_runs_and_says_so(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with AuditedPlane(lab=lab) as bare, operator_account(bare) as account:
        kube = Kube(bare.kubeconfig, bare.context)
        spaces = Spaces(kube)
        with running_operator(account, SETTINGS) as operator:
            logged(operator, "Istio's policies cannot be written", "installed?")
            logged(operator, "CRD of NetworkProfile is not installed")
            logged(operator, "CRD of SharedResource is not installed")
            app = spaces({PROFILE: "standard", **MESH})
            app.has_profile("standard")
            spaces({PROFILE: "own"}).told("ProfileUnknown", "no profile 'own'")
            assert app.events("PolicyNotWritten") == []
            # They may come at any time.
            bare.install_crds([*lab.istio_crds, *own_crds()])
            eventually(lambda: istio(kube, app), "Istio's policies")
            Definitions(kube).profile("own")
            spaces({PROFILE: "own"}).has_profile("own")
        kube.close()
