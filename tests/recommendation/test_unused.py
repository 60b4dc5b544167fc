"""Grants that nobody used, over the time that flows really cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.recommendation.unused import Finding, Span, Use, unused
from homelab_netpol.settings import Settings
from tests.recommendation.clusters import Json, passed, seen

DOMAIN, ACCESS = "network-policy.homelab", "access.network-policy.homelab"
WHEN = datetime(2026, 3, 1, 22, 14, 5, tzinfo=UTC)
MONTH = Span(WHEN - timedelta(days=30), WHEN, WHEN - timedelta(days=30))


def cluster(made: str, annotations: Json | None = None, **labels: str) -> ClusterModel:
    keys = {
        f"{DOMAIN}/profile" if key == "profile" else f"{ACCESS}/{key.replace('_', '-')}": value
        for key, value in labels.items()
    }
    metadata: Json = {
        "name": "my-app",
        "creationTimestamp": made,
        "labels": keys,
        "annotations": annotations or {},
    }
    found: list[Json] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        _pod("my-app", "web"),
        _pod("database", "postgres"),
    ]
    manifests = ManifestSet()
    manifests.add(Manifest(each, Source("cluster.yaml")) for each in found)
    state = desired_state(Catalogue(Settings()), manifests.namespaces(), datetime.now(UTC))
    return ClusterModel(manifests, state)


def _pod(namespace: str, app: str) -> Json:
    metadata = {"name": app, "namespace": namespace, "labels": {"app": app}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}


def use_of(model: ClusterModel, *flows: Json, span: Span = MONTH) -> dict[str, Finding]:
    found = unused(model, seen(flows).needs(model), span)
    return {each.setting.key.rpartition("/")[2]: each for each in found}


TO_POSTGRES = passed("my-app/web", "database/postgres", "5432/TCP")
OUT = passed("my-app/web", "world", "443/TCP")
OLD = "2025-01-01T00:00:00Z"


def test_a_grant_is_used_by_the_flows_that_need_it_and_by_no_others() -> None:
    model = cluster(OLD, profile="isolated", postgres="true", dragonfly="true")
    found = use_of(model, TO_POSTGRES, TO_POSTGRES)
    assert (found["postgres"].use, found["postgres"].flows) == (Use.USED, 2)
    assert found["postgres"].last is not None
    assert (found["dragonfly"].use, found["dragonfly"].flows) == (Use.UNUSED, 0)
    assert found["profile"].use is Use.USED


@pytest.mark.parametrize(
    ("profile", "enough"), [("standard", "internal-egress"), ("internal-egress", "")]
)
def test_of_a_profile_the_narrowest_that_is_enough_is_said(profile: str, enough: str) -> None:
    found = use_of(cluster(OLD, profile=profile), OUT)["profile"]
    assert found.instead == enough
    assert found.use is (Use.WIDER if enough else Use.USED)


def test_a_namespace_younger_than_the_flows_is_not_claimed_to_use_nothing() -> None:
    model = cluster("2026-02-20T00:00:00Z", profile="isolated", dragonfly="true")
    assert use_of(model)["dragonfly"].use is Use.TOO_YOUNG


def test_annotations_that_open_ports_are_judged_as_well() -> None:
    lan = {f"{DOMAIN}/lan-ports": "1883"}
    model = cluster(OLD, lan, profile="isolated")
    assert use_of(model)["lan-ports"].use is Use.UNUSED
    from_lan = passed("world 192.168.1.9", "my-app/web", "1883/TCP")
    assert use_of(model, from_lan)["lan-ports"].use is Use.USED


def test_flows_that_begin_later_than_was_asked_are_short() -> None:
    asked = WHEN - timedelta(days=30)
    assert not Span(asked, WHEN, asked).is_short()
    assert Span(WHEN - timedelta(days=3), WHEN, asked).is_short()
    assert Span(None, None, asked).is_short()
    assert not Span(WHEN, WHEN, None).is_short()
