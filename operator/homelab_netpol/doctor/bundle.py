"""The files of a bug report: what was found, and what it was judged by. Never a Secret. Pure."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.doctor import installation as names
from homelab_netpol.doctor.fields import name, namespace
from homelab_netpol.doctor.installation import Installation, Object
from homelab_netpol.doctor.names import names_of, unlisted
from homelab_netpol.doctor.redact import Redactor
from homelab_netpol.doctor.result import Report, report_data
from homelab_netpol.manifests.kinds import NAMESPACE, NETWORK_PROFILE, SHARED_RESOURCE
from homelab_netpol.policy.keys import ISTIO_KINDS
from homelab_netpol.policy.objects import is_managed
from homelab_netpol.shapes import field, mapping, mappings, text, texts

_MOST_BYTES = 4 * 1024 * 1024
_SECRET_KEY = re.compile(r"token|passw|secret|credential|private", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?i:bearer)\s+\S+")
# Of Cilium's entries, those that may name nothing.
_SAFE_ENTRY = re.compile(
    r"policy-|enable-|identity-|labels$|bpf-lb-mode$|kube-proxy-replacement$|routing-mode$"
    r"|cluster-(id|name)$|label-prefix-file$|tunnel-protocol$|debug$"
)
_README = """\
Written by `homelab-netpol doctor --bundle`, version {version}.

doctor.json         what was found
versions.json       of this program, Kubernetes, the operator and Cilium
settings/           the operator's settings, from its ConfigMap
operator.json       its Deployment, Pods and Lease, without their environment
policies.json       the policies that it manages
namespaces.json     Namespaces, with the labels and annotations of the operator's own domain only
definitions.json    NetworkProfiles and SharedResources
events.json         the operator's Events
cilium-config.json  Cilium's ConfigMap
logs/               the end of the operator's log, by Pod

No Secret was read.{redacted}
{notes}"""
_REDACTED = """ Names of Namespaces, pods, workloads, Services, nodes, hosts and the cluster, and
addresses, are stand-ins, the same in every file. Names that every cluster has (kube-system,
homelab-netpol), and those of profiles and shared resources, are as they were."""


def bundle_files(found: Installation, report: Report, *, redact: bool) -> dict[str, bytes]:
    """Each file's content, by its name.

    Args:
        found: what was read, for a bundle too.
        report: what was found.
        redact: names and addresses are stand-ins; what may hold names that are not known is left
            out.
    """
    notes: list[str] = []
    data = dict(_documents(found, report, redact=redact))
    texts_of = {f"settings/{key}": value for key, value in _settings(found).items()}
    lacking = unlisted(found) if redact else []
    if lacking:
        data.pop("events.json")
        kinds = ", ".join(lacking)
        notes.append(f"Without logs and Events: {kinds} could not be listed, so their names stay.")
    else:
        texts_of |= {f"logs/{pod}.log": page.text for pod, page in found.facts.logs.items()}
    redactor = Redactor(names_of(found)) if redact else None
    files: dict[str, bytes] = {}
    for file, content in data.items():
        shown = redactor.redacted(content) if redactor is not None else content
        files[file] = _as_json(file, shown, notes)
    for file, written in texts_of.items():
        hidden = _TOKEN.sub("(left out)", written)
        shown_name = redactor.text(file) if redactor is not None else file
        shown_text = redactor.text(hidden) if redactor is not None else hidden
        files[_safe(shown_name)] = shown_text.encode()[-_MOST_BYTES:]
    readme = _README.format(
        version=found.version, redacted=_REDACTED if redact else "", notes="\n".join(notes)
    )
    return {"README.txt": readme.encode(), **files}


def _documents(
    found: Installation, report: Report, *, redact: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    facts = found.facts
    domain = found.settings.label_domain
    entries = {
        key: "(left out)" if _SECRET_KEY.search(key) else value
        for key, value in (found.cilium_data or {}).items()
        if not redact or _SAFE_ENTRY.match(key)
    }
    policies = [
        _object(each, domain)
        for kind in (CCNP, CNP, *(kind.value for kind in ISTIO_KINDS))
        for each in facts.of(kind).items
        if is_managed(texts(each, "metadata", "labels"))
    ]
    defined = (each for kind in (NETWORK_PROFILE, SHARED_RESOURCE) for each in facts.of(kind).items)
    yield "doctor.json", report_data(report)
    yield "versions.json", _versions(found)
    yield "operator.json", _operator(found)
    yield "cilium-config.json", {"data": entries}
    yield "namespaces.json", {"items": [_bare(e, domain) for e in facts.of(NAMESPACE).items]}
    yield "definitions.json", {"items": [_object(each, domain) for each in defined]}
    yield "policies.json", {"items": policies}
    yield "events.json", {"items": [_event(each) for each in facts.of(names.EVENT).items]}


def _settings(found: Installation) -> dict[str, str]:
    of_operator = texts(found.facts.of(names.OPERATOR_CONFIG).first, "data")
    return {key: value for key, value in of_operator.items() if not _SECRET_KEY.search(key)}


def _versions(found: Installation) -> dict[str, Any]:
    crds = {
        name(each): texts(each, "metadata", "labels").get("io.cilium.k8s.crd.schema.version", "")
        for each in found.facts.of(names.CRD).items
    }
    agents = {image for pod in found.facts.of(names.AGENT).items for image in _images(pod, "spec")}
    deployment = found.deployment or {}
    return {
        "homelab-netpol": found.version,
        "python": platform.python_version(),
        "kubernetes": text(found.facts.version, "gitVersion"),
        "operator": _images(deployment, "spec", "template", "spec"),
        "cilium": sorted(agents),
        "crds": crds,
        "settingsFrom": found.settings_from,
    }


def _images(data: Object, *path: str) -> list[str]:
    return [text(each, "image") for each in mappings(data, *path, "containers")]


def _operator(found: Installation) -> dict[str, Any]:
    pods = [
        {
            "name": name(pod),
            "namespace": namespace(pod),
            "phase": text(pod, "status", "phase"),
            "conditions": mappings(pod, "status", "conditions"),
            "containers": [
                {key: each.get(key) for key in ("name", "restartCount", "state", "lastState")}
                for each in mappings(pod, "status", "containerStatuses")
            ],
        }
        for pod in found.facts.of(names.POD).items
    ]
    deployment = found.deployment
    pages = {
        pod: page.text if page is not None else None for pod, page in found.facts.pages.items()
    }
    return {
        "namespace": found.home,
        "replicas": field(deployment, "spec", "replicas"),
        "status": mapping(deployment, "status"),
        "pods": pods,
        "lease": mapping(found.facts.of(names.LEASE).first, "spec"),
        "readyz": [{"pod": pod, "page": page} for pod, page in pages.items()],
    }


def _bare(item: Object, domain: str) -> dict[str, Any]:
    """Name, age, and what of the labels and annotations is the operator's business."""
    kept = {
        part: {
            key: value
            for key, value in texts(item, "metadata", part).items()
            if key.partition("/")[0].endswith(domain)
        }
        for part in ("labels", "annotations")
    }
    metadata = mapping(item, "metadata")
    plain = {
        key: metadata[key]
        for key in ("name", "namespace", "creationTimestamp", "deletionTimestamp", "generation")
        if key in metadata
    }
    return {"metadata": {**plain, **kept}}


def _object(item: Object, domain: str) -> dict[str, Any]:
    rest = {key: item[key] for key in ("kind", "spec", "specs", "status") if key in item}
    return {**rest, **_bare(item, domain)}


def _event(item: Object) -> dict[str, Any]:
    about = mapping(item, "involvedObject")
    return {
        "about": {key: about.get(key) for key in ("kind", "namespace", "name")},
        **{
            key: item.get(key)
            for key in ("type", "reason", "message", "count", "firstTimestamp", "lastTimestamp")
        },
    }


def _as_json(file: str, content: Mapping[str, Any], notes: list[str]) -> bytes:
    """As JSON; of a list that is too long the beginning, which the notes say."""
    items = content.get("items")
    if not isinstance(items, list):
        return _dumped(content)
    size = 0
    kept: list[Any] = []
    for each in items:
        size += len(_dumped(each))
        if size > _MOST_BYTES:
            notes.append(f"{file}: the first {len(kept)} of {len(items)}.")
            break
        kept.append(each)
    return _dumped({**content, "items": kept})


def _dumped(data: Mapping[str, Any] | Sequence[Any]) -> bytes:
    return json.dumps(data, indent=1, default=str).encode()


def _safe(file: str) -> str:
    """A path below the bundle's folder, whatever a ConfigMap's entry or a pod is called."""
    folder, _, rest = file.partition("/")
    return f"{folder}/{re.sub(r'[^A-Za-z0-9._-]', '_', rest).lstrip('.') or '_'}"
