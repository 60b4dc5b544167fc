"""What a Namespace's labels mean, and what happens to labels that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homelab_netpol.intent import (
    Intent,
    LastGood,
    NamespaceFacts,
    Reason,
    ResourceWords,
    Vocabulary,
    read_intent,
)

WORDS = Vocabulary(
    domain="network-policy.homelab",
    profiles={"isolated": False, "internal": True, "internal-egress": True, "standard": True},
    resources=dict.fromkeys(("postgres", "dragonfly", "garage-s3", "kube-api"), ResourceWords()),
    platform_namespaces=frozenset({"kube-system", "database"}),
    mesh_label=("istio.io/dataplane-mode", "ambient"),
    platform_patterns=("*-system", "infra-*-x"),
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROFILE = "network-policy.homelab/profile"
PLATFORM = "network-policy.homelab/platform"
ENFORCEMENT = "network-policy.homelab/enforcement"
INTRA = "network-policy.homelab/intra-namespace"
PORTS = "network-policy.homelab/gateway-ports"
POSTGRES = "access.network-policy.homelab/postgres"


def read(
    labels: dict[str, str] | None = None,
    *,
    annotations: dict[str, str] | None = None,
    last_good: LastGood | None = None,
    name: str = "my-app",
) -> Intent:
    facts = NamespaceFacts(name, labels or {}, annotations or {})
    return read_intent(facts, last_good or LastGood(), WORDS, NOW)


def reasons(intent: Intent) -> list[Reason]:
    return [problem.reason for problem in intent.problems]


def test_a_namespace_without_labels_wants_nothing() -> None:
    assert read() == Intent("my-app")


@pytest.mark.parametrize(
    ("profile", "intra_namespace"),
    [("isolated", False), ("internal", True), ("internal-egress", True), ("standard", True)],
)
def test_each_profile_has_its_default_between_its_own_pods(
    profile: str, intra_namespace: bool
) -> None:
    intent = read({PROFILE: profile})
    assert (intent.profile, intent.intra_namespace) == (profile, intra_namespace)
    assert not intent.problems


@pytest.mark.parametrize(
    ("profile", "value", "allowed"),
    [("isolated", "allow", True), ("standard", "deny", False), ("standard", "allow", True)],
)
def test_intra_namespace_overrides_either_way(profile: str, value: str, allowed: bool) -> None:
    assert read({PROFILE: profile, INTRA: value}).intra_namespace is allowed


def test_intra_namespace_needs_a_profile() -> None:
    intent = read({INTRA: "allow"})
    assert not intent.intra_namespace
    assert reasons(intent) == [Reason.INTRA_NAMESPACE_REFUSED]


@pytest.mark.parametrize("standing", [True, False])
def test_an_unreadable_intra_namespace_changes_nothing(standing: bool) -> None:
    intent = read(
        {PROFILE: "isolated", INTRA: "yes"},
        last_good=LastGood(profile="isolated", intra_namespace=standing),
    )
    assert intent.intra_namespace is standing
    assert reasons(intent) == [Reason.INTRA_NAMESPACE_INVALID]


def test_a_profile_on_a_platform_namespace_is_refused_but_its_grants_and_hatch_work() -> None:
    labels = {PROFILE: "standard", POSTGRES: "true", ENFORCEMENT: "disabled"}
    intent = read(labels, name="kube-system", last_good=LastGood(profile="standard"))
    assert intent.profile is None
    assert intent.grants == ("postgres",)
    assert intent.hatch_open
    assert reasons(intent) == [Reason.PROFILE_REFUSED]


@pytest.mark.parametrize(
    ("name", "label", "last_good", "why"),
    [
        ("kube-system", None, False, "setting platformNamespaces names it"),
        ("rook-system", None, False, "pattern '*-system'"),
        ("infra--x", None, False, "pattern 'infra-*-x'"),
        ("infra-a-b-x", "false", False, "pattern 'infra-*-x'"),
        ("my-app", "true", False, f"its label {PLATFORM} says so"),
        ("my-app", "TRUE", True, f"its label {PLATFORM} says so"),
        ("my-app", "TRUE", False, None),
        ("my-app", "false", True, None),
        ("my-app", None, True, None),
        ("system", None, False, None),
        ("my-systems", None, False, None),
        ("infra-x", None, False, None),
    ],
)
def test_a_name_a_pattern_or_the_label_makes_a_platform_namespace(
    name: str, label: str | None, last_good: bool, why: str | None
) -> None:
    labels = {PROFILE: "standard", **({PLATFORM: label} if label is not None else {})}
    intent = read(labels, name=name, last_good=LastGood(platform_label=last_good))
    assert intent.platform is (why is not None)
    assert intent.profile == (None if why else "standard")
    told = {problem.reason: problem.message for problem in intent.problems}
    assert (Reason.PROFILE_REFUSED in told) is (why is not None)
    assert why is None or why in told[Reason.PROFILE_REFUSED]
    assert (Reason.PLATFORM_VALUE_INVALID in told) is (label == "TRUE")


def test_a_mistyped_profile_keeps_the_last_good_one_and_names_the_nearest() -> None:
    intent = read({PROFILE: "standart"}, last_good=LastGood(profile="internal"))
    assert intent.profile == "internal"
    [problem] = intent.problems
    assert problem.reason is Reason.PROFILE_UNKNOWN
    assert "'internal' stays in force" in problem.message
    assert "Did you mean 'standard'?" in problem.message


@pytest.mark.parametrize("value", ["standart", "", "Standard", "none", "x" * 63])
def test_an_unknown_profile_with_nothing_before_it_is_told_and_not_guessed(value: str) -> None:
    intent = read({PROFILE: value})
    assert intent.profile is None
    assert reasons(intent) == [Reason.PROFILE_UNKNOWN]


def test_a_standing_profile_that_is_no_longer_known_is_left_as_it_is() -> None:
    intent = read({PROFILE: "gone"}, last_good=LastGood(profile="gone"))
    assert intent.profile is None
    assert intent.retained_profile == "gone"


@pytest.mark.parametrize("profile", [None, "isolated"])
def test_a_grant_works_with_or_without_a_profile(profile: str | None) -> None:
    labels = {POSTGRES: "true"} | ({PROFILE: profile} if profile else {})
    assert read(labels).grants == ("postgres",)


@pytest.mark.parametrize("value", ["yes", "TRUE", "True", "1", "", "enabled"])
@pytest.mark.parametrize("stands", [True, False])
def test_only_true_grants_and_any_other_value_changes_nothing(value: str, stands: bool) -> None:
    last_good = LastGood(grants=frozenset({"postgres"} if stands else ()))
    intent = read({POSTGRES: value}, last_good=last_good)
    assert intent.grants == (("postgres",) if stands else ())
    assert reasons(intent) == [Reason.ACCESS_VALUE_INVALID]


def test_false_and_absence_revoke_without_a_word() -> None:
    last_good = LastGood(grants=frozenset({"postgres", "dragonfly"}))
    intent = read({POSTGRES: "false"}, last_good=last_good)
    assert intent.grants == ()
    assert not intent.problems


def test_an_unknown_resource_grants_nothing_and_names_the_nearest() -> None:
    intent = read({"access.network-policy.homelab/postgress": "true"})
    assert intent.grants == ()
    [problem] = intent.problems
    assert problem.reason is Reason.ACCESS_UNKNOWN
    assert "Did you mean 'postgres'?" in problem.message


def test_access_to_a_resource_that_is_no_longer_known_stays_as_it_is() -> None:
    intent = read(
        {"access.network-policy.homelab/ldap": "true"},
        last_good=LastGood(grants=frozenset({"ldap"})),
    )
    assert intent.retained_grants == ("ldap",)


@pytest.mark.parametrize(("value", "is_open"), [("disabled", True), ("enabled", False)])
def test_the_hatch_follows_its_label(value: str, is_open: bool) -> None:
    intent = read({ENFORCEMENT: value}, last_good=LastGood(hatch_open=not is_open))
    assert intent.hatch_open is is_open


@pytest.mark.parametrize("value", ["disable", "Disabled", "false", "off", ""])
@pytest.mark.parametrize("was_open", [True, False])
def test_an_unreadable_hatch_label_neither_opens_nor_closes(value: str, was_open: bool) -> None:
    intent = read({ENFORCEMENT: value}, last_good=LastGood(hatch_open=was_open))
    assert intent.hatch_open is was_open
    assert reasons(intent) == [Reason.ENFORCEMENT_VALUE_INVALID]


@pytest.mark.parametrize(
    ("text", "ports"),
    [("8080", (8080,)), ("8080,9090", (8080, 9090)), (" 9090 , 80,80", (80, 9090))],
)
def test_gateway_ports_are_read_in_any_order(text: str, ports: tuple[int, ...]) -> None:
    intent = read({PROFILE: "internal"}, annotations={PORTS: text})
    assert intent.gateway_ports == ports


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "65536",
        "http",
        "80;90",
        "80,",
        "-1",
        "1e3",
        "\uff18\uff10\uff18\uff10",  # full-width digits, which Python's int() would take
        "0x50",
        '80"}]',
        ",".join(str(port) for port in range(1, 41)),
        "8" * 200_000,
    ],
)
@pytest.mark.parametrize("standing", [None, (), (8080,)])
def test_unreadable_gateway_ports_keep_what_stands_and_open_nothing_new(
    text: str, standing: tuple[int, ...] | None
) -> None:
    last_good = LastGood(profile="internal", gateway_ports=standing)
    intent = read({PROFILE: "internal"}, annotations={PORTS: text}, last_good=last_good)
    assert intent.gateway_ports == standing
    [problem] = intent.problems
    assert problem.reason is Reason.GATEWAY_PORTS_INVALID
    assert len(problem.message) < 1024, "an Event would be cut off"


def test_a_mistyped_key_of_the_vocabulary_is_told() -> None:
    [problem] = read({"network-policy.homelab/profil": "standard"}).problems
    assert problem.reason is Reason.LABEL_UNKNOWN
    assert "'profile'" in problem.message


def test_labels_of_others_are_not_even_kept() -> None:
    facts = WORDS.facts(
        "a",
        {"team": "x", PROFILE: "isolated", "access.network-policy.homelab.evil/postgres": "true"},
        {"note": "y"},
        terminating=False,
    )
    assert facts.labels == {PROFILE: "isolated"}
    assert facts.annotations == {}
