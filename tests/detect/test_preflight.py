"""What installing the operator would cut off, one small cluster for each way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import Manifest, Source
from homelab_netpol.preflight import Problem, Report, Severity, preflight
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import CLUSTERS, cluster, dump

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUT_OFF, WARNING, NOTE = Severity.CUT_OFF, Severity.WARNING, Severity.NOTE

_PROFILE = "network-policy.homelab/profile"
# As `detect` writes it for the cluster of most of these.
TRAEFIK = """
gateways:
  internal: [{namespace: traefik, podLabels: {app.kubernetes.io/name: traefik}}]
  external: []
scrapers: []
platformNamespaces: [kube-system, traefik, database, monitoring]
"""
LABELLED = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: photos, labels: {{{_PROFILE}: internal}}}}
"""
WIDE = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: chart, namespace: photos}
spec: {podSelector: {}, ingress: [{}]}
"""


def read(*texts: str, settings: str = TRAEFIK, labelled: bool = True) -> Report:
    """What is found in a cluster with Traefik and one app, and what is given beside."""
    base = "\n---\n".join(
        (CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8") for name in ("base", "traefik")
    )
    if labelled:
        base = base.replace(
            "metadata: {name: photos}\n",
            f"metadata: {{name: photos, labels: {{{_PROFILE}: internal}}}}\n",
        )
    return preflight(parse_settings(settings), cluster(base, *texts), NOON)


def of(report: Report, check: str) -> list[tuple[Severity, str]]:
    """How bad and where, of what one check found."""
    return [(each.severity, each.where) for each in report.problems if each.check == check]


def only(report: Report, check: str) -> Problem:
    [found] = [each for each in report.problems if each.check == check]
    return found


def test_nothing_is_said_where_all_is_labelled_and_the_settings_fit() -> None:
    assert read() == Report()


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
    hatch = LABELLED.replace(
        f"{_PROFILE}: internal", "network-policy.homelab/enforcement: disabled"
    )
    base = CLUSTERS.joinpath("base.yaml").read_text(encoding="utf-8")
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
    base = CLUSTERS.joinpath("base.yaml").read_text(encoding="utf-8")
    given = base.replace("  enable-policy: default\n", "").replace(
        "data:\n", f"data:\n  {entry}\n", 1
    )
    report = preflight(parse_settings(TRAEFIK), cluster(given), NOON)
    assert (severity, check) in of(report, "cilium")


def test_a_proxy_that_is_off_counts_where_names_are_used() -> None:
    base = CLUSTERS.joinpath("base.yaml").read_text(encoding="utf-8")
    off = base.replace('enable-l7-proxy: "true"', 'enable-l7-proxy: "false"')
    without = preflight(parse_settings(TRAEFIK), cluster(off), NOON)
    assert of(without, "cilium") == []
    used = preflight(parse_settings(f"{TRAEFIK}\ndns: {{proxy: true}}"), cluster(off), NOON)
    assert of(used, "cilium") == [(WARNING, "Layer7Off")]


def test_a_configuration_that_is_not_given_is_said_to_be_unknown() -> None:
    report = preflight(parse_settings(TRAEFIK), cluster(LABELLED), NOON)
    assert of(report, "cilium") == [(WARNING, "kube-system/cilium-config")]


# Gateways, DNS, scrapers


def test_peers_of_the_settings_that_are_not_there_and_the_other_way_round() -> None:
    report = preflight(
        parse_settings(""), dump("base", "traefik", "scrapers", "nodelocal-dns"), NOON
    )
    assert of(report, "peer-missing") == [
        (WARNING, "gateways.external[0]"),
        (WARNING, "gateways.internal[0]"),
        (NOTE, "scrapers[0]"),
    ]
    unnamed = [each for each in report.problems if each.check == "peer-not-in-settings"]
    assert {
        (each.severity, each.where, each.message.partition(" is there")[0]) for each in unnamed
    } == {
        (CUT_OFF, "dns.servers", "CIDR 169.254.20.10/32"),
        (CUT_OFF, "dns.servers", "entities host"),
        (WARNING, "gateways", "traefik app.kubernetes.io/name=traefik"),
        (WARNING, "scrapers", "observability app.kubernetes.io/name=prometheus"),
        (WARNING, "scrapers", "observability app.kubernetes.io/name=vmagent"),
        (WARNING, "scrapers", "observability app.kubernetes.io/name=prometheus-blackbox-exporter"),
    }


def test_a_gateway_in_a_namespace_that_is_not_the_platforms_is_a_warning() -> None:
    report = read(settings=TRAEFIK.replace(", traefik, database", ", database"))
    assert of(report, "not-platform") == [(WARNING, "traefik")]
    assert "network-policy.homelab/platform=true" in only(report, "not-platform").remedy


def test_a_gateway_among_apps_does_not_lead_to_a_namespace_that_is_open() -> None:
    app = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: wiki, namespace: traefik}
spec:
  template:
    metadata: {labels: {app: wiki}}
    spec: {containers: [{name: wiki}]}
"""
    report = read(app, settings=TRAEFIK.replace(", traefik, database", ", database"))
    remedy = only(report, "not-platform").remedy
    assert "Deployment traefik/wiki open too" in remedy
    assert "network-policy.homelab/platform" not in remedy


def test_without_a_dns_server_of_the_settings_names_are_cut_off() -> None:
    elsewhere = f"{TRAEFIK}\ndns: {{servers: [{{namespace: dns, podLabels: {{app: coredns}}}}]}}"
    report = read(settings=elsewhere)
    assert of(report, "peer-missing") == [(CUT_OFF, "dns.servers[0]")]
    assert of(report, "peer-not-in-settings") == [(CUT_OFF, "dns.servers")]


# Connections that objects speak of

BALANCER = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: photos}
spec:
  type: LoadBalancer
  selector: {app.kubernetes.io/name: web}
  ports: [{port: 80, targetPort: 8080}]
"""
ROUTE = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: photos}
spec:
  ingressClassName: traefik
  rules:
    - host: photos.example.org
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
"""
HOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: photos}
webhooks:
  - name: photos.example.org
    clientConfig: {service: {namespace: photos, name: web, port: 80}}
"""
SERVICE = BALANCER.replace("LoadBalancer", "ClusterIP")


def with_annotation(text: str) -> Report:
    """The app's Namespace with one more label or annotation."""
    base = "\n---\n".join(
        (CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8") for name in ("base", "traefik")
    )
    given = base.replace(
        "metadata: {name: photos}\n",
        f"metadata: {{name: photos, {text}}}\n",
    )
    return preflight(parse_settings(TRAEFIK), cluster(given, BALANCER, ROUTE, HOOK), NOON)


def test_a_load_balancer_under_a_profile_is_cut_off_unless_its_ports_are_listed() -> None:
    found = only(read(BALANCER), "load-balancer")
    assert (found.severity, found.where) == (CUT_OFF, "photos")
    assert "kubectl annotate namespace photos network-policy.homelab/lan-ports=8080" in found.remedy
    listed = with_annotation(
        f"labels: {{{_PROFILE}: internal}},"
        ' annotations: {network-policy.homelab/lan-ports: "8080"}'
    )
    assert of(listed, "load-balancer") == []
    # What a policy denies today already, the operator does not cut off.
    closed = WIDE.replace("ingress: [{}]", "policyTypes: [Ingress]")
    assert of(read(BALANCER, closed), "load-balancer") == []


def test_a_route_to_a_namespace_whose_profile_has_no_such_gateway_is_cut_off() -> None:
    assert of(read(SERVICE, ROUTE), "gateway") == []
    found = of(with_annotation(f"labels: {{{_PROFILE}: isolated}}"), "gateway")
    assert found == [(CUT_OFF, "photos")]
    # The same where the settings name another gateway than the one there is.
    others = TRAEFIK.replace("namespace: traefik, podLabels", "namespace: other, podLabels")
    assert of(read(SERVICE, ROUTE, settings=others), "gateway") == [(CUT_OFF, "photos")]


def test_a_webhook_in_a_namespace_with_a_profile_is_cut_off_unless_it_is_labelled() -> None:
    assert of(read(SERVICE, HOOK), "webhook") == [(CUT_OFF, "photos")]
    labelled = with_annotation(
        f"labels: {{{_PROFILE}: internal, network-policy.homelab/webhooks: allow}}"
    )
    assert of(labelled, "webhook") == []


# The platform


def test_a_platform_namespace_whose_policies_lack_something_is_so_today() -> None:
    closed = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: closed, namespace: traefik}
spec: {endpointSelector: {}, ingress: [{fromEntities: [world]}], egress: [{toEntities: [world]}]}
"""
    found = [e for e in read(closed).problems if e.check == "PlatformPolicyIncomplete"]
    assert found
    assert all(each.severity is WARNING and each.where == "traefik" for each in found)


def test_what_was_not_read_is_part_of_the_report() -> None:
    manifests = cluster(LABELLED)
    manifests.gaps.append("pods may not be listed")
    assert preflight(parse_settings(""), manifests, NOON).gaps == ("pods may not be listed",)


def test_pods_that_could_not_be_read_are_not_taken_for_missing() -> None:
    manifests = cluster(LABELLED)
    manifests.unread.add("Pod")
    assert of(preflight(parse_settings(""), manifests, NOON), "peer-missing") == []


def test_custom_profiles_count_and_the_operators_own_policies_are_no_foreign_ones() -> None:
    profile = """
apiVersion: network-policy.homelab/v1alpha1
kind: NetworkProfile
metadata: {name: media}
spec: {extends: internal}
"""
    settings = parse_settings(f"{TRAEFIK}\ndefaultDeny: workload")
    base = "\n---\n".join(
        (CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8") for name in ("base", "traefik")
    ).replace("{name: photos}\n", f"{{name: photos, labels: {{{_PROFILE}: media}}}}\n")
    manifests = cluster(base, profile, SERVICE, ROUTE)
    assert preflight(settings, manifests, NOON) == Report()
    written = desired_state_of(settings, manifests, NOON).cilium_objects
    manifests.add(Manifest(each, Source("cluster")) for each in written)
    assert preflight(settings, manifests, NOON) == Report()
