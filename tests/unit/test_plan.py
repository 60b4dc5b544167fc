"""Which policies a namespace gets. What they allow is judged by Cilium's engine, in tests/truth."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from homelab_netpol.intent import WHOLE, Intent, LastGood, NamespaceFacts, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.check_templates import check_templates
from homelab_netpol.policy.diff import Create, Delete, Replace, diff
from homelab_netpol.policy.keys import Component
from homelab_netpol.policy.notes import gateway_ports_text, parse_gateway_ports_text
from homelab_netpol.policy.objects import LivePolicy, Policy, digest_of
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings, parse_settings

CATALOGUE = Catalogue(Settings())
PLANNER = Planner(CATALOGUE)


def everything(planner: Planner, catalogue: Catalogue) -> list[Policy]:
    """Every policy that one set of settings can give."""
    grants = tuple(sorted(catalogue.vocabulary.resources))
    policies = planner.clusterwide({})
    choices = itertools.product(
        [None, *catalogue.vocabulary.profiles], [False, True], [None, (), (8080,)], [False, True]
    )
    for profile, intra, ports, meshed in choices:
        intent = Intent(
            "my-app",
            profile=profile,
            intra_namespace=intra,
            gateway_ports=ports,
            grants=grants,
            hatch_open=True,
            meshed=meshed,
        )
        policies += planner.namespace(intent, lambda _: True).policies
    for name in grants:
        target = planner.target(name, {"a": WHOLE, "b": WHOLE}, lambda _: True)
        policies += [target] if target else []
    return policies


def rules(policy: Policy) -> list[dict[str, object]]:
    return list(policy.body.get("specs") or [policy.body["spec"]])


def test_the_baselines_carry_the_names_that_people_grep_for() -> None:
    assert {policy.key.name for policy in PLANNER.clusterwide({})} == {
        "baseline-dns-egress",
        "baseline-health-probes",
        "baseline-prometheus-scrape",
        "baseline-kube-api-access",
        "baseline-hbone-mesh",
        "escape-hatch-allow-all",
    }


@pytest.mark.parametrize("scope", ["workload", "labelled", "cluster"])
def test_only_profiles_and_baselines_switch_on_default_deny(scope: str) -> None:
    catalogue = Catalogue(parse_settings(f"defaultDeny: {scope}"))
    additive = {"ingress": False, "egress": False}
    for policy in everything(Planner(catalogue), catalogue):
        if policy.component is Component.PROFILE:
            continue
        denying = [rule for rule in rules(policy) if rule.get("enableDefaultDeny") != additive]
        if policy.component is Component.BASELINE:
            assert not denying or scope != "labelled", policy.key
        else:
            assert not denying, policy.key


@pytest.mark.parametrize("profile", ["isolated", "internal", "internal-egress", "standard"])
def test_a_profile_stands_on_its_own_with_a_rule_in_each_direction(profile: str) -> None:
    [policy] = PLANNER.namespace(Intent("my-app", profile=profile), lambda _: False).policies
    [rule] = rules(policy)
    assert rule["ingress"]
    assert rule["egress"]
    assert "enableDefaultDeny" not in rule


def test_a_change_of_profile_is_one_replace_of_one_object() -> None:
    [before] = PLANNER.namespace(Intent("my-app", profile="isolated"), lambda _: False).policies
    after = PLANNER.namespace(Intent("my-app", profile="standard"), lambda _: False).policies
    changes = diff(after, {before.key: live(before)})
    assert [type(change) for change in changes] == [Replace]


def test_a_profile_of_ones_own_may_have_several_rules_and_be_served_by_a_gateway(
    tmp_path: Path,
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.yaml.j2").write_text(
        """{% import "rules.yaml.j2" as rules %}
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
specs:
  - endpointSelector: {}
    egress:
{{ rules.to_dns() }}
  - endpointSelector: {matchLabels: {"k8s:app": web}}
    ingress:
{{ rules.from_gateway("external", gateway_ports, meshed) }}
{{ rules.from_probes() }}
"""
    )
    catalogue = Catalogue(parse_settings(f"templates: {tmp_path}"))
    check_templates(catalogue)
    assert catalogue.profiles.gateways_of("own") == {"external"}
    assert catalogue.profiles.gateways_of("standard") == {"internal", "external"}
    assert catalogue.profiles.gateways_of("isolated") == frozenset()


def test_no_object_is_named_default_deny_and_all_are_marked_as_managed() -> None:
    for policy in everything(PLANNER, CATALOGUE):
        assert "default-deny" not in policy.key.name
        assert policy.labels["app.kubernetes.io/managed-by"] == "homelab-netpol"
        assert policy.labels["network-policy.homelab/component"] == policy.component
        assert all(rule.get("endpointSelector") is not None for rule in rules(policy))


def test_an_exclusive_resource_denies_others_even_while_nobody_is_granted() -> None:
    catalogue = Catalogue(
        parse_settings(
            "sharedResources: {ldap: {namespace: auth, ports: [{port: 636}], target: exclusive}}"
        )
    )
    policy = Planner(catalogue).target("ldap", {}, lambda _: False)
    assert policy is not None
    [rule] = rules(policy)
    assert rule["enableDefaultDeny"] == {"ingress": True, "egress": False}
    assert rule["ingress"] == [{"fromEntities": ["host"]}]


def test_without_consumers_an_additive_resource_has_no_policy() -> None:
    assert PLANNER.target("postgres", {}, lambda _: False) is None
    assert PLANNER.target("kube-api", {"a": WHOLE}, lambda _: False) is None


def test_the_labels_of_a_kept_policy_say_how_to_make_it_again() -> None:
    for ports in (None, (), (80, 443)):
        assert parse_gateway_ports_text(gateway_ports_text(ports)) == ports
    assert parse_gateway_ports_text(None) is None
    for edited in ("80,x", "9" * 5000, "65536", "0"):
        assert parse_gateway_ports_text(edited) is None
    intent = read_intent(
        NamespaceFacts("a", {"network-policy.homelab/profile": "standart"}),
        LastGood(profile="isolated", intra_namespace=True, gateway_ports=(80,)),
        CATALOGUE.vocabulary,
        datetime.now(UTC),
    )
    assert intent.profile == "isolated"


def live(policy: Policy) -> LivePolicy:
    return LivePolicy(
        key=policy.key,
        uid="1",
        resource_version="1",
        labels=dict(policy.labels),
        annotations=dict(policy.annotations),
        digest=policy.digest,
        created="",
    )


def test_labels_of_others_are_no_difference_and_ours_are() -> None:
    [policy] = PLANNER.namespace(Intent("a", profile="standard"), lambda _: False).policies
    labels, annotations = {**policy.labels, "team": "x"}, {**policy.annotations, "n": ""}
    same = replace(live(policy), labels=labels, annotations=annotations)
    assert diff([policy], {policy.key: same}) == []
    for spoiled in (
        replace(live(policy), labels={}),
        replace(live(policy), annotations={}),
        replace(live(policy), digest="other"),
    ):
        assert diff([policy], {policy.key: spoiled}) == [Replace(policy, spoiled)]


def test_what_is_no_longer_wanted_is_deleted_after_what_is() -> None:
    [old] = PLANNER.namespace(Intent("a", grants=("postgres",)), lambda _: False).policies
    [new] = PLANNER.namespace(Intent("a", grants=("dragonfly",)), lambda _: False).policies
    assert diff([new], {old.key: live(old)}) == [Create(new), Delete(live(old))]


def test_a_digest_tells_rules_apart_and_not_the_order_of_keys() -> None:
    one = {"spec": {"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]}}
    same = {"spec": {"ingress": [{"fromEntities": ["all"]}], "endpointSelector": {}}, "status": {}}
    assert digest_of(one) == digest_of(same)
    assert digest_of(one) != digest_of({"specs": [one["spec"]]})


@pytest.mark.parametrize("scope", ["workload", "cluster"])
@pytest.mark.parametrize("hatch_open", [False, True])
def test_nothing_of_ours_becomes_a_rule_for_the_whole_mesh(scope: str, hatch_open: bool) -> None:
    # Istio: a policy without a selector in the root namespace applies to every namespace.
    catalogue = Catalogue(
        parse_settings(
            f"""
            defaultDeny: {scope}
            mesh: {{authorizationPolicies: true, mtls: strict}}
            sharedResources:
              tracing: {{namespace: istio-system, target: exclusive, ports: [{{port: 4317}}]}}
            """
        )
    )
    planner = Planner(catalogue)

    def kinds_in(namespace: str) -> set[str]:
        intent = Intent(namespace, meshed=True, hatch_open=hatch_open)
        written = planner.namespace(intent, lambda _: True).policies
        return {policy.key.kind.value for policy in written}

    assert not {"AuthorizationPolicy", "PeerAuthentication"} & kinds_in("istio-system")
    assert "AuthorizationPolicy" in kinds_in("my-app")
    owner = Intent("istio-system", meshed=True, platform=True)
    beside = planner.beside("tracing", {"my-app": WHOLE}, owner, lambda _: True)
    assert [policy.key.kind.value for policy in beside] == ["CiliumNetworkPolicy"]


def test_scrapers_of_certain_ports_use_the_tunnel_from_meshed_namespaces_only() -> None:
    pods = {"namespace": "monitoring", "podLabels": {"app": "vmagent"}}
    settings = Settings.model_validate({"scrapers": [{**pods, "ports": [9100]}]})
    policies = {each.key.name: each for each in Planner(Catalogue(settings)).clusterwide({})}
    ingress = policies["baseline-hbone-mesh"].body["spec"]["ingress"]
    selectors = [peer for rule in ingress for peer in rule.get("fromEndpoints") or ()]
    [scraper] = [each for each in selectors if each["matchLabels"].get("k8s:app") == "vmagent"]
    assert scraper["matchExpressions"] == [
        {
            "key": "k8s:io.cilium.k8s.namespace.labels.istio.io/dataplane-mode",
            "operator": "In",
            "values": ["ambient"],
        }
    ]
