"""Objects of any shape end in an answer or in an error that names them, never in a stack trace."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.detect import as_file, detect
from homelab_netpol.manifests import Manifest, ManifestError, ManifestSet, Source
from homelab_netpol.preflight import preflight
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import CLUSTERS

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SETTINGS = parse_settings("defaultDeny: workload")
_MORE = """
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: baseline-dns-egress, managedFields: [], annotations: {}}
spec: {endpointSelector: {matchLabels: {a: b}}, egress: [{toEntities: [world]}]}
status: {conditions: [{type: Valid, status: "True"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: chart, namespace: photos}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
---
apiVersion: network-policy.homelab/v1alpha1
kind: NetworkProfile
metadata: {name: media}
spec: {extends: internal}
---
apiVersion: network-policy.homelab/v1alpha1
kind: SharedResource
metadata: {name: files}
spec: {namespace: databases, ports: [{port: 445}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: photos}
spec: {parentRefs: [{name: front}], rules: [{backendRefs: [{name: web, port: 80}]}]}
"""
_NAMES = (
    "base",
    "traefik",
    "unusual",
    "companions",
    "homelab",
    "istio-ambient-waypoints",
    "nodelocal-dns-redirect",
)
_ALL = [
    document
    for text in (
        *(
            (CLUSTERS / f"{name}.yaml").read_text("utf-8")
            for name in ("base", "traefik", "unusual")
        ),
        *((CLUSTERS / f"{name}.yaml").read_text("utf-8") for name in ("companions", "homelab")),
        (CLUSTERS / "istio-ambient-waypoints.yaml").read_text("utf-8"),
        (CLUSTERS / "nodelocal-dns-redirect.yaml").read_text("utf-8"),
        _MORE,
    )
    for document in yaml.safe_load_all(text)
]
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [7, -1, None, True, "", "x", [], {}, [7], [None], [[]], {"a": 7}, {1: 2}, {"matchLabels": 7}]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything but the kinds."""
    pairs = value.items() if isinstance(value, dict) else ()
    for key, each in pairs or (enumerate(value) if isinstance(value, list) else ()):
        if key not in ("kind", "apiVersion"):
            yield (*path, key)
            yield from places(each, (*path, key))


_PLACES = [(index, path) for index, each in enumerate(_ALL) for path in places(each)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(_PLACES), _ODD), min_size=1, max_size=3))
def test_no_shape_ends_in_a_stack_trace(odd: list[Any]) -> None:
    documents = copy.deepcopy(_ALL)
    # The longest path last: what is above it is replaced only then.
    for (index, path), value in sorted(odd, key=lambda one: -len(one[0][1])):
        place: Any = documents[index]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    manifests = ManifestSet()
    for each in documents:
        # The metadata of one may be odd, and some are of one name.
        with contextlib.suppress(ManifestError):
            manifests.add([Manifest(each, Source("dump.yaml"))])
    for look in (detected, checked):
        said = look(manifests)
        assert said is None or said.startswith("dump.yaml: ")


def detected(manifests: ManifestSet) -> str | None:
    """The error of `detect`, if there is one."""
    try:
        parse_settings(as_file(detect(manifests)))
    except ManifestError as error:
        return str(error)
    return None


def checked(manifests: ManifestSet) -> str | None:
    """The error of `preflight`, if there is one."""
    try:
        preflight(_SETTINGS, manifests, _NOW)
    except ManifestError as error:
        return str(error)
    return None


def test_without_an_odd_shape_there_is_an_answer() -> None:
    manifests = ManifestSet()
    for each in _ALL:
        with contextlib.suppress(ManifestError):
            manifests.add([Manifest(each, Source("dump.yaml"))])
    assert len(manifests) > 40
    assert preflight(_SETTINGS, manifests, _NOW).cuts_off
