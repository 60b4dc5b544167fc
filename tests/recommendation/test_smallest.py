"""On small clusters no smaller set of the vocabulary's words lets everything pass."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.fixes import Change, Setting, Trials
from homelab_netpol.recommendation.frame import Asked
from homelab_netpol.recommendation.needs import Need
from homelab_netpol.recommendation.recommend import recommend
from homelab_netpol.settings import Settings
from lab.control_plane import Engine
from lab.control_plane import Flow as Asking
from tests.cases.modelled import Modelled, modelled
from tests.flow_lines import GATEWAY, end
from tests.recommendation.clusters import Json, passed, seen

DOMAIN, ACCESS = "network-policy.homelab", "access.network-policy.homelab"
PODS = {
    "my-app/web": {"app": "web"},
    "my-app/worker": {"app": "worker"},
    "istio-gateway/internal": {GATEWAY: "internal"},
    "istio-gateway/external": {GATEWAY: "external"},
    "database/postgres": {"app": "postgres"},
    "cache/dragonfly": {"app": "dragonfly"},
    "garage/garage": {"app": "garage"},
    "other/thing": {"app": "thing"},
    "other/more": {"app": "more"},
}
LAN, WORLD = "192.168.10.50/32", "203.0.113.10/32"
# By what is needed, how many labels and annotations of the vocabulary's it takes, by its tables.
NEEDS: dict[tuple[tuple[str, str, str], ...], int] = {
    (): 1,
    (("istio-gateway/internal", "my-app/web", "8080/TCP"),): 1,
    (("istio-gateway/external", "my-app/web", "8080/TCP"),): 1,
    (("my-app/web", "world", "443/TCP"),): 1,
    (("my-app/web", "world", "443/TCP"), ("istio-gateway/external", "my-app/web", "80/TCP")): 1,
    (("my-app/web", "world", "80/TCP"),): 2,
    (("my-app/web", "my-app/worker", "9000/TCP"),): 1,
    (("my-app/web", "database/postgres", "5432/TCP"),): 2,
    (
        ("my-app/web", "database/postgres", "5432/TCP"),
        ("my-app/worker", "cache/dragonfly", "6379/TCP"),
        ("istio-gateway/internal", "my-app/web", "8080/TCP"),
    ): 3,
    (("my-app/web", "garage/garage", "3900/TCP"), ("my-app/web", "world", "80/TCP")): 3,
    (("my-app/web", "kube-apiserver", "6443/TCP"),): 2,
    (("my-app/web", "istio-gateway/internal", "443/TCP"),): 2,
    (("lan", "my-app/web", "1883/TCP"),): 2,
    (("world", "my-app/web", "27015/UDP"), ("lan", "my-app/web", "27015/UDP")): 2,
    (("kube-apiserver", "my-app/web", "8443/TCP"),): 2,
    (
        ("lan", "my-app/web", "1883/TCP"),
        ("my-app/web", "database/postgres", "5432/TCP"),
        ("my-app/web", "my-app/worker", "9000/TCP"),
    ): 3,
}


@pytest.fixture(scope="module")
def cluster() -> Modelled:
    names = sorted({each.partition("/")[0] for each in PODS})
    return modelled("small", {each: {} for each in names}, PODS, (), Settings())


def as_flow(need: tuple[str, str, str]) -> Json:
    source, target = (_end(each) for each in need[:2])
    return passed(source, target, need[2])


def _end(words: str) -> tuple[Json, str]:
    if words in PODS:
        return end(words, **PODS[words])
    if words == "kube-apiserver":
        labels = ["reserved:kube-apiserver", "reserved:remote-node"]
        return {"identity": 7, "labels": labels}, "192.0.2.1"
    if words == "remote-node":
        return end(words)
    address = {"lan": LAN, "world": WORLD}[words].removesuffix("/32")
    return end(f"world {address}")


def every_word(needs: tuple[tuple[str, str, str], ...]) -> list[list[Setting]]:
    """What the vocabulary may say, by the label or annotation that says it."""
    outward = sorted({_listed(port) for _, to, port in needs if to == "world"})
    inward = sorted({_listed(port) for from_, _, port in needs if from_ in ("lan", "world")})
    ports = [",".join(some) for size in (1, 2) for some in combinations(inward, size)]
    said: list[list[Setting]] = [
        [
            Setting("my-app", f"{DOMAIN}/profile", each)
            for each in ("isolated", "internal", "internal-egress", "standard")
        ],
        [Setting("my-app", f"{DOMAIN}/intra-namespace", each) for each in ("allow", "deny")],
        [Setting("my-app", f"{ACCESS}/gateway", each) for each in ("internal", "external")],
        [Setting("my-app", f"{DOMAIN}/webhooks", "allow")],
        *(
            [Setting("my-app", f"{ACCESS}/{each}", "true")]
            for each in ("postgres", "dragonfly", "garage-s3", "kube-api")
        ),
        *(
            [Setting("my-app", f"{DOMAIN}/{key}", each, annotation=True) for each in ports]
            for key in ("lan-ports", "world-ports")
        ),
        [
            Setting("my-app", f"{DOMAIN}/internet-ports", ",".join(outward), annotation=True)
            for _ in outward[:1]
        ],
    ]
    return [each for each in said if each]


def _listed(port: str) -> str:
    number, _, protocol = port.partition("/")
    return number if protocol == "TCP" else f"{protocol}/{number}"


def smaller_sets(words: list[list[Setting]], size: int) -> Iterator[Change]:
    """Every set of fewer words; one is always a profile."""
    profiles, *others = words
    for number in range(size - 1):
        for groups in combinations(others, number):
            chosen: list[tuple[Setting, ...]] = [()]
            for group in ([*profiles], *groups):
                chosen = [(*some, each) for some in chosen for each in group]
            yield from map(Change, chosen)


def let_pass(model: ClusterModel, needs: list[Need], change: Change) -> bool:
    asked = Asked(Trials(model).after(change), model.namespaces)
    return all(asked.halves(need) == 0b11 for need in needs)


@pytest.mark.parametrize(("needed", "size"), NEEDS.items())
def test_everything_passes_and_with_no_smaller_set_of_words(
    engine: Engine, cluster: Modelled, needed: tuple[tuple[str, str, str], ...], size: int
) -> None:
    needs = seen(map(as_flow, needed)).needs(cluster.model)
    plan = recommend(cluster.model, needs, ["my-app"])
    assert plan.unmet == []
    assert plan.size == size
    assert plan.change.objects == ()
    for change in smaller_sets(every_word(needed), size):
        assert not let_pass(cluster.model, needs, change), change
    _pass_by_ciliums_word(engine, cluster, plan.after, needed)


BEYOND_WORDS: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (("my-app/web", "other/thing", "9999/TCP"),),
    (("my-app/web", "other/thing", "9999/TCP"), ("my-app/worker", "other/more", "53/UDP")),
    (("my-app/web", "other/thing", "9999/TCP"), ("my-app/web", "other/thing", "9998/TCP")),
)


@pytest.mark.parametrize("needed", BEYOND_WORDS)
def test_where_no_word_helps_one_resource_and_one_grant_do(
    engine: Engine, cluster: Modelled, needed: tuple[tuple[str, str, str], ...]
) -> None:
    needs = seen(map(as_flow, needed)).needs(cluster.model)
    plan = recommend(cluster.model, needs, ["my-app"])
    assert plan.unmet == []
    [resource] = plan.change.objects
    assert resource["kind"] == "SharedResource"
    assert [each.key for each in plan.labels["my-app"].settings] == [
        f"{DOMAIN}/profile",
        f"{ACCESS}/{resource['metadata']['name']}",
    ]
    for change in smaller_sets(every_word(needed), 4):
        assert not let_pass(cluster.model, needs, change), change
    _pass_by_ciliums_word(engine, cluster, plan.after, needed)


def test_a_profile_of_ones_own_is_the_last_resort(engine: Engine, cluster: Modelled) -> None:
    needed = (
        ("remote-node", "my-app/web", "9100/TCP"),
        ("istio-gateway/internal", "my-app/web", "8080/TCP"),
    )
    needs = seen(map(as_flow, needed)).needs(cluster.model)
    plan = recommend(cluster.model, needs, ["my-app"])
    assert plan.unmet == []
    [profile] = plan.change.objects
    assert profile["kind"] == "NetworkProfile"
    assert profile["spec"] == {
        "extends": "internal",
        "ingress": [
            {
                "fromEntities": ["remote-node"],
                "toPorts": [{"ports": [{"port": "9100", "protocol": "TCP"}]}],
            }
        ],
    }
    _pass_by_ciliums_word(engine, cluster, plan.after, needed)


def _pass_by_ciliums_word(
    engine: Engine,
    cluster: Modelled,
    after: ClusterModel,
    needed: tuple[tuple[str, str, str], ...],
) -> None:
    engine.identities(cluster.identities)
    rejected = engine.policies(
        [
            {**each, "metadata": {"uid": str(each["metadata"]), **each["metadata"]}}
            for each in after.in_force
        ]
    )
    assert rejected == []
    names = {"lan": LAN, "world": WORLD}
    asked = []
    for source, target, port in needed:
        number, _, protocol = port.partition("/")
        ends = names.get(source, source), names.get(target, target)
        asked.append(Asking(*ends, int(number), protocol))
    assert all(each.allowed for each in engine.verdicts(asked))
    engine.policies([])
