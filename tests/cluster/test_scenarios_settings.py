"""What the settings file changes, and how it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import words
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, Manifest
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces, access, version_of
from tests.cluster.watched import resync, series
from tests.running_operator import OperatorError, RunningOperator, running_operator

Start = Callable[[Mapping[str, Any]], AbstractContextManager[RunningOperator]]
ADDITIVE = {"ingress": False, "egress": False}
EVERY_POD = {"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}


@pytest.fixture
def start(account: Path, kube: Kube) -> Start:
    """Starts an operator with settings of the test's own."""
    return lambda settings: running_operator(account, {**QUICK, **settings})


def denied(rules: list[Manifest]) -> list[Manifest]:
    """The selectors of those rules that switch on default deny."""
    return [rule["endpointSelector"] for rule in rules if rule.get("enableDefaultDeny") != ADDITIVE]


@pytest.mark.parametrize("scope", ["labelled", "workload", "cluster"])
def test_the_scope_of_default_deny_is_seen_in_the_baselines(
    start: Start, kube: Kube, scope: str
) -> None:
    with start({"defaultDeny": scope}):
        for name in ("baseline-dns-egress", "baseline-health-probes", "baseline-prometheus-scrape"):
            baseline = kube.ccnp(name)
            assert baseline is not None, "ready means that the baselines stand"
            selectors = denied(baseline["specs"])
            if scope == "labelled":
                assert selectors == [], "the profiles deny by themselves"
                continue
            (selector,) = selectors
            assert EVERY_POD in selector["matchExpressions"]
            excluded = [
                e["values"] for e in selector["matchExpressions"] if e["operator"] == "NotIn"
            ]
            if scope == "cluster":
                assert excluded == []
            else:
                assert {"kube-system", "database", "istio-gateway"} <= set(excluded[0])


def test_labels_of_another_domain_and_resources_of_ones_own(
    start: Start, spaces: Spaces, kube: Kube
) -> None:
    queue = spaces.fresh_name()
    own = {"namespace": queue, "ports": [{"port": 5672}, {"port": 123, "protocol": "UDP"}]}
    settings = {
        "labelDomain": "net.example.org",
        "platformNamespaces": ["kube-system", queue],
        "sharedResources": {"rabbit": {**own, "target": "exclusive"}},
    }
    theirs = spaces({PROFILE: "standard", access("postgres"): "true"})
    ours = spaces(
        {
            "net.example.org/profile": "internal",
            "access.net.example.org/rabbit": "true",
            "access.net.example.org/postgres": "true",
        }
    )
    with start(settings):
        ours.holds_only(PROFILE_POLICY, "homelab-access-rabbit", "homelab-access-postgres")
        egress = words.allowed(ours.has("homelab-access-rabbit"), "egress")
        assert egress == {f"pods of {queue} on TCP/5672 UDP/123"}
        again = spaces(name=queue)
        grant = again.has("homelab-grant-rabbit")
        assert words.consumers(grant) == [ours.name]
        assert grant["spec"]["enableDefaultDeny"]["ingress"], "exclusive: all others are denied"
        assert theirs.policies() == {}


def template(folder: Path, name: str, rules: str) -> None:
    """Writes a profile's template that does not depend on anything."""
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    spec = f"spec: {{endpointSelector: {{}}, {rules}}}"
    text = f"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n{spec}\n"
    (profiles / f"{name}.yaml.j2").write_text(text, encoding="utf-8")


def test_templates_of_ones_own(start: Start, spaces: Spaces, kube: Kube, tmp_path: Path) -> None:
    # The API server fills in `family` by itself.
    template(
        tmp_path, "pinged", "ingress: [{fromEntities: [cluster], icmps: [{fields: [{type: 8}]}]}]"
    )
    # A consumer that goes away is a write to the grants it stood in.
    kube.wait_for_deletions()
    pinged = spaces({PROFILE: "pinged"})
    with start({"templates": str(tmp_path)}) as operator:
        before = pinged.has_profile("pinged")
        written = sum(series(operator, "writes_total"))
        resync(operator, 2)
        assert version_of(pinged.policy()) == version_of(before)
        assert sum(series(operator, "writes_total")) == written, "a default of the server: no drift"
        assert pinged.events("DriftReverted") == []


def test_a_template_that_cilium_would_reject_ends_the_start(start: Start, tmp_path: Path) -> None:
    template(
        tmp_path, "rejected", "egress: [{toEntities: [world], toPorts: [{ports: [{port: 80}]}]}]"
    )
    says = r"rejected\.yaml\.j2: spec\.egress\[0\]\.toPorts\[0\]\.ports\[0\]\.port"
    with pytest.raises(OperatorError, match=says), start({"templates": str(tmp_path)}):
        pass


def test_a_template_that_cannot_be_rendered_ends_the_start(start: Start, tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    broken = tmp_path / "profiles" / "broken.yaml.j2"
    broken.write_text("{% if gateway_ports %}{{ nobody_knows_me }}{% endif %}", encoding="utf-8")
    with (
        pytest.raises(OperatorError, match=r"broken\.yaml\.j2"),
        start({"templates": str(tmp_path)}),
    ):
        pass


def test_wrong_settings_end_the_start_and_name_every_field(start: Start) -> None:
    settings = {
        "defaultDeny": "everything",
        "gateways": {"namspace": "istio"},
        "sharedResources": {"queue": {"namespace": "queue", "ports": [{"port": 0}]}},
    }
    with pytest.raises(OperatorError, match="status 1") as error, start(settings):
        pass
    for field in ("defaultDeny", "gateways.namspace", "sharedResources.queue.ports"):
        assert field in str(error.value)
    assert "workload" in str(error.value), "what was expected"
    assert "Traceback" not in str(error.value)
