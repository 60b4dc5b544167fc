"""The settings files for the usual clusters: read, rendered, and judged by Cilium's engine.

Who is who has the labels that its own chart or manifest gives it.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.check_templates import check_templates
from homelab_netpol.settings import Settings, load_settings, namespaces_of_peers
from homelab_netpol.settings.remarks import remarks
from lab.control_plane import Engine, Identity
from tests.install.rendered import EXAMPLE_SETTINGS, MANIFESTS, ROOT
from tests.truth.written import allows, enforce

_BY_NAME = {path.stem: path for path in EXAMPLE_SETTINGS}
_GATEWAYS = ("cilium-gateway", "envoy-gateway", "ingress-nginx", "traefik", "traefik-host-network")
_DNS = ("nodelocal-dns", "nodelocal-dns-redirect")
# Where one gateway serves the home network and the internet, which is said at the start.
_ONE = {"cilium-gateway", "traefik", "traefik-host-network"}

_KUBE_DNS = Identity.pod("kube-system", {"k8s-app": "kube-dns"})
_LINK_LOCAL = Identity.address("169.254.20.10/32")
_WORLD = Identity.address("203.0.113.7/32")
_NAS = Identity.address("192.168.1.20/32")


def example(name: str) -> Settings:
    """The settings of an example."""
    return load_settings(_BY_NAME[name])


def envoy(gateway: str) -> Identity:
    """A pod that Envoy Gateway makes for a Gateway in `network`."""
    prefix = "gateway.envoyproxy.io/owning-gateway"
    own = {f"{prefix}-name": gateway, f"{prefix}-namespace": "network"}
    made = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/managed-by": "envoy-gateway"}
    return Identity.pod("envoy-gateway-system", {**made, **own})


def nginx(release: str, component: str = "controller") -> Identity:
    """A pod of a release of ingress-nginx' chart."""
    made = {"name": "ingress-nginx", "instance": release, "component": component}
    return Identity.pod("ingress-nginx", {f"app.kubernetes.io/{k}": v for k, v in made.items()})


def traefik(name: str = "traefik") -> Identity:
    """A pod in the namespace of Traefik's chart."""
    of_chart = {"app.kubernetes.io/instance": "traefik-traefik"}
    return Identity.pod("traefik", {"app.kubernetes.io/name": name, **of_chart})


def gateway_ends(name: str) -> dict[str, Identity]:
    """Both gateways of an example, and somebody who is none of them."""
    ingress, node = Identity.entity("ingress"), Identity.entity("remote-node")
    internal, external, other = {
        "cilium-gateway": (ingress, ingress, node),
        "envoy-gateway": (envoy("internal"), envoy("external"), envoy("guests")),
        "ingress-nginx": (nginx("internal"), nginx("external"), nginx("internal", "webhook")),
        "traefik": (traefik(), traefik(), traefik("whoami")),
        "traefik-host-network": (node, node, traefik()),
    }[name]
    return {"internal": internal, "external": external, "other": other}


# The vocabulary names it.
_OF_OLD = ("istio-gateway",)


def platform(settings: Settings) -> dict[str, dict[str, str]]:
    """The namespaces of gateways and waypoints, labelled where the defaults do not know them."""
    return {
        name: {} if name.endswith("-system") or name in _OF_OLD else {"platform": "true"}
        for name in (
            *settings.gateways.namespaces,
            *namespaces_of_peers(settings.mesh.waypoints),
        )
    }


@pytest.mark.parametrize("name", _BY_NAME)
def test_an_example_is_read_and_rendered_and_nothing_unexpected_is_said_of_it(name: str) -> None:
    settings = example(name)
    said = list(remarks(settings))
    assert any("internal and external are one here" in each for each in said) is (name in _ONE)
    labelled = {where for where, labels in platform(settings).items() if labels}
    told = [each for each in said if "is no platform namespace" in each]
    assert {where for where in labelled if any(f"of {where}," in each for each in told)} == labelled
    assert len(said) == (name in _ONE) + len(told)
    assert bool(told) is bool(labelled)
    catalogue = Catalogue(settings)
    check_templates(catalogue)
    assert not catalogue.unusable
    assert settings != Settings()


@pytest.mark.parametrize(("gateway", "dns"), list(itertools.product(_GATEWAYS, _DNS)))
def test_examples_for_different_things_go_together(gateway: str, dns: str, tmp_path: Path) -> None:
    others = [name for name in _BY_NAME if name not in (*_GATEWAYS, *_DNS)]
    for name in (gateway, dns, *others):
        shutil.copy(_BY_NAME[name], tmp_path)
    joined = load_settings(tmp_path)
    assert joined.gateways == example(gateway).gateways
    assert joined.dns == example(dns).dns
    check_templates(Catalogue(joined))


def test_the_page_names_every_example_and_no_other() -> None:
    page = (ROOT / "docs" / "clusters.md").read_text()
    named = [part.split(")")[0] for part in page.split("(../manifests/examples/settings/")[1:]]
    assert sorted(named) == [path.name for path in EXAMPLE_SETTINGS]


@pytest.mark.parametrize("name", _GATEWAYS)
def test_gateways_reach_the_apps_that_they_are_for(name: str, engine: Engine) -> None:
    apps = {
        "public": {"profile": "standard"},
        "private": {"profile": "internal"},
        "narrow": {"profile": "standard", "gateway-ports": "8080"},
        "closed": {"profile": "isolated"},
    }
    settings = example(name)
    enforce(engine, settings, {**apps, **platform(settings)}, gateway_ends(name))
    for app in ("public", "private", "narrow"):
        assert allows(engine, "internal", app, 8080)
        assert not allows(engine, "other", app, 8080)
    assert allows(engine, "external", "public", 8080)
    assert allows(engine, "external", "private", 8080) is (name in _ONE)
    assert not allows(engine, "internal", "narrow", 8081)
    assert not allows(engine, "internal", "closed", 8080)


@pytest.mark.parametrize("name", _GATEWAYS)
def test_the_grant_gateway_opens_the_ports_that_the_pods_listen_on(
    name: str, engine: Engine
) -> None:
    settings = example(name)
    apps = {"caller": {"profile": "internal", "access/gateway": "true"}, "silent": {}}
    enforce(engine, settings, {**apps, **platform(settings)}, gateway_ends(name))
    https = {"envoy-gateway": 10443, "traefik": 8443}.get(name, 443)
    for gateway in ("internal", "external"):
        assert allows(engine, "caller", gateway, https)
        assert not allows(engine, "caller", gateway, 9100), "the gateway's metrics"
        assert not allows(engine, "silent", gateway, https)
    assert not allows(engine, "caller", "other", https)


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_nodelocal_dns_is_asked_as_the_node_and_as_an_address(
    protocol: str, engine: Engine
) -> None:
    ends = {
        "as address": _LINK_LOCAL,
        "as node": Identity.entity("host"),
        "kube-dns": _KUBE_DNS,
        "other address": Identity.address("169.254.169.254/32"),
        "other node": Identity.entity("remote-node"),
    }
    enforce(engine, example("nodelocal-dns"), {"app": {"profile": "isolated"}, "bare": {}}, ends)
    for app in ("app", "bare"):
        for server in ("as address", "as node", "kube-dns"):
            assert allows(engine, app, server, 53, protocol)
            assert not allows(engine, app, server, 80, protocol)
        for other in ("other address", "other node"):
            assert not allows(engine, app, other, 53, protocol)


def test_behind_a_local_redirect_dns_is_pods_only(engine: Engine) -> None:
    ends = {
        "node-local-dns": Identity.pod("kube-system", {"k8s-app": "node-local-dns"}),
        "kube-dns": _KUBE_DNS,
        "other": Identity.pod("kube-system", {"k8s-app": "metrics-server"}),
        "as address": _LINK_LOCAL,
    }
    enforce(engine, example("nodelocal-dns-redirect"), {"app": {"profile": "isolated"}}, ends)
    for protocol in ("UDP", "TCP"):
        assert allows(engine, "app", "node-local-dns", 53, protocol)
        assert allows(engine, "app", "kube-dns", 53, protocol)
        assert not allows(engine, "app", "other", 53, protocol)
        assert not allows(engine, "app", "as address", 53, protocol)


def test_a_managed_control_plane_calls_webhooks_where_the_label_allows_it(engine: Engine) -> None:
    ends = {
        "konnectivity": Identity.pod("kube-system", {"k8s-app": "konnectivity-agent"}),
        "api": Identity.entity("kube-apiserver"),
        "other pod": Identity.pod("kube-system", {"k8s-app": "metrics-server"}),
        "node": Identity.entity("remote-node"),
    }
    namespaces = {
        "hooks": {"profile": "isolated", "webhooks": "allow"},
        "bare-hooks": {"webhooks": "allow"},
        "app": {"profile": "standard"},
    }
    enforce(engine, example("managed-control-plane"), namespaces, ends)
    for caller in ("konnectivity", "api"):
        assert allows(engine, caller, "hooks", 9443)
        assert allows(engine, caller, "bare-hooks", 9443)
        assert not allows(engine, caller, "app", 9443)
    for other in ("other pod", "node"):
        assert not allows(engine, other, "hooks", 9443)


def test_each_scraper_has_its_own_ports(engine: Engine) -> None:
    def observing(name: str) -> Identity:
        return Identity.pod("observability", {"app.kubernetes.io/name": name})

    ends = {
        "prometheus": observing("prometheus"),
        "vmagent": observing("vmagent"),
        "prober": observing("prometheus-blackbox-exporter"),
        "grafana": observing("grafana"),
    }
    enforce(engine, example("scrapers"), {"app": {"profile": "isolated"}}, ends)
    assert allows(engine, "prometheus", "app", 9187)
    assert allows(engine, "vmagent", "app", 9187)
    assert allows(engine, "prober", "app", 8080)
    assert not allows(engine, "prober", "app", 9187)
    assert not allows(engine, "grafana", "app", 8080)


def test_companions_reach_each_other_whatever_the_profile(engine: Engine) -> None:
    cnpg = {"app.kubernetes.io/name": "cloudnative-pg"}
    ends = {
        "operator": Identity.pod("cnpg-system", cnpg),
        "false operator": Identity.pod("app", cnpg),
        "instance": Identity.pod("app", {"cnpg.io/cluster": "app"}),
        "mover": Identity.pod("app", {"app.kubernetes.io/created-by": "volsync"}),
        "store": Identity.pod("garage", {"app.kubernetes.io/name": "garage"}),
        "api": Identity.entity("kube-apiserver"),
    }
    app = {"profile": "isolated"}
    enforce(engine, example("companions"), {"app": app, "garage": {}, "cnpg-system": {}}, ends)
    assert allows(engine, "operator", "instance", 8000)
    assert allows(engine, "instance", "api", 6443)
    assert allows(engine, "mover", "store", 3900)
    assert not allows(engine, "operator", "instance", 5432)
    assert not allows(engine, "operator", "app", 8000), "it has not the label"
    assert not allows(engine, "false operator", "instance", 8000)
    assert not allows(engine, "app", "store", 3900)
    assert not allows(engine, "app", "api", 6443)


def test_internet_only_keeps_apps_off_the_home_network_but_for_what_is_granted(
    engine: Engine, tmp_path: Path
) -> None:
    shutil.copy(MANIFESTS / "components" / "internet-only" / "internet-only.yaml", tmp_path)
    (tmp_path / "own.yaml").write_text(
        "sharedResources: {nas: {cidrs: [192.168.1.20/32], ports: [{port: 443}]},"
        " cloud: {fqdns: [{matchName: cloud.example.org}], ports: [{port: 443}]}}"
    )
    ends = {
        "world": _WORLD,
        "world, IPv6": Identity.address("2001:db8::7/128"),
        "nas": _NAS,
        "vpn": Identity.address("100.64.0.9/32"),
        "home, IPv6": Identity.address("fd00::20/128"),
        "own cloud": Identity.dns_name("cloud.example.org", "192.168.1.30/32"),
    }
    apps = {
        "app": {"profile": "standard"},
        "granted": {"profile": "standard", "access/nas": "true", "access/cloud": "true"},
    }
    enforce(engine, load_settings(tmp_path), apps, ends)
    for app in apps:
        assert allows(engine, app, "world", 443)
        assert allows(engine, app, "world, IPv6", 443)
        for inside in ("vpn", "home, IPv6"):
            assert not allows(engine, app, inside, 443)
    for inside in ("nas", "own cloud"):
        assert not allows(engine, "app", inside, 443)
        assert allows(engine, "granted", inside, 443)
    enforce(engine, Settings(), apps, {"nas": _NAS})
    assert allows(engine, "app", "nas", 443), "without the component it is part of `world`"
