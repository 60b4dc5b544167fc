"""An own address or name is opened as if it were outside the cluster: told, with what to write."""

from __future__ import annotations

import pytest

from lab.control_plane import Flow, Identity
from tests.cluster.definitions import Definitions
from tests.cluster.judged import Setup, all_is_well
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}


@pytest.mark.parametrize("address", ["192.0.2.50", "2001:db8::50"])
def test_an_own_load_balancers_address_is_told_with_its_pods(setup: Setup, address: str) -> None:
    spaces, operator = setup.spaces, setup.operator
    home, bits = spaces(), 128 if ":" in address else 32
    setup.workloads.pod(home.name, {"app": "web"}, {"containerPort": 10443})
    ports = [{"port": 443, "targetPort": 10443}]
    setup.workloads.service(home.name, "web", ports, address=address)
    cidr = f"{address}/{bits}"
    idp = setup.definitions.resource(cidrs=[cidr], ports=[{"port": 443}])
    app = spaces({access(idp.name): "true", PROFILE: "isolated"})
    app.told("TargetIsOwnAddress", cidr, "Service web", home.name, "app=web", "TCP 10443")
    app.has(f"homelab-access-{idp.name}")
    app.has_profile("isolated")
    ends = {"app": Identity.pod(app.name), "web": Identity.pod(home.name, {"app": "web"})}
    call = Flow("app", "web", 10443)
    assert setup.allowed([app], ends, call) == [False]
    port = [{"port": 10443}]
    idp.change(cidrs=None, namespace=home.name, podLabels={"app": "web"}, ports=port)
    shows_none(operator, "findings", namespace=app.name)
    eventually(
        lambda: setup.allowed([app], ends, call) == [True],
        "the engine to let the call pass",
    )


def test_an_own_public_name_is_told_until_it_leads_elsewhere(
    spaces: Spaces,
    definitions: Definitions,
    workloads: Workloads,
    operator: RunningOperator,
    kube: Kube,
) -> None:
    home, host = spaces(), f"{spaces.fresh_name()}.example.org"
    ports = [{"port": 443, "targetPort": 10443}]
    key = "external-dns.alpha.kubernetes.io"
    published = {f"{key}/hostname": f"svc-{host}"}
    path = workloads.service(home.name, "web", ports, address="192.0.2.60", annotations=published)
    workloads.ingress(home.name, f"ing-{host}", "192.0.2.60")
    for kind, said_by in (("svc", "Service web"), ("ing", "Ingress own")):
        names = [{"matchName": f"{kind}-{host}"}]
        own = definitions.resource(fqdns=names, ports=[{"port": 443}])
        app = spaces({access(own.name): "true"})
        app.told("TargetIsOwnAddress", f"{kind}-{host}", said_by, home.name)
    shows(operator, 1, "findings", namespace=app.name, reason="TargetIsOwnAddress")
    kube.patch(f"{path}/status", {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.61"}]}}})
    # The Ingress is at an address that is nobody's now.
    shows_none(operator, "findings", namespace=app.name)


def test_a_name_that_dns_answers_with_another_address_is_not_told(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home, elsewhere = spaces(), "localhost"
    workloads.service(home.name, "web", [{"port": 443}], address="192.0.2.65")
    workloads.ingress(home.name, elsewhere, "192.0.2.65")
    names = [{"matchName": elsewhere}]
    public = definitions.resource(fqdns=names, ports=[{"port": 443}])
    app = spaces({access(public.name): "true"})
    all_is_well(operator, spaces, definitions, app.name)


def test_an_own_address_in_a_profiles_rule_is_told(
    spaces: Spaces, definitions: Definitions, workloads: Workloads, operator: RunningOperator
) -> None:
    home = spaces()
    workloads.service(home.name, "web", [{"port": 443}], address="192.0.2.66")
    on_443 = [{"ports": [{"port": "443", "protocol": "TCP"}]}]
    own = definitions.profile(egress=[{"toCIDR": ["192.0.2.66/32"], "toPorts": on_443}])
    app = spaces({PROFILE: own.name})
    app.told("TargetIsOwnAddress", own.name, "Service web", home.name)
    own.change(egress=[{"toCIDR": ["192.0.2.67/32"], "toPorts": on_443}])
    shows_none(operator, "findings", namespace=app.name)
