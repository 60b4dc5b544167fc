"""A grant can be written, and lead nowhere: who holds it is told, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import Space, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}
LDAP = [{"port": 636}]


def run_pod(kube: Kube, space: Space, **labels: str) -> None:
    """Makes a pod; it never starts, and is there all the same."""
    spec = {"containers": [{"name": "main", "image": "example.org/main"}]}
    body = {"metadata": {"name": "main", "labels": labels}, "spec": spec}
    kube.create(f"/api/v1/namespaces/{space.name}/pods", body)


def by_hand(kube: Kube, space: Space, **spec: Any) -> None:
    """Writes a policy of somebody else."""
    kube.create(
        cnp_path(space.name),
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "by-hand"},
            "spec": {"endpointSelector": {}, **spec},
        },
    )


@pytest.fixture
def longhorn(spaces: Spaces, kube: Kube) -> Iterator[Space]:
    """A platform namespace, without the policy of this module's in the end."""
    space = spaces.existing("longhorn-system")
    yield space
    kube.delete(cnp_path(space.name, "by-hand"))


def test_a_target_that_is_not_there_is_told_to_who_asked(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator, kube: Kube
) -> None:
    home = spaces.fresh_name()
    ldap = definitions.resource(namespace=home, podLabels={"app": "ldap"}, ports=LDAP)
    app, other = spaces({access(ldap.name): "true"}), spaces()
    app.told("TargetNamespaceMissing", ldap.name, home, "does not exist")
    shows(operator, 1, "findings", namespace=app.name, reason="TargetNamespaceMissing")
    space = spaces(name=home)
    app.told("TargetHasNoPods", "app=ldap")
    run_pod(kube, space, app="ldap")
    shows_none(operator, "findings", namespace=app.name)
    shows_none(operator, "findings", namespace=other.name)


def test_a_deny_rule_on_the_target_is_named(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator, kube: Kube
) -> None:
    home = spaces()
    run_pod(kube, home, app="ldap")
    ldap = definitions.resource(namespace=home.name, ports=LDAP)
    app = spaces({access(ldap.name): "true"})
    home.has(f"homelab-grant-{ldap.name}")
    by_hand(kube, home, ingressDeny=[{"fromEntities": ["cluster"]}])
    app.told("TargetDenies", "by-hand", "TCP 636", home.name)
    shows(operator, 1, "findings", namespace=app.name, reason="TargetDenies")
    home.drop("by-hand")
    shows_none(operator, "findings", namespace=app.name)


def test_where_the_operator_writes_nothing_a_policy_by_hand_must_let_consumers_in(
    spaces: Spaces,
    longhorn: Space,
    definitions: Definitions,
    operator: RunningOperator,
    kube: Kube,
) -> None:
    home = longhorn
    run_pod(kube, home, app="ldap")
    ldap = definitions.resource(namespace=home.name, ports=LDAP, target="none")
    by_hand(kube, home, ingress=[{"fromEndpoints": [{"matchLabels": {"app": "friend"}}]}])
    app = spaces({access(ldap.name): "true"})
    app.told("TargetDenies", "by-hand")
    ldap.change(target="additive")
    home.has(f"homelab-grant-{ldap.name}")
    shows_none(operator, "findings", namespace=app.name)


def test_a_platform_policy_that_forgot_a_required_rule_is_told_there(
    longhorn: Space, operator: RunningOperator, kube: Kube
) -> None:
    own_pods: list[dict[str, str]] = [{}]
    by_hand(
        kube,
        longhorn,
        ingress=[{"fromEndpoints": own_pods}],
        egress=[{"toEndpoints": own_pods}],
    )
    longhorn.told("PlatformPolicyIncomplete", "by-hand", "DNS", "Prometheus", "health")
    shows(operator, 1, "findings", namespace=longhorn.name, reason="PlatformPolicyIncomplete")
    longhorn.drop("by-hand")
    shows_none(operator, "findings", namespace=longhorn.name)
