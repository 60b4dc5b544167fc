"""SharedResources: whatever many share, by a label; and who may ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import words
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, eventually, namespace_path
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Spaces, access, version_of
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

# Settings of the operator of this module: one resource that the settings name.
SETTINGS = {"sharedResources": {"ldap": {"namespace": "auth", "ports": [{"port": 636}]}}}
HTTPS = [{"port": 443}]


def egress(policy: Any) -> list[Any]:
    found: list[Any] = policy["spec"]["egress"]
    return found


def test_an_api_outside_is_a_label_away(spaces: Spaces, definitions: Definitions) -> None:
    stripe = definitions.resource(
        fqdns=[{"matchName": "api.stripe.com"}, {"matchPattern": "*.stripe.network"}], ports=HTTPS
    )
    shop = spaces({PROFILE: "isolated", access(stripe.name): "true"})
    names, dns = egress(shop.has(f"homelab-access-{stripe.name}"))
    assert names["toFQDNs"] == [
        {"matchName": "api.stripe.com"},
        {"matchPattern": "*.stripe.network"},
    ]
    assert names["toPorts"] == [{"ports": [{"port": "443", "protocol": "TCP"}]}]
    assert dns["toPorts"][0]["rules"] == {"dns": [{"matchPattern": "*"}]}
    stripe.status(consumerCount=1, consumers=[shop.name])
    stripe.condition("Ready", "True", "Accepted")


def test_a_nas_is_a_network_and_a_game_server_a_range_of_udp(
    spaces: Spaces, definitions: Definitions
) -> None:
    nas = definitions.resource(cidrs=["192.168.1.10/32"], ports=[{"port": 2049}])
    games = spaces()
    game = definitions.resource(
        namespace=games.name,
        podLabels={"app": "server"},
        ports=[{"port": 27000, "endPort": 27100, "protocol": "UDP"}],
    )
    app = spaces({access(nas.name): "true", access(game.name): "true"})
    [rule] = egress(app.has(f"homelab-access-{nas.name}"))
    assert rule["toCIDR"] == ["192.168.1.10/32"]
    ports = [{"ports": [{"port": "27000", "endPort": 27100, "protocol": "UDP"}]}]
    [rule] = egress(app.has(f"homelab-access-{game.name}"))
    assert rule["toPorts"] == ports
    grant = games.has(f"homelab-grant-{game.name}")
    assert grant["spec"]["ingress"][0]["toPorts"] == ports
    # A hatch that another scenario opened, and that is still closing, counts as a grant as well.
    eventually(
        lambda: app.name in words.consumers(games.policy(f"homelab-grant-{game.name}")),
        f"{app.name} among the consumers of {game.name}",
    )
    assert grant["spec"]["endpointSelector"]["matchLabels"] == {"k8s:app": "server"}


def test_who_may_not_ask_is_refused_and_told(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    vault = definitions.resource(
        cidrs=["192.0.2.7/32"], ports=HTTPS, allowFrom={"matchLabels": {"team": "shop"}}
    )
    label = {access(vault.name): "true"}
    shop, guest = spaces({**label, "team": "shop"}), spaces({**label, "team": "guests"})
    shop.has(f"homelab-access-{vault.name}")
    guest.told("AccessRefused", "may not ask", "team=shop")
    shows(operator, 1, "refused_labels", namespace=guest.name, reason="AccessRefused")
    vault.status(consumers=[shop.name], refused=[guest.name], consumerCount=1)
    assert guest.policies() == {}
    guest.label({"team": "shop"})
    guest.has(f"homelab-access-{vault.name}")
    shows_none(operator, "refused_labels", namespace=guest.name)
    vault.change(allowFrom={"matchLabels": {"team": "bank"}})
    shop.lacks(f"homelab-access-{vault.name}")
    vault.status(consumerCount=0, refused=sorted([shop.name, guest.name]))
    vault.change(allowFrom=None)
    shop.has(f"homelab-access-{vault.name}")
    guest.has(f"homelab-access-{vault.name}")


def test_a_resource_that_moves_takes_its_grants_along(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    old, new = spaces(), spaces()
    cache = definitions.resource(namespace=old.name, ports=[{"port": 6379}])
    app = spaces({access(cache.name): "true"})
    old.has(f"homelab-grant-{cache.name}")
    other = spaces({access("postgres"): "true"})
    untouched = version_of(other.has("homelab-access-postgres"))
    cache.change(namespace=new.name, ports=[{"port": 6380}])
    new.has(f"homelab-grant-{cache.name}")
    old.lacks(f"homelab-grant-{cache.name}")
    phrase = f"pods of {new.name} on TCP/6380"
    app.allows("egress", phrase, f"homelab-access-{cache.name}")
    cache.change(target="none")
    new.lacks(f"homelab-grant-{cache.name}")
    cache.change(target="exclusive")
    grant = new.has(f"homelab-grant-{cache.name}")
    assert grant["spec"]["enableDefaultDeny"]["ingress"]
    assert version_of(other.policy("homelab-access-postgres")) == untouched
    resync(operator)
    assert old.policies() == {}


def test_a_resource_that_is_deleted_in_use_leaves_both_sides_until_nobody_asks(
    spaces: Spaces, definitions: Definitions, operator: RunningOperator
) -> None:
    home = spaces()
    wiki = definitions.resource(namespace=home.name, ports=[{"port": 3000}])
    app = spaces({access(wiki.name): "true"})
    stands = app.has(f"homelab-access-{wiki.name}")
    grant = home.has(f"homelab-grant-{wiki.name}")
    wiki.delete()
    app.told("AccessUnknown", wiki.name, "is kept")
    wiki.told("DeletedInUse", "are kept")
    shows(operator, 1, "definitions_missing", name=wiki.name)
    resync(operator, 2)
    assert app.policy(f"homelab-access-{wiki.name}") == stands
    assert home.policy(f"homelab-grant-{wiki.name}") == grant
    app.label({access(wiki.name): None})
    app.lacks(f"homelab-access-{wiki.name}")
    home.lacks(f"homelab-grant-{wiki.name}")
    resync(operator)
    shows_none(operator, "definitions_missing", name=wiki.name)


def test_a_resource_with_a_mistake_is_refused_and_what_stands_is_kept(
    spaces: Spaces, definitions: Definitions
) -> None:
    nas = definitions.resource(cidrs=["192.0.2.7/32"], ports=HTTPS)
    app = spaces({access(nas.name): "true"})
    good = app.has(f"homelab-access-{nas.name}")
    nas.change(allowForm={"matchLabels": {"team": "shop"}})
    nas.condition("Ready", "False", "SpecInvalid", "spec.allowForm", "no such field")
    app.told("AccessNotReady", "is kept")
    newcomer = spaces({access(nas.name): "true"})
    newcomer.told("AccessNotReady", "no access is granted")
    assert app.policy(f"homelab-access-{nas.name}") == good
    nas.change(allowForm=None)
    newcomer.has(f"homelab-access-{nas.name}")


def test_a_name_of_the_settings_is_theirs_and_a_built_in_one_can_be_moved(
    spaces: Spaces, definitions: Definitions
) -> None:
    mine = definitions.resource("ldap", cidrs=["192.0.2.8/32"], ports=[{"port": 389}])
    mine.condition("Ready", "False", "NameTaken", "settings", "sharedResources")
    home = spaces()
    app = spaces({access("ldap"): "true", access("garage-s3"): "true"})
    app.allows("egress", "pods of auth on TCP/636", "homelab-access-ldap")
    app.allows("egress", "pods of garage on TCP/3900", "homelab-access-garage-s3")
    minio = definitions.resource("garage-s3", namespace=home.name, ports=[{"port": 9000}])
    app.allows("egress", f"pods of {home.name} on TCP/9000", "homelab-access-garage-s3")
    minio.condition("Ready", "True", "Accepted")
    minio.delete()
    app.allows("egress", "pods of garage on TCP/3900", "homelab-access-garage-s3")


def test_whose_hatch_is_open_is_let_in_by_a_resource_that_comes_later(
    spaces: Spaces, definitions: Definitions
) -> None:
    hatched, home = spaces({ENFORCEMENT: "disabled"}), spaces()
    hatched.has("homelab-escape-hatch")
    late = definitions.resource(namespace=home.name, ports=[{"port": 80}])
    eventually(
        lambda: words.consumers(home.policy(f"homelab-grant-{late.name}")) == [hatched.name],
        "the hatched namespace to be let in",
    )


def test_a_target_that_is_going_away_gets_nothing(
    spaces: Spaces, definitions: Definitions, kube: Kube, operator: RunningOperator
) -> None:
    home = spaces()
    kube.patch(namespace_path(home.name), {"metadata": {"finalizers": ["example.org/slow"]}})
    home.delete()
    try:
        slow = definitions.resource(namespace=home.name, ports=[{"port": 80}])
        app = spaces({access(slow.name): "true"})
        app.has(f"homelab-access-{slow.name}")
        resync(operator)
        assert home.policies() == {}
        assert app.events("PolicyNotWritten") == []
    finally:
        kube.patch(namespace_path(home.name), {"metadata": {"finalizers": None}})
