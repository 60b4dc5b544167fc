"""Who may open the escape hatch, delete what is in use, and write the operator's words."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import yaml

from lab.control_plane import ControlPlane, Lab
from tests.cluster.admission_component import (
    COMPONENT,
    CONFIG_MAPS,
    EDITOR,
    GUEST,
    HATCH_GROUP,
    HOME,
    VOCABULARY,
    answer,
    change,
    documents,
    guarded_plane,
    listed,
    namespace,
    place,
    settings_files,
    try_new,
)
from tests.cluster.kube import Kube, eventually, namespace_path
from tests.cluster.kube_as import as_user
from tests.cluster.own_crds import PROFILES, RESOURCES, manifest
from tests.cluster.spaces import DOMAIN, ENFORCEMENT, Spaces

UNTIL = f"{DOMAIN}/disabled-until"


@pytest.fixture(scope="module")
def cluster(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane of its own, with the component."""
    with guarded_plane(lab) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(cluster: ControlPlane) -> Iterator[Kube]:
    """That control plane, as its administrator."""
    kube = Kube(cluster.kubeconfig, cluster.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def editor(cluster: ControlPlane) -> Iterator[Kube]:
    """Somebody who may edit Namespaces, and is in no group of ours."""
    user = as_user(cluster.kubeconfig, cluster.context, EDITOR)
    yield user
    user.close()


@pytest.fixture(scope="module")
def on_call(cluster: ControlPlane) -> Iterator[Kube]:
    """The same rights, and in the group that may open the hatch."""
    user = as_user(cluster.kubeconfig, cluster.context, EDITOR, HATCH_GROUP)
    yield user
    user.close()


def test_only_the_group_opens_the_hatch_and_everybody_closes_it(
    editor: Kube, on_call: Kube, spaces: Spaces
) -> None:
    space = spaces()
    for status, message in (
        try_new(editor, {ENFORCEMENT: "disabled"}),
        change(editor, space, {ENFORCEMENT: "disabled"}),
    ):
        assert status == 403
        assert f"Only members of {HATCH_GROUP} may open" in message
        assert "kubectl delete validatingadmissionpolicybinding homelab-netpol-hatch" in message
    assert try_new(on_call, {ENFORCEMENT: "disabled"}) == (201, "")
    assert change(on_call, space, {ENFORCEMENT: "disabled"}) == (200, "")
    space.label({ENFORCEMENT: None})
    assert change(editor, space, {ENFORCEMENT: "enabled"}, disabled_until="2h") == (200, "")


def test_only_the_group_moves_the_deadline_of_an_open_hatch(
    kube: Kube, editor: Kube, on_call: Kube, spaces: Spaces
) -> None:
    space = spaces()
    kube_label = namespace(space.name, {ENFORCEMENT: "disabled"}, {UNTIL: "2h"})
    assert answer(on_call, "PATCH", namespace_path(space.name), kube_label) == (200, "")
    for until in ("9d", None):
        assert change(editor, space, {}, disabled_until=until)[0] == 403
        assert change(on_call, space, {}, disabled_until=until) == (200, "")
    assert change(editor, space, {"team": "home"}) == (200, "")
    assert change(editor, space, {ENFORCEMENT: "enabled"}) == (200, "")
    assert change(editor, space, {ENFORCEMENT: None}, disabled_until=None) == (200, "")


def test_there_is_no_way_round_by_a_subresource(editor: Kube, spaces: Spaces) -> None:
    space = spaces()
    for subresource in ("status", "finalize"):
        body = copy.deepcopy(space.manifest())
        body["metadata"].setdefault("labels", {})[ENFORCEMENT] = "disabled"
        path = f"{namespace_path(space.name)}/{subresource}?dryRun=All"
        assert answer(editor, "PUT", path, body)[0] == 403, subresource
        del body["metadata"]["labels"][ENFORCEMENT]
        assert answer(editor, "PUT", path, body)[0] == 200, subresource


def test_the_group_alone_gives_no_rights(cluster: ControlPlane) -> None:
    guest = as_user(cluster.kubeconfig, cluster.context, GUEST, HATCH_GROUP)
    status, message = try_new(guest, {ENFORCEMENT: "disabled"})
    guest.close()
    assert status == 403
    assert "cannot create resource" in message


@pytest.mark.parametrize(
    ("collection", "spec", "field"),
    [
        (PROFILES, {"extends": "internal"}, "namespaces"),
        (RESOURCES, {"cidrs": ["192.0.2.1/32"], "ports": [{"port": 80}]}, "consumerCount"),
    ],
)
def test_what_is_in_use_is_not_deleted_by_accident(
    kube: Kube, editor: Kube, collection: str, spec: dict[str, object], field: str
) -> None:
    path = f"{collection}/admission-test"
    kube.create(collection, manifest(collection, "admission-test", spec))
    try:
        assert answer(editor, "DELETE", f"{path}?dryRun=All") == (200, "")
        kube.patch(f"{path}/status", {"status": {field: 3}})

        def refused() -> str:
            status, message = answer(editor, "DELETE", f"{path}?dryRun=All")
            return message if status == 403 else ""

        message = eventually(refused, "the policy to be heeded")
        assert "admission-test is in use; Namespaces that have it: 3." in message
        assert "admission-test network-policy.homelab/delete-in-use=true" in message
        assert answer(editor, "DELETE", f"{collection}?dryRun=All")[0] == 403
        kube.patch(path, {"metadata": {"annotations": {f"{DOMAIN}/delete-in-use": "true"}}})
        assert answer(editor, "DELETE", path) == (200, "")
    finally:
        kube.delete(path)


def test_the_operator_may_write_its_words_and_no_other_config_map(cluster: ControlPlane) -> None:
    account = f"system:serviceaccount:{HOME}:{HOME}"
    operator = as_user(cluster.kubeconfig, cluster.context, account)
    ours, other = f"{CONFIG_MAPS}/{VOCABULARY}", f"{CONFIG_MAPS}/other"
    patch = {"data": {"profiles": "internal"}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}
    assert answer(operator, "POST", f"{CONFIG_MAPS}?dryRun=All", body)[0] == 201
    assert answer(operator, "PATCH", f"{ours}?dryRun=All", patch) == (200, "")
    assert answer(operator, "GET", ours) == (200, "")
    for method, path in (("GET", other), ("PATCH", other), ("DELETE", ours), ("GET", CONFIG_MAPS)):
        assert answer(operator, method, path, patch)[0] == 403, (method, path)
    operator.close()


def test_the_kustomization_lists_every_file_and_every_policy_is_bound_once() -> None:
    files = {path.name for path in COMPONENT.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {*listed(), *settings_files()}
    objects = documents()
    policies = [o for o in objects if o["kind"] == "ValidatingAdmissionPolicy"]
    bindings = [o for o in objects if o["kind"] == "ValidatingAdmissionPolicyBinding"]
    bound = sorted(binding["spec"]["policyName"] for binding in bindings)
    assert bound == sorted(policy["metadata"]["name"] for policy in policies)


def test_the_readme_tells_how_to_change_the_group(kube: Kube) -> None:
    text = (COMPONENT / "README.md").read_text()
    block = next(part for part in text.split("```yaml\n")[1:] if "patches:" in part)
    (patch,) = yaml.safe_load(block.split("```")[0])["patches"]
    (step,) = yaml.safe_load(patch["patch"])
    policy = next(o for o in documents() if o["metadata"]["name"] == patch["target"]["name"])
    found = kube.get(place(policy))
    assert found is not None
    assert step["op"] == "replace"
    *path, last = step["path"].strip("/").split("/")
    value = found
    for part in path:
        value = value[int(part)] if isinstance(value, list) else value[part]
    assert value["name"] == "groups"
    value[last] = step["value"]
    changed = kube.replace(f"{place(policy)}?dryRun=All", found)
    assert "flux-system" in changed["spec"]["variables"][0]["expression"]
