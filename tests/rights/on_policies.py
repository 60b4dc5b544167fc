"""What needs the rights on policies, of Cilium's kinds and of Istio's: one scenario a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.spaces import PROFILE, Space
from tests.cluster.watched import series
from tests.rights.hand_made import SPECS, policy
from tests.rights.stage import Play, Stage
from tests.running_operator import RunningOperator

_MESH = {"istio.io/dataplane-mode": "ambient"}
# So that only the watch can have told of a change.
_NO_RESYNC = {"resyncSeconds": 3600}


@dataclass(frozen=True)
class Sort:
    """A kind of policy, and the one of it that scenarios are about.

    Attributes:
        kind: its kind.
        api: its API.
        plural: of the kind.
        name: of the policy.
        component: that its label names.
        namespaced: it is in a Namespace of the scenario's.
        unwanted: settings under which the operator takes it away.
    """

    kind: str
    api: str
    plural: str
    name: str
    component: str
    namespaced: bool = True
    unwanted: Mapping[str, Any] | None = None

    def collection(self, space: Space) -> str:
        """Where they are."""
        within = f"/namespaces/{space.name}" if self.namespaced else ""
        return f"/apis/{self.api}{within}/{self.plural}"

    def path(self, space: Space) -> str:
        """Where this one is."""
        return f"{self.collection(space)}/{self.name}"

    def stands(self, kube: Kube, space: Space) -> Manifest | None:
        """The policy, if it is there and says what the operator writes."""
        found = kube.get(self.path(space))
        return found if found is not None and found.get("spec") != SPECS[self.kind] else None


SORTS = {
    sort.plural: sort
    for sort in (
        Sort(
            "CiliumNetworkPolicy",
            "cilium.io/v2",
            "ciliumnetworkpolicies",
            "homelab-profile",
            "profile",
        ),
        Sort(
            "CiliumClusterwideNetworkPolicy",
            "cilium.io/v2",
            "ciliumclusterwidenetworkpolicies",
            "baseline-kube-api-access",
            "baseline",
            namespaced=False,
        ),
        Sort(
            "AuthorizationPolicy",
            "security.istio.io/v1",
            "authorizationpolicies",
            "homelab-mesh",
            "mesh",
        ),
        Sort(
            "PeerAuthentication",
            "security.istio.io/v1",
            "peerauthentications",
            "homelab-mesh",
            "mesh",
        ),
    )
}


def _put(stage: Stage, sort: Sort, space: Space, *, ours: bool) -> None:
    stage.kube.delete(sort.path(space))
    made = policy(sort.kind, sort.name, ours=sort.component if ours else None)
    stage.kube.create(sort.collection(space), made)


def create(sort: Sort, stage: Stage) -> Play:
    """A policy is missing."""
    app = stage.spaces({PROFILE: "isolated", **_MESH})
    stage.kube.delete(sort.path(app))
    return Play(lambda _: sort.stands(stage.kube, app))


def update(sort: Sort, stage: Stage) -> Play:
    """One of ours says something else."""
    app = stage.spaces({PROFILE: "isolated", **_MESH})
    _put(stage, sort, app, ours=True)
    return Play(lambda _: sort.stands(stage.kube, app))


def delete(sort: Sort, stage: Stage) -> Play:
    """One of ours is no longer wanted."""
    app = stage.spaces()
    _put(stage, sort, app, ours=True)
    elsewhere = {"kube-api": {"namespace": "database", "ports": [{"port": 443}]}}
    settings = {} if sort.namespaced else {"sharedResources": elsewhere}
    return Play(lambda _: stage.kube.get(sort.path(app)) is None, settings=settings)


def get(sort: Sort, stage: Stage) -> Play:
    """Somebody else has taken the name."""
    app = stage.spaces({PROFILE: "isolated", **_MESH})
    _put(stage, sort, app, ours=False)
    stage.afterwards(sort.path(app))

    def noticed(operator: RunningOperator) -> bool:
        return bool(series(operator, "conflicts", kind=sort.kind, name=sort.name))

    return Play(noticed)


def listed(sort: Sort, stage: Stage) -> Play:
    """The operator cannot know what stands."""
    app = stage.spaces({PROFILE: "isolated", **_MESH})
    stage.kube.delete(sort.path(app))
    return Play(lambda _: sort.stands(stage.kube, app))


def watched(sort: Sort, stage: Stage) -> Play:
    """Somebody edits a policy."""
    app = stage.spaces({PROFILE: "isolated", **_MESH})

    def edit() -> None:
        standing = eventually(lambda: sort.stands(stage.kube, app), f"{sort.name} to stand")
        standing.pop("specs", None)
        stage.kube.replace(sort.path(app), {**standing, "spec": SPECS[sort.kind]})

    return Play(lambda _: sort.stands(stage.kube, app), act=edit, settings=_NO_RESYNC)


_VERBS: dict[str, Callable[[Sort, Stage], Play]] = {
    "create": create,
    "update": update,
    "delete": delete,
    "get": get,
    "list": listed,
    "watch": watched,
}

SCENARIOS = {
    (plural, verb): partial(scenario, sort)
    for plural, sort in SORTS.items()
    for verb, scenario in _VERBS.items()
}
