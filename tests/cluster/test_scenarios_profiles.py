"""NetworkProfiles: profiles of one's own, from their making to their end."""

from __future__ import annotations

import pytest

from tests.cluster import words
from tests.cluster.definitions import HTTPS_TO_WORLD, Definitions
from tests.cluster.kube import eventually
from tests.cluster.spaces import INTRA_NAMESPACE, PROFILE, Spaces, uid_of, version_of
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

FROM_TEAM = {
    "fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "team"}}],
    "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}],
}
TEAM = "pods of team on TCP/8080"
MISTYPED = {"toPorts": [{"ports": [{"port": "80", "protocol": "TCP", "endport": 90}]}]}
TO_STRIPE = {
    "toFQDNs": [{"matchName": "api.stripe.com"}],
    "toPorts": [{"ports": [{"port": "443"}]}],
}
DNS_PROXY = {
    "toEndpoints": [
        {
            "matchLabels": {
                "k8s:io.kubernetes.pod.namespace": "kube-system",
                "k8s:k8s-app": "kube-dns",
            }
        }
    ],
    "toPorts": [
        {
            "ports": [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}],
            "rules": {"dns": [{"matchPattern": "*"}]},
        }
    ],
}


def test_a_profile_of_ones_own_stands_on_dns_and_probes(
    spaces: Spaces, definitions: Definitions
) -> None:
    own = definitions.profile(ingress=[FROM_TEAM])
    app = spaces({PROFILE: own.name})
    policy = app.has_profile(own.name)
    assert words.allowed(policy, "ingress") == words.PROBES | {TEAM, words.OWN_NAMESPACE}
    assert words.allowed(policy, "egress") == {words.DNS, words.OWN_NAMESPACE}
    app.told("ProfileApplied", own.name)
    own.condition("Ready", "True", "Accepted")
    own.status(namespaces=1)
    app.label({PROFILE: "isolated"})
    own.status(namespaces=0)


def test_a_profile_adds_to_the_one_that_it_extends(
    spaces: Spaces, definitions: Definitions
) -> None:
    base = definitions.profile(extends="internal", egress=[HTTPS_TO_WORLD])
    top = definitions.profile(extends=base.name, ingress=[FROM_TEAM], intraNamespace=False)
    app = spaces({PROFILE: top.name})
    policy = app.has_profile(top.name)
    assert words.allowed(policy, "ingress") == words.PROBES | {words.INTERNAL_GATEWAY, TEAM}
    assert words.allowed(policy, "egress") == {words.DNS, words.HTTPS}
    app.label({INTRA_NAMESPACE: "allow"})
    app.allows("ingress", words.OWN_NAMESPACE)
    # What is extended changes, and so does who extends it.
    base.change(extends="standard")
    app.allows("ingress", words.EXTERNAL_GATEWAY)


def test_names_get_the_dns_rule_that_they_need(spaces: Spaces, definitions: Definitions) -> None:
    own = definitions.profile(egress=[TO_STRIPE])
    app = spaces({PROFILE: own.name})
    assert DNS_PROXY in app.has_profile(own.name)["spec"]["egress"]
    own.change(egress=[HTTPS_TO_WORLD])
    eventually(lambda: DNS_PROXY not in app.has()["spec"]["egress"], "DNS past the proxy")


def test_a_change_reaches_every_namespace_that_uses_it_and_no_other(
    spaces: Spaces, definitions: Definitions
) -> None:
    own = definitions.profile()
    users = [spaces({PROFILE: own.name}) for _ in range(5)]
    other = spaces({PROFILE: "standard"})
    before = [uid_of(user.has_profile(own.name)) for user in users]
    untouched = version_of(other.has_profile("standard"))
    own.status(namespaces=5)
    own.change(ingress=[FROM_TEAM])
    for user in users:
        user.allows("ingress", TEAM)
    assert [uid_of(user.policy()) for user in users] == before, "replaced, and never away"
    assert version_of(other.policy()) == untouched
    for user in users:
        assert user.events("DriftReverted") == []


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        ({"extends": "standart"}, "ExtendsUnknown", "there is no profile 'standart'"),
        ({"ingress": [{**FROM_TEAM, "toPort": []}]}, "SpecInvalid", "did you mean toPorts?"),
        ({"ingres": []}, "SpecInvalid", "did you mean ingress?"),
        (
            {"egress": [{"toEntities": ["world"], **MISTYPED}]},
            "SpecInvalid",
            "spec.egress[0].toPorts[0].ports[0].endport",
        ),
    ],
)
def test_a_profile_that_cannot_be_used_leaves_the_last_good_in_place(
    spaces: Spaces,
    definitions: Definitions,
    operator: RunningOperator,
    change: dict[str, object],
    reason: str,
    word: str,
) -> None:
    own = definitions.profile(ingress=[FROM_TEAM])
    user = spaces({PROFILE: own.name})
    good = version_of(user.has_profile(own.name))
    own.change(**change)
    own.condition("Ready", "False", reason, word)
    own.told(reason, word, "are kept")
    user.told("ProfileNotReady", "is kept as it is")
    newcomer = spaces({PROFILE: own.name})
    newcomer.told("ProfileNotReady", "no profile is in force")
    shows(operator, 1, "definitions_unusable", name=own.name, reason=reason)
    resync(operator, 2)
    assert version_of(user.policy()) == good
    assert newcomer.policies() == {}, "nothing is guessed"
    own.change(**{**dict.fromkeys(change), "ingress": [FROM_TEAM], "egress": [HTTPS_TO_WORLD]})
    newcomer.has_profile(own.name)
    user.allows("egress", words.HTTPS)
    own.condition("Ready", "True", "Accepted")
    shows_none(operator, "definitions_unusable", name=own.name)
    shows_none(operator, "refused_labels", namespace=user.name)


def test_profiles_that_extend_each_other_are_refused_and_so_is_who_builds_on_them(
    spaces: Spaces, definitions: Definitions
) -> None:
    names = [definitions.fresh_name() for _ in range(3)]
    one = definitions.profile(names[0])
    two = definitions.profile(names[1], extends=names[0])
    user = spaces({PROFILE: names[1]})
    user.has_profile(names[1])
    one.change(extends=names[1])
    third = definitions.profile(names[2], extends=names[0])
    for each in (one, two):
        each.condition("Ready", "False", "ExtendsCycle", f"{names[0]}", "->", f"{names[1]}")
    third.condition("Ready", "False", "ExtendsNotReady", names[0])
    assert user.policy() is not None
    one.change(extends=None)
    for each in (one, two, third):
        each.condition("Ready", "True", "Accepted")


def test_a_profile_that_is_deleted_in_use_leaves_its_last_policies_and_is_missed(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    own = definitions.profile(ingress=[FROM_TEAM])
    top = definitions.profile(extends=own.name)
    user, heir = spaces({PROFILE: own.name}), spaces({PROFILE: top.name})
    good, inherited = user.has_profile(own.name), heir.has_profile(top.name)
    own.delete()
    user.told("ProfileUnknown", f"There is no profile '{own.name}'", "kept as it is")
    top.condition("Ready", "False", "ExtendsUnknown", own.name, "1 namespace keeps")
    own.told("DeletedInUse", "are kept")
    shows(operator, 1, "definitions_missing", name=own.name)
    resync(operator, 2)
    assert user.policy() == good
    assert heir.policy() == inherited
    again = definitions.profile(own.name, egress=[HTTPS_TO_WORLD])
    eventually(lambda: TEAM not in words.allowed(user.has(), "ingress"), "the new definition")
    again.status(namespaces=2)
    top.condition("Ready", "True", "Accepted")
    shows_none(operator, "definitions_missing", name=own.name)
    shows_none(operator, "refused_labels", namespace=user.name)


def test_the_label_and_then_the_profile_is_as_good_as_the_other_way_round(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    name = definitions.fresh_name()
    early = spaces({PROFILE: name})
    early.told("ProfileUnknown", name)
    definitions.profile(name)
    early.has_profile(name)
    shows_none(operator, "refused_labels", namespace=early.name)
