"""The example for a platform namespace does what its page says, by Cilium's own engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from homelab_netpol.findings import check_platform
from lab.control_plane import Engine, Flow, Identity
from tests.cluster.kube import CCNP, CNP, Kube, cnp_path, eventually
from tests.cluster.spaces import Space, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.docs.pages import SavedFile, steps
from tests.models.model import Model
from tests.models.must_flow import Drops, MustFlow
from tests.models.writing import taken_baselines
from tests.running_operator import RunningOperator

PAGE = "docs/platform-namespaces.md"
SETTINGS = {"inspectionSeconds": 1}
FINDING = "PlatformPolicyIncomplete"

# From, to, port, and whether it passes: from the page's tables and comments. `app` holds the grant.
PASSES = [
    ("app", "postgres", 5432),
    ("replica", "postgres", 5432),
    ("its operator", "postgres", 8000),
    ("its operator", "postgres", 5432),
    ("prometheus", "postgres", 9187),
    ("health", "postgres", 5432),
    ("kubelet", "postgres", 5432),
    ("postgres", "replica", 5432),
    ("postgres", "dns", 53),
    ("postgres", "kube-apiserver", 6443),
    ("postgres", "garage", 3900),
]
DENIED = [
    ("app", "postgres", 9187),
    ("stranger", "postgres", 5432),
    ("replica", "postgres", 22),
    ("prometheus", "postgres", 5432),
    ("postgres", "garage", 22),
    ("postgres", "app", 8080),
    ("postgres", "internet", 443),
]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The policy of the page."""
    [found] = [
        step for step in steps(PAGE) if isinstance(step, SavedFile) and step.name == "database.yaml"
    ]
    policy: dict[str, Any] = yaml.safe_load(found.content)
    return policy


@pytest.fixture
def database(spaces: Spaces, kube: Kube) -> Iterator[Space]:
    """The namespace, without policies by hand in the end."""
    space = spaces.existing("database")
    yield space
    kube.delete(cnp_path(space.name, "postgres"))
    kube.delete(f"/api/v1/namespaces/{space.name}/pods/postgres?gracePeriodSeconds=0")


def identities(app: str, stranger: str) -> dict[str, Identity]:
    dns, scraper = {"k8s-app": "kube-dns"}, {"app.kubernetes.io/name": "prometheus"}
    return {
        "postgres": Identity.pod("database", {"app": "postgres"}),
        "replica": Identity.pod("database", {"app": "postgres", "role": "replica"}),
        "its operator": Identity.pod("cnpg-system"),
        "prometheus": Identity.pod("monitoring", scraper),
        "dns": Identity.pod("kube-system", dns),
        "garage": Identity.pod("garage"),
        "app": Identity.pod(app),
        "stranger": Identity.pod(stranger),
        "health": Identity.entity("health"),
        "kube-apiserver": Identity.entity("kube-apiserver"),
        "kubelet": Identity.address("169.254.7.127/32"),
        "internet": Identity.address("203.0.113.7/32"),
    }


@pytest.mark.usefixtures("operator")
def test_with_the_example_exactly_those_reach_the_database_whom_the_page_names(
    example: dict[str, Any], database: Space, spaces: Spaces, kube: Kube, engine: Engine
) -> None:
    app, stranger = spaces({access("postgres"): "true"}), spaces()
    eventually(
        lambda: app.name in str(database.has("homelab-grant-postgres")), "the grant to name the app"
    )
    kube.create(cnp_path("database"), example)
    standing = [
        {**policy, "kind": kind, "apiVersion": "cilium.io/v2"}
        for plural, kind in (
            (CNP, "CiliumNetworkPolicy"),
            (CCNP, "CiliumClusterwideNetworkPolicy"),
        )
        for policy in kube.items(f"/apis/cilium.io/v2/{plural}")
        # The other ends have their own policies; here it is about the database's.
        if policy["metadata"].get("namespace", "database") == "database"
        and "baseline" not in str(policy["metadata"]["name"])
    ]
    assert engine.policies(standing) == []
    engine.identities(identities(app.name, stranger.name))
    for expected, flows in ((True, PASSES), (False, DENIED)):
        asked = [Flow(*flow, protocol="UDP" if flow[2] == 53 else "TCP") for flow in flows]
        verdicts = zip(flows, engine.verdicts(asked), strict=True)
        wrong = [flow for flow, verdict in verdicts if verdict.allowed is not expected]
        assert not wrong, f"expected to be {'allowed' if expected else 'denied'}"


def test_the_operator_finds_nothing_wrong_with_the_example(
    example: dict[str, Any], database: Space, operator: RunningOperator, kube: Kube
) -> None:
    spec = {"containers": [{"name": "main", "image": "example.org/main"}]}
    pod = {"metadata": {"name": "postgres", "labels": {"app": "postgres"}}, "spec": spec}
    kube.create("/api/v1/namespaces/database/pods", pod)
    deny = {"ingressDeny": [{"fromEntities": ["host"]}]}
    kube.create(cnp_path("database"), {**example, "spec": {**example["spec"], **deny}})
    database.told(FINDING, "postgres", "Probing", "a deny rule")
    shows(operator, 1, "findings", namespace="database", reason=FINDING)
    policy = database.has("postgres")
    kube.replace(cnp_path("database", "postgres"), {**policy, "spec": example["spec"]})
    shows_none(operator, "findings", namespace="database")


def test_the_example_stands_on_its_own(example: dict[str, Any], engine: Engine) -> None:
    """Were the operator's baselines not there, nothing that must flow would be dropped."""
    example = {**example, "metadata": {**example["metadata"], "uid": "postgres"}}
    model = Model(
        "example",
        {"database": {}, "kube-system": {}, "monitoring": {}},
        {
            "database": [{"app": "postgres"}],
            "kube-system": [{"k8s-app": "kube-dns"}],
            "monitoring": [{"app.kubernetes.io/name": "prometheus"}],
        },
        (example, *taken_baselines()),
    )
    assert model.findings(check_platform.check) == []
    assert MustFlow(model, engine).drops() == Drops()
    lost = {
        message.split(" ")[0]
        for rule in model.rules()
        if rule.policy == "postgres"
        for message in [each.message for each in model.without(rule).findings(check_platform.check)]
    }
    assert lost == {"DNS", "Scraping"}
