"""Policies of somebody else with our names, as Flux applies them, and their hand-over."""

from __future__ import annotations

from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.spaces import DOMAIN, MANAGED_BY, OPERATOR, Space

TAKE_OVER = f"{DOMAIN}/take-over"
# What Flux puts on everything that it applies, and goes by when it prunes.
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "policies",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}
NO_PRUNE = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
PORTS = [("UDP", 53), *(("TCP", n) for n in (53, 443, 5432, 6443, 8080, 9090, 15008))]


def theirs(manifest: Manifest, **annotations: str) -> Manifest:
    """A policy as Flux applies it."""
    metadata = {**manifest["metadata"], "labels": {**FLUX, "team": "infra"}}
    return {**manifest, "metadata": {**metadata, "annotations": {**NO_PRUNE, **annotations}}}


def apply(kube: Kube, path: str, manifest: Manifest) -> None:
    """Applies as Flux does: on the server, by force."""
    status, text = kube.call(
        "PATCH",
        f"{path}?fieldManager=kustomize-controller&force=true",
        manifest,
        content_type="application/apply-patch+yaml",
    )
    assert status in (200, 201), text


def annotate(kube: Kube, path: str, value: str = "true") -> None:
    """Writes the annotation."""
    kube.patch(path, {"metadata": {"annotations": {TAKE_OVER: value}}})


def is_ours(policy: Manifest | None) -> bool:
    """The policy says that it is the operator's."""
    return policy is not None and policy["metadata"].get("labels", {}).get(MANAGED_BY) == OPERATOR


def changes_hands(kube: Kube, path: str) -> Manifest:
    """Waits for a policy to be the operator's."""
    return eventually(lambda: _if_ours(kube.get(path)), f"{path} to change hands")


def _if_ours(policy: Manifest | None) -> Manifest | None:
    return policy if is_ours(policy) else None


def told_by_now(app: Space, reason: str, *words: str) -> None:
    """Waits for an Event that says this, whatever others of its reason say."""
    eventually(
        lambda: any(all(w in each["message"] for w in words) for each in app.events(reason)),
        f"an Event {reason} that says {words}",
        seconds=90.0,
    )
