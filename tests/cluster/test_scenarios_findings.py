"""What others wrote keeps ours from working: who can change that is told, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import PROFILE, Space, Spaces, access
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


def without_ours(kube: Kube, space: Space) -> None:
    """Takes away what a test of this module made in a namespace that stays."""
    kube.delete(cnp_path(space.name, "by-hand"))
    kube.delete(f"/api/v1/namespaces/{space.name}/pods/main?gracePeriodSeconds=0")


@pytest.fixture
def longhorn(spaces: Spaces, kube: Kube) -> Iterator[Space]:
    """A platform namespace, as it was in the end."""
    space = spaces.existing("longhorn-system")
    yield space
    without_ours(kube, space)


@pytest.fixture
def dns(spaces: Spaces, kube: Kube) -> Iterator[Space]:
    """The namespace of DNS, with a pod that answers it."""
    space = spaces.existing("kube-system")
    run_pod(kube, space, **{"k8s-app": "kube-dns"})
    yield space
    without_ours(kube, space)


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


def test_a_platform_namespace_is_told_what_its_policy_drops_and_not_what_it_leaves_to_others(
    longhorn: Space, dns: Space, operator: RunningOperator, kube: Kube
) -> None:
    run_pod(kube, longhorn, app="manager")
    own_pods: list[dict[str, str]] = [{}]
    to_own_pods = {"egress": [{"toEndpoints": own_pods}]}
    in_dns = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": dns.name}}
    by_hand(kube, longhorn, **to_own_pods, egressDeny=[{"toEndpoints": [in_dns]}])
    longhorn.told("PlatformPolicyIncomplete", "by-hand", "DNS", "UDP 53 and TCP 53", "a deny rule")
    shows(operator, 1, "findings", namespace=longhorn.name, reason="PlatformPolicyIncomplete")
    # Without the deny rule, what the baselines allow is enough: the text forgets DNS all the same.
    policy = longhorn.has("by-hand")
    spec = {"endpointSelector": {}, **to_own_pods}
    kube.replace(cnp_path(longhorn.name, "by-hand"), {**policy, "spec": spec})
    shows_none(operator, "findings", namespace=longhorn.name)


def test_dns_that_answers_nobody_is_told_where_it_is(
    dns: Space, spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({PROFILE: "isolated"})
    run_pod(kube, app, app="web")
    by_hand(kube, dns, ingress=[{"fromEndpoints": [{"matchLabels": {"app": "friend"}}]}])
    dns.told("PlatformPolicyIncomplete", "by-hand", "DNS from", "entity cluster")
    shows(operator, 1, "findings", namespace=dns.name, reason="PlatformPolicyIncomplete")
    dns.drop("by-hand")
    shows_none(operator, "findings", namespace=dns.name)
