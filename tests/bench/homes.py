"""A small homelab on a control plane of its own, and the operators that are measured in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.subjects import Running, Subject, running
from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from tests.cluster.cilium_config import write_quick_identities
from tests.cluster.kube import CCNP, CNP, Kube, Manifest, eventually, namespace_path

Labelled = Mapping[str, Mapping[str, str]]
Stands = dict[str, Manifest]

_DOMAIN = "network-policy.homelab"
_CLOSED_HATCHES = f"{_DOMAIN}/closed-hatches"
_NOTED_PORTS = (f"{_DOMAIN}/gateway-ports", f"{_DOMAIN}/internet-ports")
_MANAGED = "labelSelector=app.kubernetes.io/managed-by%3Dhomelab-netpol"

_POSTGRES = {f"access.{_DOMAIN}/postgres": "true"}
_DRAGONFLY = {f"access.{_DOMAIN}/dragonfly": "true"}
_GARAGE = {f"access.{_DOMAIN}/garage-s3": "true"}
_KUBE_API = {f"access.{_DOMAIN}/kube-api": "true"}
_OPEN = {f"{_DOMAIN}/enforcement": "disabled"}


def _profile(name: str) -> dict[str, str]:
    return {f"{_DOMAIN}/profile": name}


# `garage` is not there: a grant then has one side only. `monitoring` may have no profile.
BEFORE: Labelled = {
    "database": {},
    "cache": {},
    "istio-gateway": {},
    "monitoring": _profile("standard") | _POSTGRES,
    "jobs": _profile("isolated"),
    "wiki": _profile("internal") | _POSTGRES,
    "feeds": _profile("internal-egress") | _DRAGONFLY | _KUBE_API,
    "blog": _profile("standard") | _POSTGRES | _GARAGE,
    "broken": _profile("standard") | _OPEN,
    "odd": _profile("no-such-profile") | {f"{_DOMAIN}/enforcement": "enabled"},
    "plain": {},
    "granted": dict(_POSTGRES),
    "open": dict(_OPEN),
}

# Every kind of change that the scenarios make; nobody uses `cache` any more.
AFTER: Labelled = {
    **BEFORE,
    "jobs": _profile("standard"),  # another profile
    "wiki": {},  # profile and grant removed
    "feeds": _profile("internal-egress"),  # grants removed
    "blog": _profile("standard") | _POSTGRES | _KUBE_API,  # one grant for another
    "broken": _profile("standard"),  # hatch closed
    "plain": _profile("isolated") | _POSTGRES,  # both at once
    "open": {},
    "fresh": _profile("internal"),  # a new Namespace
    "garage": {},  # likewise, of a resource
}


class Home:
    """A control plane with Namespaces.

    Attributes:
        kube: to look and to interfere.
    """

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.kube = Kube(plane.kubeconfig, plane.context)
        self._plane = plane
        self._folder = folder
        self._made: set[str] = set()

    def running(
        self, subject: Subject, settings: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Running]:
        """Runs an operator until the block ends; it is ready when the block begins."""
        plane = self._plane
        return running(subject, plane.kubeconfig, self._folder, plane.group, settings or {})

    def label(self, wanted: Labelled) -> None:
        """Makes the Namespaces be just these, with just these labels of ours."""
        gone = [namespace_path(name) for name in self._made - wanted.keys()]
        for path in gone:
            self.kube.delete(path)
        eventually(lambda: not any(map(self.kube.get, gone)), f"{gone} to be gone")
        for name, labels in wanted.items():
            if name not in self._made:
                metadata = {"name": name, "labels": dict(labels)}
                self.kube.create("/api/v1/namespaces", {"metadata": metadata})
                continue
            found = self.kube.get(namespace_path(name)) or {}
            others = {key: None for key in found["metadata"]["labels"] if _DOMAIN in key}
            patch = {"metadata": {"labels": others | dict(labels)}}
            self.kube.patch(namespace_path(name), patch)
        self._made = set(wanted)

    def stands(self) -> Stands:
        """All managed policies: how they are marked, and what they say.

        Without the notes that ours makes on hatches: those are its memory of when one closes by
        itself, which the peers leave out.
        """
        return {
            _where(item): {
                "labels": item["metadata"]["labels"],
                "noted ports": _noted_ports(item),
                "spec": item.get("spec"),
                "specs": item.get("specs"),
            }
            for item in self._policies()
        }

    def settled(self) -> Stands:
        """The same, once ours leaves no Namespace out of the hatch's net.

        It does so for a moment when a hatch closes, until Cilium has caught up; peers do not.
        """

        def none_is_left_out() -> bool:
            return not any(_annotations(item).get(_CLOSED_HATCHES) for item in self._policies())

        eventually(none_is_left_out, "Cilium to have caught up with every closed hatch")
        return self.stands()

    def versions(self) -> dict[str, str]:
        """The resourceVersion of every managed policy: whoever writes one changes it."""
        return {_where(item): item["metadata"]["resourceVersion"] for item in self._policies()}

    def _policies(self) -> list[Manifest]:
        return [
            item
            for kind in (CNP, CCNP)
            for item in self.kube.items(f"/apis/cilium.io/v2/{kind}?{_MANAGED}")
        ]


@contextmanager
def home(lab: Lab) -> Iterator[Home]:
    """Starts a control plane without any Namespace of ours."""
    with (
        TemporaryDirectory(prefix="homelab-netpol-peers-") as folder,
        ControlPlane(lab=lab, crds=own_crds()) as plane,
    ):
        found = Home(plane, Path(folder))
        write_quick_identities(found.kube)
        yield found
        found.kube.close()


def _noted_ports(item: Manifest) -> list[str | None]:
    return [_annotations(item).get(key) for key in _NOTED_PORTS]


def _annotations(item: Manifest) -> dict[str, str]:
    annotations: dict[str, str] = item["metadata"].get("annotations", {})
    return annotations


def _where(item: Manifest) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
