"""`check platform --together` finds, from manifests, what the operator finds in a cluster.

And more: probes outside the mesh, which the vocabulary asks for and nothing there needs; and rules
for the own pods that stand at one end only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.platform_policies.check import PlatformCheck
from homelab_netpol.platform_policies.results import RuleState
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from tests.models.model import Model
from tests.models.test_platform import DENIED, LOST, MODELS, RULES
from tests.models.writing import Json

_API = {"NetworkPolicy": "networking.k8s.io/v1"}


# Beyond what the operator looks at.
_MORE = ("Probes", "Own pods", "Service")


def missing(model: Model, *without: str) -> set[str]:
    """The platform namespaces in which something is missing, but for some rules."""
    manifests = ManifestSet()
    manifests.add(Manifest(each, Source("model")) for each in _objects(model))
    desired = desired_state(
        Catalogue(model.settings), manifests.namespaces(), datetime(2026, 1, 1, tzinfo=UTC)
    )
    # What others have taken the names of, the operator does not write.
    taken = {(each["kind"], each["metadata"]["name"]) for each in model.policies}
    own = [each for each in desired.policies if (each.key.kind, each.key.name) not in taken]
    cluster = ClusterModel(manifests, replace(desired, policies=own))
    check = PlatformCheck(cluster, together=True)
    return {
        name
        for name in check.namespaces()
        for each in check.check(name).rules
        if each.state is RuleState.MISSING and each.rule not in without
    }


def _objects(model: Model) -> list[Json]:
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in model.namespaces.items()
    ]
    for namespace, pods in model.pods.items():
        for number, labels in enumerate(pods):
            metadata = {"name": f"pod-{number}", "namespace": namespace, "labels": labels}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
    api = "cilium.io/v2"
    return [
        *found,
        *({"apiVersion": _API.get(each["kind"], api), **each} for each in model.policies),
    ]


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_missing_where_nothing_is_dropped(name: str) -> None:
    assert missing(MODELS[name], "Probes") == set()


def test_where_a_rule_is_taken_away_the_same_namespaces_miss_something() -> None:
    differing = {}
    for name, rule in RULES:
        model = MODELS[name].without(rule)
        lost = LOST.get((name, str(rule)), set())
        told = {namespace for namespace, what in lost if not what.startswith("Probing")}
        found = missing(model, *_MORE)
        if found != told or not {namespace for namespace, _ in lost} <= missing(model):
            differing[name, str(rule)] = (found, told)
    assert differing == {}


def test_a_deny_rule_is_found_as_well() -> None:
    for name, denying, namespace, _ in DENIED:
        assert namespace in missing(MODELS[name].with_policies(denying), "Hatch")
