"""The client of the verdict engine, against the real engine: what it is told and what it tells."""

from collections.abc import Iterator

import pytest

from lab.control_plane import Engine, EngineError, Flow, Identity, Lab, Rejection, Verdict

WEB = Identity.pod("shop", {"app": "web"})
BATCH = Identity.pod("batch", namespace_labels={"team": "night"})
IDENTITIES = {
    "web": WEB,
    "batch": BATCH,
    "world": Identity.entity("world"),
    "partner": Identity.address("203.0.113.7/32"),
}
DENIED_INGRESS = Verdict(allowed=False, egress="allowed", ingress="denied")
ALLOWED = Verdict(allowed=True, egress="allowed", ingress="allowed")


@pytest.fixture
def engine(engine: Engine) -> Iterator[Engine]:
    """The session's engine with identities of ours, and without policies, before and after."""
    engine.identities(IDENTITIES)
    engine.policies([])
    yield engine
    engine.policies([])


def policy(**spec: object) -> dict[str, object]:
    metadata = {"name": "only-night", "namespace": "shop"}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": {"endpointSelector": {}, **spec}}


def from_namespaces_with(key: str, value: str) -> dict[str, object]:
    labels = {
        "k8s:io.kubernetes.pod.namespace": "batch",
        f"k8s:io.cilium.k8s.namespace.labels.{key}": value,
    }
    return policy(ingress=[{"fromEndpoints": [{"matchLabels": labels}]}])


def test_a_flow_without_policies_is_allowed_and_ends_that_are_no_pods_have_no_say(
    engine: Engine,
) -> None:
    flows = [
        Flow("web", "batch", 80),
        Flow("web", "world", 443),
        Flow("partner", "web", 53, "UDP"),
    ]
    assert engine.verdicts(flows) == [
        ALLOWED,
        Verdict(allowed=True, egress="allowed", ingress="none"),
        Verdict(allowed=True, egress="none", ingress="allowed"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "verdict"),
    [
        ("team", "night", ALLOWED),
        ("team", "day", DENIED_INGRESS),
        ("kubernetes.io/metadata.name", "batch", ALLOWED),
    ],
)
def test_a_pod_is_known_by_the_labels_of_its_namespace(
    engine: Engine, key: str, value: str, verdict: Verdict
) -> None:
    assert engine.policies([from_namespaces_with(key, value)]) == []
    assert engine.verdicts([Flow("batch", "web", 80)]) == [verdict]


def test_what_cilium_rejects_is_listed_and_not_in_force(engine: Engine) -> None:
    good, empty = from_namespaces_with("team", "day"), policy()
    empty["metadata"] = {"name": "empty", "namespace": "batch"}
    (rejection,) = engine.policies([good, empty])
    expected = Rejection(1, "CiliumNetworkPolicy", "batch", "empty", rejection.error)
    assert rejection == expected
    assert "rule must have at least one of" in rejection.error
    assert engine.verdicts([Flow("batch", "web", 80), Flow("web", "batch", 80)]) == [
        DENIED_INGRESS,
        ALLOWED,
    ]


def test_many_flows_are_answered_in_their_order(engine: Engine) -> None:
    engine.policies([from_namespaces_with("team", "day")])
    flows = [Flow("batch", "web", 80), Flow("web", "batch", 80), Flow("web", "web", 1)] * 4_000
    verdicts = engine.verdicts(flow for flow in flows)
    assert verdicts == [DENIED_INGRESS, ALLOWED, DENIED_INGRESS] * 4_000


def test_a_refused_request_says_why_and_the_engine_goes_on(engine: Engine) -> None:
    with pytest.raises(EngineError, match='flow 0: unknown identity "nobody"'):
        engine.verdicts([Flow("nobody", "web", 80)])
    with pytest.raises(EngineError, match='unknown entity "moon"'):
        engine.identities({"moon": Identity.entity("moon")})
    assert engine.verdicts([Flow("web", "batch", 80)]) == [ALLOWED]


def test_an_engine_that_is_gone_is_an_error_with_its_last_words(lab: Lab) -> None:
    class Broken(Lab):
        def command(self, *arguments: str) -> list[str]:
            return super().command(*arguments, "--no-such-flag")

    last_words = pytest.raises(EngineError, match=r"status 1(.|\n)*usage: netpol-lab engine")
    with Engine(Broken(lab.binary)) as engine, last_words:
        engine.verdicts([Flow("web", "batch", 80)])


def test_an_engine_outside_its_with_block_is_an_error(lab: Lab) -> None:
    engine = Engine(lab)
    with pytest.raises(EngineError, match="not been started"):
        engine.policies([])
    with engine:
        engine.policies([])
    with pytest.raises(EngineError, match="not been started"):
        engine.policies([])
