"""Which names a cluster has that a report may have to hide. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.doctor import installation as names
from homelab_netpol.doctor.fields import name, namespace
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.manifests.kinds import NAMESPACE
from homelab_netpol.shapes import mappings, text

_HOST_KEYS = frozenset({"matchName", "matchPattern", "fqdns", "host", "hosts", "hostname"})
_PUBLIC = frozenset({"docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io"})
# What a ReplicaSet adds to its Deployment's name, and a pod to its owner's.
_HASH = re.compile(r"-[a-z0-9]{5,10}$")


def names_of(found: Installation) -> dict[str, set[str]]:
    """Names of Namespaces, pods, workloads, Services, nodes, hosts and the cluster."""
    facts = found.facts
    every: defaultdict[str, set[str]] = defaultdict(set)
    every["ns"] |= {name(each) for each in facts.of(NAMESPACE).items}
    for listed in facts.lists.values():
        every["ns"] |= {namespace(each) for each in listed.items}
    settings = found.settings.model_dump(mode="json", by_alias=True)
    for data in (settings, [list(listed.items) for listed in facts.lists.values()]):
        for kind, value in _within(data):
            every[kind].add(value)
    every["ns"] |= set(_of_logs(page.text for page in facts.logs.values()))
    for kind in ("pods", names.POD, names.AGENT):
        for pod in facts.of(kind).items:
            every["pod"].add(name(pod))
            for owner in mappings(pod, "metadata", "ownerReferences"):
                every["workload"] |= {text(owner, "name"), _HASH.sub("", text(owner, "name"))}
            every["node"].add(text(pod, "spec", "nodeName"))
    every["pod"].add(text(facts.of(names.LEASE).first, "spec", "holderIdentity").partition("_")[0])
    every["service"] |= {name(each) for each in facts.of("services").items}
    for node in facts.of(names.NODE).items:
        every["node"].add(name(node))
        every["node"] |= {
            text(each, "address")
            for each in mappings(node, "status", "addresses")
            if text(each, "type") in ("Hostname", "InternalDNS", "ExternalDNS")
        }
    every["host"].add(urlsplit(facts.server).hostname or "")
    every["cluster"].add((found.cilium_data or {}).get("cluster-name", ""))
    every["cluster"].add(found.settings.cluster.name or "")
    return {kind: {each for each in of_kind if each} for kind, of_kind in every.items()}


def _within(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Namespaces that rules and settings name, hosts, and registries of images."""
    if isinstance(data, dict):
        if str(data.get("key", "")).endswith(NAMESPACE_KEY):
            yield from (("ns", each) for each in data.get("values") or () if isinstance(each, str))
        for below, value in data.items():
            yield from _within(value, str(below))
    elif isinstance(data, list | tuple):
        for each in data:
            yield from _within(each, key)
    elif isinstance(data, str):
        if key.endswith(NAMESPACE_KEY) or key in ("namespace", "platformNamespaces"):
            yield "ns", data
        elif key in _HOST_KEYS:
            yield "host", data.strip("*.").lower()
        elif key == "image":
            registry, slash, _ = data.partition("/")
            host = registry.partition(":")[0]
            if slash and "." in host and host not in _PUBLIC:
                yield "host", host


def _of_logs(texts: Iterable[str]) -> Iterator[str]:
    """Namespaces that lines of a log are about, of which some may be gone by now."""
    for each in texts:
        for line in each.splitlines():
            try:
                data = json.loads(line)
            except ValueError:
                continue
            yield text(data, "namespace")


def unlisted(found: Installation) -> list[str]:
    """The kinds whose names could not be read, so that a text may hold some that are not known."""
    kinds = {NAMESPACE: NAMESPACE, "pods": "Pod", "services": "Service", names.NODE: "Node"}
    return [shown for kind, shown in kinds.items() if found.facts.of(kind).refused]
