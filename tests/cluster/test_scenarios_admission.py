"""The operator keeps the words that admission policies compare labels with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane, Lab
from tests.cluster.admission_component import (
    CONFIG_MAPS,
    EDITOR,
    VOCABULARY,
    guarded_plane,
    try_new,
)
from tests.cluster.conftest import QUICK
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, eventually
from tests.cluster.kube_as import KubeWith, as_user
from tests.cluster.service_account import operator_account
from tests.cluster.spaces import PROFILE
from tests.running_operator import RunningOperator, running_operator


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane with the admission component."""
    with guarded_plane(lab) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(plane: ControlPlane) -> Iterator[Kube]:
    """That control plane, as its administrator."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def editor(plane: ControlPlane) -> Iterator[KubeWith]:
    """Somebody who may edit Namespaces."""
    user = as_user(plane.kubeconfig, plane.context, EDITOR)
    yield user
    user.close()


@pytest.fixture(scope="module")
def operator(plane: ControlPlane) -> Iterator[RunningOperator]:
    """An operator that keeps the words."""
    settings = {**QUICK, "admission": {"enabled": True}}
    with (
        operator_account(plane, admission=True) as account,
        running_operator(account, settings) as operator,
    ):
        yield operator


def words(kube: Kube) -> dict[str, str]:
    """The words as they are kept."""
    found = kube.get(f"{CONFIG_MAPS}/{VOCABULARY}")
    data: dict[str, str] = found["data"] if found else {}
    return data


@pytest.mark.usefixtures("operator")
def test_the_words_are_those_of_the_settings_and_the_custom_resources(
    kube: Kube, editor: KubeWith, definitions: Definitions
) -> None:
    profiles = "internal,internal-egress,isolated,standard"
    eventually(lambda: words(kube).get("profiles") == profiles, "the built-in profiles")
    assert words(kube)["resources"] == "dragonfly,garage-s3,gateway,kube-api,postgres"
    usual = "gateway=external,gateway=internal,gateway=true"
    assert words(kube)["accessValues"] == usual, "the others take nothing but true"
    assert "kube-system" in words(kube)["platformNamespaces"].split(",")
    name = definitions.fresh_name()

    def refused() -> bool:
        status, said = try_new(editor, {PROFILE: name})
        return status == 422 and "internal, internal-egress, isolated, standard" in said

    eventually(refused, "a profile that is not there to be refused, with those there are")
    profile = definitions.profile(name)
    definitions.resource("media", cidrs=["192.0.2.0/24"], ports=[{"port": 80}])
    eventually(lambda: try_new(editor, {PROFILE: name})[0] == 201, "the profile to be known")
    eventually(lambda: "media" in words(kube)["resources"].split(","), "the resource")
    profile.delete()
    eventually(refused, "the profile to be unknown again")


@pytest.mark.usefixtures("operator")
def test_words_that_somebody_edits_or_deletes_come_back(kube: Kube) -> None:
    eventually(lambda: "standard" in words(kube).get("profiles", ""), "the words")
    kube.patch(f"{CONFIG_MAPS}/{VOCABULARY}", {"data": {"profiles": "isolated"}})
    eventually(lambda: "standard" in words(kube).get("profiles", ""), "the edit to be put right")
    kube.delete(f"{CONFIG_MAPS}/{VOCABULARY}")
    eventually(lambda: "standard" in words(kube).get("profiles", ""), "the words to be back")
