"""What the API server takes as a NetworkProfile or a SharedResource, refuses, and prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from homelab_netpol.definitions import read_profile, read_resource
from lab.control_plane import Cluster
from tests.cluster import refused_profiles, refused_resources, taken_manifests
from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.kube_as import printed
from tests.cluster.own_crds import (
    API,
    KINDS,
    PROFILES,
    RESOURCES,
    manifest,
    own_crds,
)
from tests.cluster.taken_manifests import Spec

POSTGRES = taken_manifests.POSTGRES
SPECS = {PROFILES: {"extends": "internal"}, RESOURCES: POSTGRES}


def each(profiles: dict[str, Spec], resources: dict[str, Spec]) -> list[Any]:
    """A case for each spec of both kinds."""
    return [
        pytest.param(collection, spec, id=f"{KINDS[collection]}: {what}")
        for collection, table in ((PROFILES, profiles), (RESOURCES, resources))
        for what, spec in table.items()
    ]


TAKEN = each(taken_manifests.PROFILES, taken_manifests.RESOURCES)
MISTYPED = each(taken_manifests.MISTYPED_PROFILES, taken_manifests.MISTYPED_RESOURCES)
REFUSED = [
    pytest.param(collection, spec, words, id=f"{KINDS[collection]}: {' '.join(words)}")
    for collection, table in (
        (PROFILES, refused_profiles.REFUSED),
        (RESOURCES, refused_resources.REFUSED),
    )
    for spec, words in table
]
READERS = {PROFILES: read_profile, RESOURCES: read_resource}
CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "ProfileUnknown",
    "message": "There is no profile 'intrenal'.",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
}


@pytest.fixture(scope="module", autouse=True)
def crds(kube: Kube) -> Iterator[None]:
    with own_crds(kube):
        yield


@pytest.fixture
def made(kube: Kube) -> Iterator[dict[str, str]]:
    """One object of each kind: its path, by its collection."""
    paths = {collection: f"{collection}/crd-test" for collection in SPECS}
    for collection, spec in SPECS.items():
        kube.create(collection, manifest(collection, "crd-test", spec))
    yield paths
    for path in paths.values():
        kube.delete(path)


def refusal(kube: Kube, collection: str, body: dict[str, Any]) -> str:
    """The words with which the API server refuses an object."""
    status, text = kube.call("POST", f"{collection}?dryRun=All", body)
    assert status == 422, f"{status} {text[:2000]}"
    return str(json.loads(text)["message"])


@pytest.mark.parametrize(("collection", "spec"), TAKEN)
def test_what_is_well_said_is_taken_as_it_stands(kube: Kube, collection: str, spec: Spec) -> None:
    taken = kube.create(f"{collection}?dryRun=All", manifest(collection, "probe", spec))["spec"]
    default = {"target": "additive"} if collection == RESOURCES else {}
    assert taken == default | spec


@pytest.mark.parametrize(("collection", "spec", "words"), REFUSED)
def test_each_field_that_is_wrong_is_refused_with_what_to_write_instead(
    kube: Kube, collection: str, spec: Any, words: tuple[str, ...]
) -> None:
    body = manifest(collection, "probe", spec)
    if spec is None:
        del body["spec"]
    message = refusal(kube, collection, body)
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["isolated", "internal", "internal-egress", "standard"])
def test_a_built_in_profile_cannot_be_redefined(kube: Kube, name: str) -> None:
    message = refusal(kube, PROFILES, manifest(PROFILES, name, {}))
    assert f"'{name}' is built in" in message
    assert f"extends: {name}" in message


def test_a_profile_cannot_extend_itself(kube: Kube) -> None:
    message = refusal(kube, PROFILES, manifest(PROFILES, "loop", {"extends": "loop"}))
    assert "a profile cannot extend itself" in message


@pytest.mark.parametrize(
    ("collection", "name", "taken"),
    [
        (PROFILES, "x" * 63, True),
        (PROFILES, "x" * 64, False),
        (PROFILES, "with.dots", True),
        (RESOURCES, "x" * 63, True),
        (RESOURCES, "x" * 64, False),
        (RESOURCES, "with.dots", False),
    ],
)
def test_a_name_must_fit_into_the_label_that_carries_it(
    kube: Kube, collection: str, name: str, taken: bool
) -> None:
    body = manifest(collection, name, SPECS[collection])
    if taken:
        kube.create(f"{collection}?dryRun=All", body)
    else:
        assert "metadata.name: at most 63" in refusal(kube, collection, body)


def test_ports_and_target_have_their_defaults(kube: Kube) -> None:
    spec = {"namespace": "database", "ports": [{"port": 5432}]}
    body = manifest(RESOURCES, "probe", spec)
    spec = kube.create(f"{RESOURCES}?dryRun=All", body)["spec"]
    assert spec["target"] == "additive"
    assert spec["ports"] == [{"port": 5432, "protocol": "TCP"}]


@pytest.mark.parametrize(("collection", "spec"), MISTYPED)
def test_a_mistyped_field_is_not_dropped_in_silence(
    kube: Kube, collection: str, spec: Spec
) -> None:
    taken = kube.create(f"{collection}?dryRun=All", manifest(collection, "probe", spec))["spec"]
    default = {"target": "additive"} if collection == RESOURCES else {}
    assert taken == default | spec


@pytest.mark.parametrize("what", taken_manifests.PROFILES)
def test_rules_that_a_profile_may_have_are_taken_by_cilium_too(kube: Kube, what: str) -> None:
    spec = taken_manifests.PROFILES[what]
    rules = {each: spec[each] for each in ("ingress", "egress") if spec.get(each)}
    if rules:
        body = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "probe"},
            "spec": {"endpointSelector": {}, **rules},
        }
        kube.create(f"{cnp_path('default')}?dryRun=All&fieldValidation=Strict", body)


@pytest.mark.parametrize(("collection", "spec"), TAKEN)
def test_the_operator_can_use_what_the_api_server_takes(collection: str, spec: Spec) -> None:
    assert READERS[collection](manifest(collection, "probe", spec)).problem is None


@pytest.mark.parametrize(("collection", "spec"), MISTYPED)
def test_the_operator_refuses_the_mistyped_field_that_reaches_it(
    collection: str, spec: Spec
) -> None:
    problem = READERS[collection](manifest(collection, "probe", spec)).problem
    assert problem is not None
    assert "such field" in problem.message or "only `http`" in problem.message


@pytest.mark.parametrize("kind", KINDS.values())
def test_kubectl_explain_has_words_for_every_field(kube: Kube, kind: str) -> None:
    def published() -> dict[str, Any] | None:
        schemas = (kube.get(f"/openapi/v3{API}") or {})["components"]["schemas"]
        return next((each for name, each in schemas.items() if name.endswith(f".{kind}")), None)

    silent: list[str] = []
    seen: list[str] = []

    def look(schema: dict[str, Any], path: str) -> None:
        for name, field in schema.get("properties", {}).items():
            seen.append(f"{path}.{name}")
            if not field.get("description"):
                silent.append(f"{path}.{name}")
            look(field, f"{path}.{name}")
        if "items" in schema:
            look(schema["items"], f"{path}[]")

    schema = eventually(published, f"the schema of {kind} to be published")
    look(schema, "")
    assert schema["description"]
    assert ".spec.description" in seen
    assert ".status.conditions[].message" in seen
    assert silent == []


def test_kubectl_get_prints_the_columns_that_answer_the_first_questions(
    cluster: Cluster, kube: Kube, made: dict[str, str]
) -> None:
    status = {"observedGeneration": 1, "conditions": [CONDITION]}
    kube.patch(f"{made[PROFILES]}/status", {"status": {**status, "namespaces": 3}})
    kube.patch(f"{made[RESOURCES]}/status", {"status": {**status, "consumerCount": 2}})
    tables = printed(cluster.kubeconfig, cluster.context)
    found = {}
    for collection, path in made.items():
        answer = tables.get(path)
        assert answer is not None
        columns = answer["columnDefinitions"]
        (row,) = answer["rows"]
        cells = dict(zip((each["name"] for each in columns), row["cells"], strict=True))
        del cells["Age"]
        found[collection] = cells
        assert [each["name"] for each in columns if each["priority"]] == ["Reason"]
    tables.close()
    assert found == {
        PROFILES: {
            "Name": "crd-test",
            "Extends": "internal",
            "Ready": "False",
            "Reason": "ProfileUnknown",
            "Namespaces": 3,
        },
        RESOURCES: {
            "Name": "crd-test",
            "Namespace": "database",
            "Target": "additive",
            "Consumers": 2,
            "Ready": "False",
            "Reason": "ProfileUnknown",
        },
    }


def test_the_status_is_written_apart_from_the_spec(kube: Kube, made: dict[str, str]) -> None:
    for path in made.values():
        status = {"observedGeneration": 1, "conditions": [CONDITION]}
        after = kube.patch(f"{path}/status", {"status": status, "spec": {"description": "no"}})
        assert after["metadata"]["generation"] == 1
        assert "description" not in after["spec"]
        after = kube.patch(path, {"spec": {"description": "yes"}, "status": None})
        assert after["metadata"]["generation"] == 2
        assert after["status"] == status


def test_the_short_names_work(kube: Kube) -> None:
    found = kube.get(API)
    assert found is not None
    names = {each["name"]: each.get("shortNames") for each in found["resources"]}
    assert names["networkprofiles"] == ["netprofile"]
    assert names["sharedresources"] == ["netresource"]
