"""Pods as manifests describe them: pods themselves, and what makes them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.manifest import Manifest, ManifestError
from homelab_netpol.manifests.manifest_set import ManifestSet
from homelab_netpol.shapes import mapping

_ENDED = ("Succeeded", "Failed")
# These labels distinguish replicas and revisions of one workload, and nothing else.
OF_REPLICAS = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A port that a container declares.

    Attributes:
        number: the port.
        protocol: TCP, UDP or SCTP.
        name: by which policies and Services may mean it; "" for none.
        sidecar: an init container declares it, one that goes on running. Services may mean it by
            its name, policies of Cilium's not.
    """

    number: int
    protocol: str = "TCP"
    name: str = ""
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods that are alike: one pod, or what makes them.

    Attributes:
        kind: `Pod`, `Deployment` etc.
        namespace: where they are.
        name: of the object.
        labels: of the pods.
        ports: those that their containers declare.
        service_account: under which they run.
        host_network: they use their node's network, where no pod policy holds.
        manifest: the object.
    """

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    ports: tuple[NamedPort, ...]
    service_account: str
    host_network: bool
    manifest: Manifest

    def __str__(self) -> str:
        """As messages name it: `Deployment photos/web`."""
        return f"{self.kind} {self.namespace}/{self.name}"


def workloads(manifests: ManifestSet) -> list[Workload]:
    """All that is given; pods that have ended, and pods of a workload that is given, are left out.

    Raises:
        ManifestError: one's pods are not described as they must be.
    """
    made = [each for kind in kinds.WORKLOADS for each in _of_kind(manifests, kind)]
    known = {(each.kind, each.namespace, each.name) for each in made}
    pods = [each for each in _of_kind(manifests, kinds.POD) if not _is_made(each.manifest, known)]
    # Of what a workload makes to make pods, such as a Deployment's ReplicaSets, the maker counts.
    tops = [each for each in made if not _is_made(each.manifest, known)]
    return sorted((*tops, *pods), key=lambda each: (each.namespace, each.kind, each.name))


def workload_of(pod: Manifest) -> Workload:
    """One pod, whatever made it.

    Raises:
        ManifestError: it is not described as it must be.
    """
    return _read(pod.data, pod)


def has_ended(status: Mapping[str, Any]) -> bool:
    """Whether a pod with this status runs no more, and its address may be another's."""
    return status.get("phase") in _ENDED


def template_of(manifest: Manifest) -> Mapping[str, Any]:
    """What describes the pods of an object that is one, or makes some; empty: nothing does."""
    return mapping(manifest.data, *kinds.WORKLOADS.get(manifest.kind, ()))


def _of_kind(manifests: ManifestSet, kind: str) -> Iterator[Workload]:
    for manifest in manifests.of(kind):
        if kind == kinds.POD:
            status = manifest.data.get("status") or {}
            if has_ended(_mapping(status, manifest, "status")):
                continue
        template: Any = manifest.data
        for step in kinds.WORKLOADS.get(kind, ()):
            template = _mapping(template.get(step), manifest, step)
        yield _read(template, manifest)


def _read(template: Mapping[str, Any], manifest: Manifest) -> Workload:
    metadata = _mapping(template.get("metadata") or {}, manifest, "metadata")
    spec = _mapping(template.get("spec") or {}, manifest, "spec")
    labels = _mapping(metadata.get("labels") or {}, manifest, "metadata.labels")
    try:
        # A sidecar is an init container that goes on running.
        ports = tuple(
            NamedPort(
                int(port["containerPort"]),
                str(port.get("protocol") or "TCP"),
                str(port.get("name") or ""),
                sidecar,
            )
            for key, sidecar in (("containers", False), ("initContainers", True))
            for container in spec.get(key) or ()
            for port in container.get("ports") or ()
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ManifestError(
            f"{manifest.source}: {manifest}: spec.containers: ports cannot be read"
        ) from None
    return Workload(
        manifest.kind,
        manifest.namespace,
        manifest.name,
        {str(key): str(value) for key, value in labels.items()},
        tuple(dict.fromkeys(ports)),
        str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"),
        bool(spec.get("hostNetwork")),
        manifest,
    )


def _mapping(value: Any, manifest: Manifest, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ManifestError(f"{manifest.source}: {manifest}: {path}: must be a mapping")
    return value


def _is_made(manifest: Manifest, known: set[tuple[str, str, str]]) -> bool:
    """Whether what is given already says it: an owner of it is among what is known."""
    owners = manifest.data["metadata"].get("ownerReferences") or []
    if not isinstance(owners, list) or not all(isinstance(each, Mapping) for each in owners):
        raise ManifestError(
            f"{manifest.source}: {manifest}: metadata.ownerReferences: must be a list"
        )
    return any(
        (str(each.get("kind")), manifest.namespace, str(each.get("name"))) in known
        for each in owners
    )
