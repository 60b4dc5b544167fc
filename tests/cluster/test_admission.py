"""Which labels the optional admission component refuses, and that it stands in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane, Lab
from tests.cluster.admission_component import (
    CONFIG_MAPS,
    EDITOR,
    HATCH_GROUP,
    VOCABULARY,
    WORDS,
    change,
    guarded_plane,
    namespace,
    try_new,
    write_vocabulary,
)
from tests.cluster.kube import Kube, eventually
from tests.cluster.kube_as import KubeWith, as_user
from tests.cluster.spaces import (
    DOMAIN,
    ENFORCEMENT,
    INTRA_NAMESPACE,
    PLATFORM,
    PROFILE,
    WEBHOOKS,
    Space,
    Spaces,
    access,
)

# A Namespace that was wrong before there was a policy to say so.
WRONG = {PROFILE: "standart", access("postgres"): "yes", INTRA_NAMESPACE: "on"}
OLD = namespace("old", {**WRONG, ENFORCEMENT: "off"}, {f"{DOMAIN}/disabled-until": "soon"})
POSTGRES, NO_SUCH = access("postgres"), access("no-such")


@pytest.fixture(scope="module")
def cluster(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane of its own, with the component."""
    with guarded_plane(lab, OLD) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(cluster: ControlPlane) -> Iterator[Kube]:
    """That control plane, as its administrator."""
    kube = Kube(cluster.kubeconfig, cluster.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def editor(cluster: ControlPlane) -> Iterator[KubeWith]:
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


@pytest.fixture(scope="module")
def old(kube: Kube) -> Space:
    """The Namespace that was wrong before."""
    return Space(kube, "old")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            {PROFILE: "standart"},
            ('no profile "standart"', "internal, internal-egress, isolated, media, standard"),
        ),
        ({PROFILE: ""}, ('no profile ""',)),
        ({POSTGRES: "yes"}, (POSTGRES, '"true" or "false", not "yes"')),
        ({access("garage-s3"): "1"}, ("garage-s3", '"true" or "false", not "1"')),
        ({ENFORCEMENT: "off"}, (ENFORCEMENT, "must be disabled", 'or enabled, not "off"')),
        ({INTRA_NAMESPACE: "no"}, (INTRA_NAMESPACE, 'allow or deny, not "no"')),
        ({WEBHOOKS: "yes"}, (WEBHOOKS, 'allow or deny, not "yes"')),
        ({PLATFORM: "yes"}, (PLATFORM, '"true" or "false", not "yes"')),
    ],
)
def test_a_label_that_nobody_understands_is_refused_with_the_words_that_are_known(
    on_call: Kube, spaces: Spaces, labels: dict[str, str], words: tuple[str, ...]
) -> None:
    for status, message in (try_new(on_call, labels), change(on_call, spaces(), {**labels})):
        assert status == 422
        for word in words:
            assert word in message


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"team": "home"},
        {PROFILE: "media", INTRA_NAMESPACE: "deny", ENFORCEMENT: "enabled"},
        {POSTGRES: "true", access("garage-s3"): "false", INTRA_NAMESPACE: "allow"},
    ],
)
def test_what_is_well_said_passes(editor: Kube, labels: dict[str, str]) -> None:
    assert try_new(editor, labels) == (201, "")


@pytest.mark.parametrize(
    ("until", "taken"),
    [
        ("2026-01-31T22:00:00Z", True),
        ("2026-01-31T22:00:00.5+01:00", True),
        ("9999-12-31T23:59:59Z", True),
        ("2h", True),
        ("90m", True),
        ("1h30m", True),
        ("2d", True),
        ("1d12h", True),
        ("", False),
        ("0h", False),
        ("-2h", False),
        ("2 hours", False),
        ("tomorrow", False),
        ("2026-01-31", False),
        ("2026-01-31T22:00:00", False),
        ("2026-13-01T22:00:00Z", False),
        ("2026-01-31T25:00:00Z", False),
    ],
)
def test_a_deadline_is_a_moment_or_a_duration(
    on_call: Kube, spaces: Spaces, until: str, taken: bool
) -> None:
    status, message = change(on_call, spaces(), {ENFORCEMENT: "disabled"}, disabled_until=until)
    assert status == (200 if taken else 422)
    assert taken or ("2026-01-31T22:00:00Z" in message and "1h30m" in message)


def test_a_platform_namespace_gets_no_profile(editor: Kube, spaces: Spaces) -> None:
    database = spaces.existing("database")
    status, message = change(editor, database, {PROFILE: "internal"})
    assert status == 422
    assert "database is a platform namespace, as the operator's setting" in message
    assert change(editor, database, {POSTGRES: "true", "team": "home"}) == (200, "")


def test_nor_one_that_is_the_platforms_by_a_pattern_or_by_its_label(editor: Kube) -> None:
    for name in ("longhorn-system", "infra-1"):
        status, message = try_new(editor, {PROFILE: "internal"}, name)
        assert status == 422
        assert f"{name} is a platform namespace, as a pattern of the operator's" in message
    status, message = try_new(editor, {PROFILE: "internal", PLATFORM: "true"})
    assert status == 422
    assert f"as its label {PLATFORM} says so" in message
    assert try_new(editor, {PROFILE: "internal", PLATFORM: "false"}) == (201, "")
    for name in ("system", "longhorn-system-2", "my-infra-1"):
        assert try_new(editor, {PROFILE: "internal"}, name) == (201, "")


def test_what_was_wrong_before_stands_in_the_way_of_nothing_else(editor: Kube, old: Space) -> None:
    assert change(editor, old, {"team": "home", access("dragonfly"): "true"}) == (200, "")
    for key in (*WRONG, ENFORCEMENT):
        assert change(editor, old, {key: None}) == (200, ""), key
    assert change(editor, old, {PROFILE: "standrad"})[0] == 422
    assert change(editor, old, {PROFILE: "standard"}) == (200, "")


def test_access_to_what_does_not_exist_yet_is_warned_of_and_let_pass(
    editor: KubeWith,
) -> None:
    assert "no-such" not in WORDS["resources"]
    assert try_new(editor, {NO_SUCH: "true"}) == (201, "")
    body = namespace("admission-probe", {NO_SUCH: "true", POSTGRES: "true"})
    warnings = editor.warnings("POST", "/api/v1/namespaces?dryRun=All", body)
    (warning,) = warnings
    assert "no shared resource no-such yet" in warning
    assert WORDS["resources"].replace(",", ", ") in warning
    body = namespace("admission-probe", {NO_SUCH: "false", POSTGRES: "true"})
    assert editor.warnings("POST", "/api/v1/namespaces?dryRun=All", body) == []


@pytest.mark.parametrize(
    ("resource", "value", "taken"),
    [
        ("postgres", "ture", '"true" or "false", not "ture"'),
        ("postgres", "sonarr", '"true" or "false", not "sonarr"'),
        ("cnpg", "sonarr", None),
        ("cnpg", "true", None),
        ("cnpg", "", 'label of its pods or "true" or "false", not ""'),
        ("tenant", "Sonarr.1", None),
        ("tenant", "true", 'label of its pods or "false", not "true"'),
        ("gateway", "internal", None),
        ("gateway", "true", None),
        ("gateway", "intern", '"external" or "internal" or "true" or "false", not "intern"'),
        ("no-such", "sonarr", None),
    ],
)
def test_each_resource_takes_the_values_that_it_names(
    editor: Kube, resource: str, value: str, taken: str | None
) -> None:
    status, said = try_new(editor, {access(resource): value})
    assert status == (201 if taken is None else 422)
    assert (taken or "") in said


def test_new_words_are_known_at_once_and_without_a_list_nobody_is_held_up(
    kube: Kube, editor: Kube
) -> None:
    def takes(profile: str) -> bool:
        return try_new(editor, {PROFILE: profile})[0] == 201

    try:
        write_vocabulary(kube, {**WORDS, "profiles": "media,standart"})
        eventually(lambda: takes("standart"), "the new profile to be known")
        write_vocabulary(kube, {})
        eventually(lambda: takes("no-such"), "an empty ConfigMap to hold up nobody")
        write_vocabulary(kube, WORDS)
        eventually(lambda: not takes("no-such"), "the profiles to be checked again")
        kube.delete(f"{CONFIG_MAPS}/{VOCABULARY}")
        eventually(lambda: takes("no-such"), "a missing ConfigMap to hold up nobody")
        assert try_new(editor, {POSTGRES: "sonarr"}) == (201, ""), "which values, nobody says"
        assert try_new(editor, {INTRA_NAMESPACE: "yes"})[0] == 422, "these are the same everywhere"
    finally:
        write_vocabulary(kube, WORDS)
        eventually(lambda: not takes("no-such"), "the profiles to be checked again")
