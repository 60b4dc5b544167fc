"""What Cilium does with policies: whether it enforces them, and which labels it can select by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, Space, Spaces, access
from tests.cluster.watched import logged, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
PODS = "/api/v1/namespaces/kube-system/pods"
# Kubernetes puts it on each pod of a StatefulSet, and Cilium leaves it out of identities.
POD_NAME = "statefulset.kubernetes.io/pod-name"
SETTINGS = {
    "inspectionSeconds": 1,
    "sharedResources": {
        "ldap": {
            "namespace": "cache",
            "podLabels": {"controller-revision-hash": "ldap-1"},
            "ports": [{"port": 636}],
        }
    },
}
PORTS = [{"port": 5432}]

Configure = Callable[[Mapping[str, str]], None]


@pytest.fixture
def configure(kube: Kube) -> Iterator[Configure]:
    """Writes Cilium's ConfigMap, which is not there before the first call."""

    def write(data: Mapping[str, str]) -> None:
        kube.delete(f"{CONFIG_MAPS}/cilium-config")
        kube.create(CONFIG_MAPS, {"metadata": {"name": "cilium-config"}, "data": dict(data)})

    yield write
    kube.delete(f"{CONFIG_MAPS}/cilium-config")


@pytest.fixture
def agent(kube: Kube) -> Iterator[Callable[..., None]]:
    """Makes an agent's pod, ready, of a version; nothing runs in it."""

    def make(version: str = "1.18.4", ready: str = "True") -> None:
        image = f"quay.io/cilium/cilium:v{version}@sha256:{'0' * 64}"
        labels = {"k8s-app": "cilium"}
        spec = {"hostNetwork": True, "containers": [{"name": "cilium-agent", "image": image}]}
        kube.delete(f"{PODS}/cilium-1")
        kube.create(PODS, {"metadata": {"name": "cilium-1", "labels": labels}, "spec": spec})
        conditions = [{"type": "Ready", "status": ready}]
        kube.patch(f"{PODS}/cilium-1/status", {"status": {"conditions": conditions}})

    yield make
    kube.delete(f"{PODS}/cilium-1")


def ready_text(operator: RunningOperator) -> str:
    return operator.get("/readyz")


def test_where_nothing_is_known_of_cilium_the_log_says_so_and_no_alert_is_raised(
    operator: RunningOperator,
) -> None:
    shows(operator, 0, "enforcement_known")
    shows_none(operator, "enforcement_impaired")
    logged(operator, "Whether Cilium enforces policies is not known", "cilium-config")
    assert ready_text(operator) == "ok\n"


def test_audit_mode_is_told_until_it_is_off(
    operator: RunningOperator, configure: Configure, agent: Callable[..., None], spaces: Spaces
) -> None:
    agent()
    configure({"policy-audit-mode": "true"})
    shows(operator, 1, "enforcement_impaired", reason="AuditMode")
    shows(operator, 1, "enforcement_known")
    assert ready_text(operator) == (
        "ok\nnothing is enforced: Cilium's audit mode is on"
        " (policy-audit-mode in kube-system/cilium-config)\n"
    )
    spaces.existing("kube-system").told("PoliciesNotEnforced", "policy-audit-mode")
    configure({"policy-audit-mode": "false"})
    shows_none(operator, "enforcement_impaired")
    assert ready_text(operator) == "ok\n"
    spaces.existing("kube-system").told("PoliciesEnforced")


def test_policies_switched_off_are_told(
    operator: RunningOperator, configure: Configure, agent: Callable[..., None]
) -> None:
    agent()
    configure({"enable-policy": "never"})
    shows(operator, 1, "enforcement_impaired", reason="PoliciesOff")
    assert "nothing is enforced" in ready_text(operator)


def test_agents_that_are_not_there_or_not_ready_are_told(
    operator: RunningOperator, configure: Configure, agent: Callable[..., None]
) -> None:
    configure({"enable-policy": "default"})
    shows(operator, 1, "enforcement_impaired", reason="NoAgents")
    agent(ready="False")
    shows(operator, 1, "enforcement_impaired", reason="AgentsNotReady")
    shows_none(operator, "enforcement_impaired", reason="NoAgents")
    agent()
    shows_none(operator, "enforcement_impaired")


def test_a_resource_chosen_by_a_label_that_no_identity_has_is_refused(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    database = spaces()
    chosen = {POD_NAME: "pg-0"}
    db = definitions.resource(
        namespace=database.name, podLabels=chosen, ports=PORTS, target="exclusive"
    )
    app = spaces({PROFILE: "isolated", access(db.name): "true"})
    db.condition("Ready", "False", "LabelNotInIdentity", "spec.podLabels", POD_NAME, "no pod")
    db.told("LabelNotInIdentity", POD_NAME)
    app.told("AccessNotReady", POD_NAME, "no access is granted")
    app.has()
    app.lacks(f"homelab-access-{db.name}")
    database.lacks(f"homelab-grant-{db.name}")
    db.change(podLabels={POD_NAME: None, "app": "pg"})
    app.has(f"homelab-access-{db.name}")
    database.has(f"homelab-grant-{db.name}")


def test_access_that_stands_is_kept_when_the_selector_becomes_one_of_nobody(
    spaces: Spaces, definitions: Definitions
) -> None:
    database = spaces()
    db = definitions.resource(
        namespace=database.name, podLabels={"app": "pg"}, ports=PORTS, target="exclusive"
    )
    app = spaces({access(db.name): "true"})
    app.has(f"homelab-access-{db.name}")

    def granted() -> dict[str, Any] | None:
        spec: dict[str, Any] = database.has(f"homelab-grant-{db.name}")["spec"]
        return spec if app.name in str(spec) else None  # first, the resource had no consumer

    kept = eventually(granted, "the consumer in the grant")
    db.change(podLabels={"app": None, POD_NAME: "pg-0"})
    app.told("AccessNotReady", POD_NAME, "the access that stands is kept")
    app.has(f"homelab-access-{db.name}")
    assert database.has(f"homelab-grant-{db.name}")["spec"] == kept


def test_the_same_in_a_profile_and_in_the_settings(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    own = definitions.profile(
        ingress=[
            {
                "fromEndpoints": [
                    {"matchExpressions": [{"key": "pod-template-hash", "operator": "Exists"}]}
                ]
            }
        ]
    )
    own.condition(
        "Ready",
        "False",
        "LabelNotInIdentity",
        "spec.ingress[0].fromEndpoints[0]",
        "selects no endpoint",
    )
    home = spaces.existing("cache")
    home.told("LabelNotInIdentity", "sharedResources.ldap.podLabels", "controller-revision-hash")
    shows(operator, 1, "findings", namespace="cache", reason="LabelNotInIdentity")
    app = spaces({access("ldap"): "true"})
    app.told("AccessNotReady", "controller-revision-hash", "settings")


def test_this_clusters_own_filter_decides(
    spaces: Spaces,
    definitions: Definitions,
    operator: RunningOperator,
    configure: Configure,
    agent: Callable[..., None],
) -> None:
    home = spaces()
    queue = definitions.resource(namespace=home.name, podLabels={"team": "mq"}, ports=PORTS)
    app = spaces({access(queue.name): "true"})
    app.has(f"homelab-access-{queue.name}")
    agent()
    # One prefix that includes makes it a list of all that is kept, beside Cilium's own.
    configure({"labels": "k8s:app k8s:k8s-app"})
    queue.condition("Ready", "False", "LabelNotInIdentity", "team", "this cluster's Cilium")
    app.told("AccessNotReady", "team", "the access that stands is kept")
    gateways = spaces.existing("istio-gateway")
    label = "gateway.networking.k8s.io/gateway-name"
    gateways.told("LabelNotInIdentity", "gateways.internal[0].podLabels", label)
    shows(operator, 1, "enforcement_impaired", reason="LabelsNotInIdentities")
    assert label in ready_text(operator)
    configure({"labels": "!pod-hash"})
    queue.condition("Ready", "True", "Accepted")
    app.has(f"homelab-access-{queue.name}")


def test_a_pod_whose_label_takes_it_out_of_enforcement_is_told(
    spaces: Spaces,
    operator: RunningOperator,
    kube: Kube,
    configure: Configure,
    agent: Callable[..., None],
) -> None:
    agent("1.18.4")
    configure({"enable-policy": "default"})
    app = spaces({PROFILE: "isolated"})
    _pod(kube, app, host="shelf-2", app="web")
    app.told("PodLabelUnsafe", "label host", "1.18.4", "no policy is enforced")
    shows(operator, 1, "findings", namespace=app.name, reason="PodLabelUnsafe")
    configure({"enable-host-firewall": "true"})
    shows_none(operator, "findings", namespace=app.name)


def _pod(kube: Kube, space: Space, **labels: str) -> None:
    spec = {"containers": [{"name": "main", "image": "example.org/main"}]}
    body = {"metadata": {"name": "main", "labels": labels}, "spec": spec}
    kube.create(f"/api/v1/namespaces/{space.name}/pods", body)
