"""What installing the operator would cut off by profiles, names and Cilium's configuration."""

from __future__ import annotations

import pytest

from homelab_netpol.preflight import Report, Severity, preflight
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import cluster
from tests.detect.preflighted import (
    CUT_OFF,
    LABELLED,
    NOON,
    NOTE,
    PROFILE,
    TRAEFIK,
    WARNING,
    WIDE,
    of,
    only,
    read,
    text_of,
)


def test_nothing_is_said_where_all_is_labelled_and_the_settings_fit() -> None:
    assert read() == Report()


def test_what_was_not_read_is_part_of_the_report() -> None:
    manifests = cluster(LABELLED)
    manifests.gaps.append("pods may not be listed")
    assert preflight(parse_settings(""), manifests, NOON).gaps == ("pods may not be listed",)


# Namespaces without a profile


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("workload", [(CUT_OFF, "photos")]),
        ("labelled", []),
        ("auto", [(NOTE, "defaultDeny")]),
        ("cluster", [(CUT_OFF, "kube-system"), (CUT_OFF, "photos"), (CUT_OFF, "traefik")]),
    ],
)
def test_a_namespace_with_pods_and_no_profile_is_closed_by_scope(
    scope: str, found: list[tuple[Severity, str]]
) -> None:
    report = read(labelled=False, settings=f"{TRAEFIK}\ndefaultDeny: {scope}")
    assert of(report, "closed-namespace") == found
    assert report.cuts_off is any(severity is CUT_OFF for severity, _ in found)
    if scope == "auto":
        assert only(report, "closed-namespace").message.startswith("photos has pods and no profile")


def test_a_hatch_or_policies_of_its_own_in_both_directions_keep_it_from_being_cut_off() -> None:
    own = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own, namespace: photos}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], egress: [{}]}
"""
    settings = f"{TRAEFIK}\ndefaultDeny: workload"
    report = read(own, labelled=False, settings=settings)
    assert of(report, "closed-namespace") == [(NOTE, "defaultDeny")]
    one_way = own.replace(", Egress], egress: [{}]", "]")
    closed = only(read(one_way, labelled=False, settings=settings), "closed-namespace")
    assert closed.severity is CUT_OFF
    assert "Deployment web: egress would be denied" in closed.message
    hatch = LABELLED.replace(f"{PROFILE}: internal", "network-policy.homelab/enforcement: disabled")
    base = text_of("base")
    opened = base.replace(
        "kind: Namespace\nmetadata: {name: photos}", hatch.strip().partition("\n")[2]
    )
    assert opened != base
    report = preflight(parse_settings("defaultDeny: workload"), cluster(opened), NOON)
    assert of(report, "closed-namespace") == []


def test_a_label_that_cannot_be_followed_is_said_in_the_words_of_the_event() -> None:
    typo = LABELLED.replace("photos", "wiki").replace(": internal", ": internl")
    [found] = [each for each in read(typo).problems if each.where == "wiki"]
    assert (found.severity, found.check) == (WARNING, "ProfileUnknown")
    assert "Did you mean 'internal'?" in found.message


# Names


def taken(annotations: str = "{}") -> str:
    return f"""
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {{name: baseline-dns-egress, annotations: {annotations}}}
spec:
  endpointSelector: {{}}
  egress:
    - toEndpoints:
        - {{matchLabels: {{k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}}}}
      toPorts: [{{ports: [{{port: "53", protocol: ANY}}], rules: {{dns: [{{matchPattern: "*"}}]}}}}]
"""


BY_NAME = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: photos}
spec:
  endpointSelector: {}
  egress: [{toFQDNs: [{matchName: api.example.org}], toPorts: [{ports: [{port: "443"}]}]}]
"""


def test_a_name_that_is_taken_is_said_with_what_to_do() -> None:
    found = only(read(taken()), "name-taken")
    assert (found.severity, found.where) == (
        WARNING,
        "CiliumClusterwideNetworkPolicy baseline-dns-egress",
    )
    assert "kubectl annotate ccnp baseline-dns-egress network-policy.homelab/take-over=true" in (
        found.text
    )
    handed = read(taken('{network-policy.homelab/take-over: "true"}'))
    assert of(handed, "name-taken") == [(NOTE, found.where)]


def test_rules_by_name_that_live_on_a_dns_rule_which_goes_are_cut_off() -> None:
    check = "NamesNotLearned"
    # While the other policy stands, lookups pass the proxy; once it is handed over they do not.
    found = only(read(taken(), BY_NAME), check)
    assert (found.severity, found.where) == (CUT_OFF, "photos")
    assert found.message.startswith("Once baseline-dns-egress is handed over or deleted:")
    handed = read(taken('{network-policy.homelab/take-over: "true"}'), BY_NAME)
    assert of(handed, check) == [(CUT_OFF, "photos")]
    with_proxy = read(taken(), BY_NAME, settings=f"{TRAEFIK}\ndns: {{proxy: true}}")
    assert of(with_proxy, check) == []
    # Without such a rule it has never worked: that is no matter of the installation.
    today = only(read(BY_NAME), check)
    assert today.severity is WARNING
    assert today.message.startswith("Already so today: ")


def test_a_policy_that_widens_a_profile_is_a_warning() -> None:
    assert of(read(WIDE), "ProfileWidened") == [(WARNING, "photos")]


# Cilium


@pytest.mark.parametrize(
    ("entry", "check", "severity"),
    [
        ('policy-audit-mode: "true"', "AuditMode", WARNING),
        ("enable-policy: never", "PoliciesOff", WARNING),
        ('enable-non-default-deny-policies: "false"', "AdditivePoliciesOff", CUT_OFF),
        ('enable-cilium-network-policy: "false"', "NamespacedPoliciesOff", CUT_OFF),
        ('enable-cilium-clusterwide-network-policy: "false"', "ClusterwidePoliciesOff", WARNING),
        ('labels: "k8s:io.kubernetes.pod.namespace k8s:app"', "LabelsNotInIdentities", CUT_OFF),
    ],
)
def test_each_setting_of_cilium_that_bites_is_found(
    entry: str, check: str, severity: Severity
) -> None:
    base = text_of("base")
    given = base.replace("  enable-policy: default\n", "").replace(
        "data:\n", f"data:\n  {entry}\n", 1
    )
    report = preflight(parse_settings(TRAEFIK), cluster(given), NOON)
    assert (severity, check) in of(report, "cilium")


def test_a_proxy_that_is_off_counts_where_names_are_used() -> None:
    base = text_of("base")
    off = base.replace('enable-l7-proxy: "true"', 'enable-l7-proxy: "false"')
    without = preflight(parse_settings(TRAEFIK), cluster(off), NOON)
    assert of(without, "cilium") == []
    used = preflight(parse_settings(f"{TRAEFIK}\ndns: {{proxy: true}}"), cluster(off), NOON)
    assert of(used, "cilium") == [(WARNING, "Layer7Off")]


def test_a_configuration_that_is_not_given_is_said_to_be_unknown() -> None:
    report = preflight(parse_settings(TRAEFIK), cluster(LABELLED), NOON)
    assert of(report, "cilium") == [(WARNING, "kube-system/cilium-config")]
