"""A cluster in which a Namespace has other labels: what would be dropped then. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from homelab_netpol.access.changed_cluster import changed_cluster
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.flows import Flow
from homelab_netpol.intent import Vocabulary
from homelab_netpol.intent.vocabulary import WHOLE


class ShadowError(Exception):
    """Labels that mean nothing; the message says which, and what there is."""


def labels_of(words: Vocabulary, given: Iterable[str]) -> dict[str, str]:
    """Reads `profile=internal,postgres`: the vocabulary's labels, each by its last part.

    Args:
        words: the vocabulary.
        given: each a list with commas; a shared resource without a value is granted whole.

    Raises:
        ShadowError: a name or a profile that there is not.
    """
    keys = {
        "profile": words.profile_key,
        "enforcement": words.enforcement_key,
        "intra-namespace": words.intra_namespace_key,
        "webhooks": words.webhooks_key,
    }
    known = words.grantable()
    found: dict[str, str] = {}
    for part in (each.strip() for text in given for each in text.split(",")):
        name, equals, value = part.partition("=")
        if not part:
            continue
        if name in keys and equals:
            found[keys[name]] = value
        elif name in known and known[name].takes(value or WHOLE):
            found[f"{words.access_prefix}{name}"] = value or WHOLE
        elif name in known:
            raise ShadowError(f"--as {part}: {name} is granted by {known[name]}")
        else:
            choices = [*keys, *known]
            near = difflib.get_close_matches(name, choices, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(choices)}"
            raise ShadowError(f"--as {part}: no label of the vocabulary; {hint}")
    profile = found.get(words.profile_key)
    if profile is not None and profile not in words.profiles:
        names = ", ".join(sorted(words.profiles))
        raise ShadowError(f"--as profile={profile}: there is no such profile; there are {names}")
    if not found:
        raise ShadowError("--as: name labels, as in profile=internal,postgres")
    return found


def seen_from(flow: Flow, namespace: str) -> Flow:
    """A flow at the end of a Namespace's pods: one that passed is seen at both ends."""
    out = flow.source.namespace == namespace
    return replace(flow, direction=Direction.EGRESS if out else Direction.INGRESS)


def model_with(model: ClusterModel, namespace: str, labels: Mapping[str, str]) -> ClusterModel:
    """The cluster as the operator would have it if these were the Namespace's labels.

    Its labels of the vocabulary go, all others and the annotations stay.

    Raises:
        ShadowError: there is no such Namespace, or it is a platform namespace.
        RenderError: a template cannot be rendered with it.
    """
    if namespace not in model.namespaces:
        near = difflib.get_close_matches(namespace, list(model.namespaces), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ShadowError(f"no Namespace {namespace} is given{hint}")
    intent = model.desired.intents.get(namespace)
    words = model.desired.catalogue.vocabulary
    if intent is not None and intent.platform and words.profile_key in labels:
        raise ShadowError(f"{namespace} is a platform namespace, which has no profile")
    changed = [
        _changed(each, labels, words) if each["metadata"]["name"] == namespace else each
        for each in model.manifests.namespaces()
    ]
    return changed_cluster(model, changed, model.manifests.manifests)


def _changed(
    namespace: Mapping[str, Any], labels: Mapping[str, str], words: Vocabulary
) -> Mapping[str, Any]:
    metadata = namespace["metadata"]
    own = (f"{words.domain}/", words.access_prefix)
    old = metadata.get("labels") or {}
    kept = {key: value for key, value in old.items() if not key.startswith(own)}
    return {**namespace, "metadata": {**metadata, "labels": {**kept, **labels}}}
