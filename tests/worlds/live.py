"""A random world on a real API server: whatever changes in it is changed there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.definitions import Definitions, read_profile, read_resource
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.keys import Kind
from homelab_netpol.settings import Settings
from tests.cluster.kube import Kube, eventually, namespace_path
from tests.cluster.own_crds import PROFILES, RESOURCES
from tests.cluster.spaces import MANAGED_BY, OPERATOR
from tests.worlds.world import Profile, Resource, Space, World

_SETTINGS = Settings()

# What a policy says: its labels, and its body. By kind, namespace and name.
Said = dict[tuple[str, str, str], tuple[dict[str, str], Any]]


class LiveWorld:
    """The world that is on the API server.

    Attributes:
        world: as it was made last.
    """

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self.world = World()

    def become(self, world: World) -> None:
        """Changes what is different; a Namespace that is still going is left out."""
        spaces = dict(world.spaces)
        for name in {**self.world.spaces, **world.spaces}:
            if not self._space(name, self.world.spaces.get(name), world.spaces.get(name)):
                spaces.pop(name)
        self._customs(PROFILES, self.world.profiles, world.profiles)
        self._customs(RESOURCES, self.world.resources, world.resources)
        self.world = World(spaces=spaces, profiles=world.profiles, resources=world.resources)

    def clear(self) -> None:
        """Takes everything away."""
        self.become(World())

    def _space(self, name: str, old: Space | None, new: Space | None) -> bool:
        """Follows one Namespace; says whether it is there now if it should be."""
        path = namespace_path(name)
        if new is None:
            self._kube.delete(path)
        elif old is None:
            metadata = new.manifest()["metadata"]
            named = {key: metadata[key] for key in ("name", "labels", "annotations")}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": named}
            status, _ = self._kube.call("POST", "/api/v1/namespaces", body)
            return status == 201  # 409: the last one of this name has not gone yet
        elif (old.labels, old.annotations) != (new.labels, new.annotations):
            changed = {
                "labels": _changes(old.labels, new.labels),
                "annotations": _changes(old.annotations, new.annotations),
            }
            self._kube.patch(path, {"metadata": changed})
        return True

    def _customs(
        self,
        collection: str,
        old: Mapping[str, Profile] | Mapping[str, Resource],
        new: Mapping[str, Profile] | Mapping[str, Resource],
    ) -> None:
        for name in old.keys() - new.keys():
            self._kube.delete(f"{collection}/{name}")
        for name, wanted in new.items():
            if name not in old:
                self._kube.create(collection, wanted.manifest())
            elif old[name] != wanted:
                self._replace(f"{collection}/{name}", wanted.manifest()["spec"])

    def _replace(self, path: str, spec: Any) -> None:
        """Writes a spec; again if the operator has just written the status."""

        def written() -> bool:
            found = self._kube.get(path)
            assert found is not None, f"{path} is gone"
            status, text = self._kube.call("PUT", path, found | {"spec": spec})
            assert status in (200, 409), text
            return status == 200

        eventually(written, f"{path} to be replaced")


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str | None]:
    return {**dict.fromkeys(old.keys() - new.keys(), None), **new}


def standing(kube: Kube) -> Said:
    """All policies of the operator, as they stand."""
    found: Said = {}
    for kind in Kind.CNP, Kind.CCNP:
        for item in kube.items(f"/apis/cilium.io/v2/{kind.plural}"):
            metadata = item["metadata"]
            labels = metadata.get("labels") or {}
            if labels.get(MANAGED_BY) == OPERATOR:
                key = (kind.value, metadata.get("namespace", ""), metadata["name"])
                rules = {part: item[part] for part in ("spec", "specs") if part in item}
                found[key] = (labels, rules)
    return found


def wanted(kube: Kube) -> Said:
    """What should stand: the pure function of all that is on the API server."""
    definitions = Definitions(
        {each["metadata"]["name"]: read_profile(each) for each in kube.items(PROFILES)},
        {each["metadata"]["name"]: read_resource(each) for each in kube.items(RESOURCES)},
    )
    catalogue = Catalogue(_SETTINGS, definitions)
    policies = desired_policies(catalogue, kube.items("/api/v1/namespaces"), datetime.now(UTC))
    return {
        (policy.key.kind.value, policy.key.namespace, policy.key.name): (
            dict(policy.labels),
            dict(policy.body),
        )
        for policy in policies
    }
