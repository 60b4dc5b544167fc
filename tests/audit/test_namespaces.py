"""What the audit says of Namespaces, in a cluster that is written out here."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.audit.audited import audited, edges, in_namespace, manifest, tasks
from tests.explained import deployment, namespace, policy

_OPEN = {"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]}
_GATEWAY = {"gateway.networking.k8s.io/gateway-name": "internal"}

HOME = "".join(
    [
        namespace("photos", profile="standard", access_postgres="true"),
        deployment("photos", "web"),
        namespace("games", profile="internal"),
        deployment("games", "server"),
        # Opens a profile from outside, and lists no ports.
        policy(
            "games", "open-to-all", {"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]}
        ),
        namespace("old"),
        deployment("old", "app"),
        namespace("open", profile="isolated", enforcement="disabled"),
        deployment("open", "job"),
        namespace(
            "soon",
            profile="isolated",
            enforcement="disabled",
            annotations={"disabled-until": "2026-03-01T18:00:00Z"},
        ),
        namespace(
            "later",
            profile="isolated",
            enforcement="disabled",
            annotations={"disabled-until": "2h"},
        ),
        namespace("typo", profile="standrad"),
        deployment("typo", "app"),
        namespace("bare"),
        namespace("database"),
        deployment("database", "pg", 5432),
        namespace("monitoring"),
        deployment(
            "monitoring",
            "node-exporter",
            hostNetwork=True,
        ),
        namespace("cameras", profile="isolated"),
        deployment("cameras", "recorder", hostNetwork=True),
        namespace("istio-gateway"),
        manifest(
            "v1",
            "Pod",
            "internal",
            metadata={"namespace": "istio-gateway", "labels": _GATEWAY},
            spec={"containers": [{"name": "proxy"}]},
        ),
        manifest(
            "v1",
            "Pod",
            "tv",
            metadata={
                "namespace": "games",
                "labels": {"app": "tv"},
                "annotations": {"k8s.v1.cni.cncf.io/networks": "iot"},
            },
            spec={"containers": [{"name": "tv"}]},
        ),
    ]
)


@cache
def home() -> dict[str, Any]:
    """The audit of the tree above."""
    return audited(HOME)


def test_each_namespace_has_the_state_that_its_labels_come_to() -> None:
    assert {each["name"]: each["state"] for each in home()["namespaces"]} == {
        "photos": "enforced",
        "games": "enforced",
        "cameras": "enforced",
        "old": "unlabelled",
        "bare": "unlabelled",
        "open": "hatch",
        "soon": "hatch",
        "later": "hatch",
        "typo": "invalid",
        "database": "platformIncomplete",
        # Its pods are all on their node's network: a policy would hold none of them.
        "monitoring": "platform",
        "istio-gateway": "platformIncomplete",
    }


def test_when_a_hatch_closes_is_said_only_where_it_is_known() -> None:
    # In a tree nobody knows since when: so a duration says nothing.
    until = {name: in_namespace(home(), name)["until"] for name in ("open", "soon", "later")}
    assert until == {"open": None, "soon": "2026-03-01T18:00:00Z", "later": None}
    assert {in_namespace(home(), name)["since"] for name in until} == {None}


def test_default_deny_is_by_what_policies_do() -> None:
    closed = {
        name: tuple(in_namespace(home(), name)["defaultDeny"].values())
        for name in ("photos", "games", "old", "open", "typo", "database")
    }
    assert closed == {
        "photos": (True, True),
        # A policy by hand lets everybody in, on every port.
        "games": (False, True),
        # `auto` closes nobody without a profile while a Namespace is unlabelled.
        "old": (False, False),
        # The profile's default deny stays, and the hatch lets everything through.
        "open": (False, False),
        "typo": (False, False),
        "database": (False, False),
    }


def test_what_to_do_first_is_by_risk() -> None:
    found = home()
    assert tasks(found, "open") == {"HatchOpen": "high"}
    assert tasks(found, "soon") == {"HatchOpen": "medium"}
    assert tasks(found, "old") == {"Unlabelled": "high"}
    assert tasks(found, "bare") == {"Unlabelled": "low"}
    assert tasks(found, "typo") == {"LabelInvalid": "high"}
    assert tasks(found, "cameras") == {"PodsOutside": "medium"}
    assert tasks(found, "database") == {"PlatformIncomplete": "medium"}
    assert tasks(found, "monitoring") == {}
    assert tasks(found, "photos") == {}
    risks = [each["risk"] for each in found["first"]]
    assert risks == sorted(risks, key=["high", "medium", "low"].index)
    [task] = [each for each in found["first"] if each["namespace"] == "open"]
    assert "kubectl label namespace open network-policy.homelab/enforcement-" in task["do"]


def test_a_rule_that_is_wider_than_the_profile_is_named_with_its_policy() -> None:
    wider = in_namespace(home(), "games")["wider"]
    assert {(each["object"], each["rule"]) for each in wider} == {
        ("CiliumNetworkPolicy/games/open-to-all", "ProfileWidened"),
        ("CiliumNetworkPolicy/games/open-to-all", "NP008"),
    }
    assert in_namespace(home(), "photos")["wider"] == []


def test_a_clusterwide_rule_on_every_port_is_said_of_the_cluster() -> None:
    wide = manifest(
        "cilium.io/v2",
        "CiliumClusterwideNetworkPolicy",
        "from-everywhere",
        spec={"endpointSelector": {}, "ingress": [{"fromEntities": ["cluster"]}]},
    )
    found = audited(namespace("photos", profile="isolated") + deployment("photos", "web") + wide)
    named = "CiliumClusterwideNetworkPolicy/from-everywhere"
    assert {(each["object"], each["rule"]) for each in found["wider"]} == {(named, "NP008")}
    said = in_namespace(found, "photos")["wider"]
    assert {(each["object"], each["rule"]) for each in said} == {(named, "ProfileWidened")}
    assert tasks(found, None)["NP008"] == "medium"


def test_pods_that_no_policy_holds_are_named() -> None:
    outside = {
        each["name"]: [one["pod"] for one in each["podsOutside"]]
        for each in home()["namespaces"]
        if each["podsOutside"]
    }
    assert outside == {
        "games": ["Pod tv"],
        "cameras": ["Deployment recorder"],
        "monitoring": ["Deployment node-exporter"],
    }
    assert home()["summary"]["podsOutside"] == 3


def test_edges_say_who_may_talk_to_whom_and_by_whose_word() -> None:
    found = edges(home())
    every = "*/SCTP */TCP */UDP"
    assert found >= {
        ("ns/photos", "world", "profile standard", "443/TCP"),
        ("ns/photos", "resource/postgres", "grant postgres", "5432/TCP"),
        ("ns/photos", "ns/photos", "profile standard", every),
        ("gateway/internal", "ns/photos", "profile standard", "*/TCP"),
        # A policy by hand opens it to the world.
        ("world", "ns/games", "policy CiliumNetworkPolicy/games/open-to-all", every),
        ("any", "ns/games", "policy CiliumNetworkPolicy/games/open-to-all", every),
        ("ns/old", "any", "open", every),
        ("any", "ns/open", "hatch", every),
    }
    # photos may reach nobody else, and isolated pods not each other.
    assert {to for source, to, _, ports in found if source == "ns/photos" and ports} == {
        *("world", "lan", "dns", "resource/postgres", "ns/photos")
    }
    assert not [each for each in found if each[:2] == ("ns/cameras", "ns/cameras")]


def test_what_is_not_given_is_said_and_not_guessed() -> None:
    found = home()
    assert found["enforcement"]["enforcing"] is None
    assert found["whoMayChange"] is None
    assert any("cilium-config" in each for each in found["notSeen"])
    assert any("roles" in each for each in found["notSeen"])


def test_in_a_cluster_a_label_whose_policy_does_not_stand_enforces_nothing() -> None:
    found = audited(HOME, from_cluster=True)
    assert in_namespace(found, "photos")["state"] == "pending"
    assert in_namespace(found, "photos")["defaultDeny"] == {"ingress": False, "egress": False}
    assert tasks(found, "photos") == {"PolicyMissing": "high"}
    # Without an agent nothing is enforced, whatever stands.
    assert found["enforcement"]["enforcing"] is False
    assert tasks(found, None)["NothingEnforced"] == "high"
