"""Which labels are in identities: ours and Cilium's own filter say the same of every key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.evaluation import Pod, ingress_verdict, read_policy
from homelab_netpol.cilium.identity_labels import DEFAULT, UNKNOWN, read_identity_labels
from homelab_netpol.cilium.label_faults import label_faults
from homelab_netpol.cilium.version import Version
from lab.control_plane import Engine, EngineError, Flow, Identity

# The engine's own.
CILIUM = [Version(1, 20, 1)]
_PARTS = (
    *("app", "team", "host", "k8s-app", "version", "annotation", "annotation.x", "etcd_node"),
    *("pod-template-hash", "pod-template-generation", "controller-revision-hash", "controller-uid"),
    *("controller-uid-of-mine", "job-name", "batch.kubernetes.io/job-name", "a-pod-template-hash"),
    *("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"),
    *("batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/controller-uid"),
    *("app.kubernetes.io/name", "app.kubernetes.io", "apps.kubernetes.io/other"),
    *("kubernetes.io/hostname", "kubernetesXio/x", "k8s.io/x", "x.k8s.io/x", "k8sXio/x"),
    *("io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.x"),
    *("beta.kubernetes.io/os", "failure-domain.beta.kubernetes.io/zone", "x.beta.kubernetes.io"),
    *("topology.kubernetes.io/zone", "topology.istio.io/network", "topology.kubernetes.iox"),
    *("io.cilium.k8s.policy.cluster", "io.cilium.k8s.policy.serviceaccount", "io.cilium.x"),
    *("gateway.networking.k8s.io/gateway-name", "istio.io/rev", "helm.sh/chart", "id.lizards"),
)
_OF_NAMESPACES = "io.cilium.k8s.namespace.labels."
KEYS = [*_PARTS, *(f"{_OF_NAMESPACES}{key}" for key in _PARTS)]
# Options as people write them, and as their mistakes look.
_PREFIXES = (
    *("k8s:app", "app", "k8s:k8s-app", "any:app", "!team", "k8s:!team", "!k8s:team"),
    *(r"!io\.cilium\.k8s\.namespace\.labels\.team", r"!io\.kubernetes\.pod\.namespace"),
    *(r"k8s:io\.kubernetes\.pod\.namespace", r"k8s:io\.cilium\.k8s\.policy", "io.cilium"),
    *("id.*", ":!annotation.x", "!.*hash", "pod-template-hash.*", r"kubernetes\.io/host", "!"),
    *("(app|team)", "!(job|version)$", "^host$", "[a-k].*", "x", ".*", "!.*", "app.?.?", "a{2}"),
    *(r"\w+", r"!\bteam", "[[:alpha:]]+"),
)


@pytest.fixture
def engine(engine: Engine) -> Iterator[Engine]:
    """The session's engine, without policies before and after."""
    engine.policies([])
    yield engine
    engine.policies([])


def test_the_default_list_is_ciliums(engine: Engine) -> None:
    found = read_identity_labels("", CILIUM)
    assert [found.keeps(key) for key in KEYS] == engine.keeps_labels(KEYS)


@pytest.mark.parametrize("count", [1, 2])
def test_every_option_makes_ciliums_filter(engine: Engine, count: int) -> None:
    for prefixes in itertools.permutations(_PREFIXES, count):
        found = read_identity_labels(" ".join(prefixes), CILIUM)
        assert found != UNKNOWN, prefixes
        expected = engine.keeps_labels(KEYS, prefixes)
        assert [found.keeps(key) for key in KEYS] == expected, prefixes


@pytest.mark.parametrize("prefix", ["(", "k8s:", "!(", "a**", "[z-a]", "k8s:(?=a)"])
def test_what_cilium_refuses_is_not_known(engine: Engine, prefix: str) -> None:
    with pytest.raises(EngineError):
        engine.keeps_labels(KEYS, [prefix])
    assert read_identity_labels(prefix, CILIUM) == UNKNOWN


@pytest.mark.parametrize("prefix", ["(?i)APP", r"\Qa.b\E", r"\pL+", r"\x61"])
def test_what_is_written_otherwise_for_python_is_not_guessed_at(
    engine: Engine, prefix: str
) -> None:
    engine.keeps_labels(KEYS, [prefix])
    assert read_identity_labels(prefix, CILIUM) == UNKNOWN


def test_where_versions_differ_and_none_is_known_nothing_is_said() -> None:
    zone, account = "topology.kubernetes.io/zone", "io.cilium.k8s.policy.serviceaccount"
    assert DEFAULT.keeps(zone) is None
    assert read_identity_labels("", [Version(1, 18, 0)]).keeps(zone) is True
    assert read_identity_labels("", [Version(1, 19, 0)]).keeps(zone) is False
    assert read_identity_labels("", [Version(1, 18, 0), Version(1, 19, 0)]).keeps(zone) is None
    assert read_identity_labels("k8s:app", [Version(1, 17, 0)]).keeps(account) is False
    assert read_identity_labels("k8s:app", [Version(1, 18, 0)]).keeps(account) is True
    assert read_identity_labels("", own_base=True).keeps("app") is None


# What the engine says of a pod with a label of the key, and of one without.
_WEB = {"app": "web"}
_DENYING = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "deny", "namespace": "shop"},
    "spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": [{"matchLabels": _WEB}]}]},
}


def test_cilium_enforces_nothing_on_a_pod_labelled_host(engine: Engine) -> None:
    engine.identities(
        {
            "guest": Identity.pod("guests"),
            "plain": Identity.pod("shop", {"app": "db"}),
            "host": Identity.pod("shop", {"app": "db", "host": "shelf-2"}),
        }
    )
    engine.policies([_DENYING])
    plain, labelled = engine.verdicts([Flow("guest", "plain", 80), Flow("guest", "host", 80)])
    assert (plain.ingress, labelled.ingress) == ("denied", "allowed")
    assert _faults(host="shelf-2") == ["host"]


def test_cilium_denies_everything_on_a_pod_labelled_init(engine: Engine) -> None:
    engine.identities(
        {
            "guest": Identity.pod("guests"),
            "plain": Identity.pod("free", {"app": "db"}),
            "init": Identity.pod("free", {"app": "db", "init": "true"}),
        }
    )
    engine.policies([])
    plain, labelled = engine.verdicts([Flow("guest", "plain", 80), Flow("guest", "init", 80)])
    assert (plain.ingress, labelled.ingress) == ("allowed", "denied")
    assert _faults(init="true") == ["init"]


@pytest.mark.parametrize("key", ["health", "world", "kube-apiserver", "unmanaged", "cluster"])
def test_other_names_of_ciliums_on_a_pod_change_nothing(engine: Engine, key: str) -> None:
    named = {"app": "db", key: "x"}
    engine.identities({"guest": Identity.pod("guests"), "named": Identity.pod("shop", named)})
    engine.policies([_DENYING])
    [verdict] = engine.verdicts([Flow("guest", "named", 80)])
    assert verdict.ingress == "denied"
    assert _faults(**{key: "x"}) == []


@pytest.mark.parametrize("prefixes", [(), ("k8s:app",), ("!team",), (r"kubernetes\.io/host",)])
def test_a_policy_is_judged_by_the_labels_that_are_in_identities(
    engine: Engine, prefixes: tuple[str, ...]
) -> None:
    keys = ["app", "team", "pod-template-hash", "kubernetes.io/hostname", "app.kubernetes.io/name"]
    kept = dict(zip(keys, engine.keeps_labels(keys, prefixes), strict=True))
    labels = dict.fromkeys(keys, "x")
    engine.identities(
        {
            "guest": Identity.pod("guests", {key: "x" for key in keys if kept[key]}),
            "db": Identity.pod("shop", {key: "x" for key in keys if kept[key]}),
        }
    )
    seen = read_identity_labels(" ".join(prefixes), CILIUM)
    guest, db = (Pod(name, {}, labels, True, seen) for name in ("guests", "shop"))
    for key, operator in itertools.product(keys, ("Exists", "DoesNotExist")):
        selector: Any = {"matchExpressions": [{"key": key, "operator": operator}]}
        peer = {**selector, "matchLabels": {"k8s:io.kubernetes.pod.namespace": "guests"}}
        for subject, rule in (
            ({}, {"fromEndpoints": [peer]}),
            (selector, {"fromCIDR": ["192.0.2.7/32"]}),
        ):
            spec: Any = {"endpointSelector": subject, "ingress": [rule]}
            policy = {**_DENYING, "spec": spec}
            assert engine.policies([policy]) == []
            [expected] = engine.verdicts([Flow("guest", "db", 80)])
            found = ingress_verdict([read_policy(policy)], db, guest, 80)
            assert found.outcome.value == expected.ingress, (key, operator, subject)


def _faults(**labels: str) -> list[str]:
    return [fault.key for fault in label_faults(labels, read_agent_config({}, CILIUM), CILIUM)]
