"""What installing the operator would cut off of gateways, DNS, scrapers, Services and webhooks."""

from __future__ import annotations

from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import Manifest, Source
from homelab_netpol.preflight import Report, preflight
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import cluster, dump
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
    base = text_of("base", "traefik")
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
        f"labels: {{{PROFILE}: internal}},"
        ' annotations: {network-policy.homelab/lan-ports: "8080"}'
    )
    assert of(listed, "load-balancer") == []
    # What a policy denies today already, the operator does not cut off.
    closed = WIDE.replace("ingress: [{}]", "policyTypes: [Ingress]")
    assert of(read(BALANCER, closed), "load-balancer") == []


def test_a_route_to_a_namespace_whose_profile_has_no_such_gateway_is_cut_off() -> None:
    assert of(read(SERVICE, ROUTE), "gateway") == []
    found = of(with_annotation(f"labels: {{{PROFILE}: isolated}}"), "gateway")
    assert found == [(CUT_OFF, "photos")]
    # The same where the settings name another gateway than the one there is.
    others = TRAEFIK.replace("namespace: traefik, podLabels", "namespace: other, podLabels")
    assert of(read(SERVICE, ROUTE, settings=others), "gateway") == [(CUT_OFF, "photos")]


def test_a_webhook_in_a_namespace_with_a_profile_is_cut_off_unless_it_is_labelled() -> None:
    assert of(read(SERVICE, HOOK), "webhook") == [(CUT_OFF, "photos")]
    labelled = with_annotation(
        f"labels: {{{PROFILE}: internal, network-policy.homelab/webhooks: allow}}"
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
    base = text_of("base", "traefik").replace(
        "{name: photos}\n", f"{{name: photos, labels: {{{PROFILE}: media}}}}\n"
    )
    manifests = cluster(base, profile, SERVICE, ROUTE)
    assert preflight(settings, manifests, NOON) == Report()
    written = desired_state_of(settings, manifests, NOON).cilium_objects
    manifests.add(Manifest(each, Source("cluster")) for each in written)
    assert preflight(settings, manifests, NOON) == Report()
