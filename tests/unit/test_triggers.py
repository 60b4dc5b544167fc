"""What is known of the cluster: nothing that still stands is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Kind, PolicyKey, Scope, WorkKey
from homelab_netpol.policy.objects import read_live
from homelab_netpol.reconcile.requests import Requests
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings

HATCH = "homelab-escape-hatch"
OPEN = {"network-policy.homelab/enforcement": "disabled"}


def namespace(uid: str, version: int, labels: dict[str, str], name: str = "app") -> dict[str, Any]:
    metadata = {"name": name, "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata}


def hatch(version: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "homelab-netpol"}
    metadata = {"name": HATCH, "namespace": "app", "uid": "p", "labels": labels}
    return {"metadata": metadata | {"resourceVersion": str(version)}, "spec": {}}


def test_a_policy_that_outlives_its_namespace_is_known_in_the_next_one_of_that_name() -> None:
    """The API server can let a Namespace go while CRDs are not served, and keep what is in it."""
    triggers, cache = _cluster()
    read = cache.namespaces.read
    disabled = {"network-policy.homelab/enforcement": "disabled"}
    triggers.namespace_observed(read(namespace("first", 10, disabled)))
    triggers.policy_observed(read_live(Kind.CNP, hatch(11)))
    triggers.namespace_deleted("app", 12)
    requests = triggers.namespace_observed(read(namespace("second", 13, {})))
    key = WorkKey(Scope.NAMESPACE, "app")
    assert key in requests
    assert PolicyKey(Kind.CNP, "app", HATCH) in cache.policies.owned_by(key)
    intent = cache.intents.get("app")
    assert intent is not None
    assert not intent.hatch_open


@pytest.mark.parametrize(
    "caller",
    [
        {"access.network-policy.homelab/gateway": "internal"},
        {"network-policy.homelab/enforcement": "disabled"},
    ],
    ids=["grant", "hatch"],
)
@pytest.mark.parametrize("caller_first", [True, False])
def test_the_list_beside_a_gateway_is_looked_at_once_caller_and_gateway_are_there(
    caller: dict[str, str], caller_first: bool
) -> None:
    triggers, cache = _cluster()
    arrivals = [("app", caller), ("istio-gateway", {})]
    if not caller_first:
        arrivals.reverse()
    requests = [
        triggers.namespace_observed(cache.namespaces.read(namespace(name, number, labels, name)))
        for number, (name, labels) in enumerate(arrivals, start=10)
    ]
    assert WorkKey(Scope.CALLERS, "internal") in requests[-1]


def _cluster() -> tuple[Triggers, ClusterCache]:
    cache = ClusterCache(Catalogue(Settings()))
    return Triggers(cache), cache


class Hatched:
    """A namespace with an open hatch, among shared resources that change."""

    def __init__(self) -> None:
        self.cache = ClusterCache(Catalogue(Settings()))
        self.triggers = Triggers(self.cache)
        self._version = 1
        for name, labels in (("app", OPEN), ("istio-gateway", {})):
            observed = self.cache.namespaces.read(namespace(name, 1, labels, name=name))
            self.triggers.namespace_observed(observed)

    def define(self, name: str, **spec: Any) -> Requests:
        """A SharedResource says this now."""
        self._version += 1
        metadata = {"name": name, "uid": name, "resourceVersion": str(self._version)}
        spec = {"namespace": "home", "ports": [{"port": 80}], **spec}
        live = read_definition(DefinitionKind.RESOURCE, {"metadata": metadata, "spec": spec})
        return self.triggers.definition_observed(DefinitionKind.RESOURCE, live)

    def delete(self, name: str) -> Requests:
        """A SharedResource goes."""
        self._version += 1
        return self.triggers.definition_deleted(DefinitionKind.RESOURCE, name, self._version)

    def is_let_in(self, key: WorkKey) -> bool:
        """The policies of a key list the namespace."""
        return "app" in self.cache.intents.consumers(key)


def test_an_open_hatch_is_let_in_by_whom_allow_from_names_now() -> None:
    hatched, nas = Hatched(), WorkKey(Scope.TARGET, "nas")
    hatched.define("nas", allowFrom={"matchLabels": {"team": "shop"}})
    assert not hatched.is_let_in(nas)
    assert nas in hatched.define("nas")
    assert hatched.is_let_in(nas)
    assert nas in hatched.define("nas", allowFrom={"matchLabels": {"team": "shop"}})
    assert not hatched.is_let_in(nas), "nobody gets past it by opening a hatch of his own"


def test_an_open_hatch_is_let_in_by_the_gateways_until_a_resource_takes_their_name() -> None:
    hatched, callers = Hatched(), WorkKey(Scope.CALLERS, "internal")
    assert hatched.is_let_in(callers)
    assert callers in hatched.define("gateway")
    assert not hatched.is_let_in(callers)
    assert callers in hatched.delete("gateway")
    assert hatched.is_let_in(callers)
