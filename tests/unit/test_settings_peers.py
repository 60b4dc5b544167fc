"""Who is named in the settings: the form of before, mistakes, and what may be unexpected."""

from __future__ import annotations

import pytest

from homelab_netpol.settings import Settings, SettingsError, parse_settings, remarks


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "gateways: {namespace: edge, label: a/b, internal: in}",
            "{gateways: {internal: [{namespace: edge, podLabels: {a/b: in}, serviceAccount:"
            " internal-istio}], external: [{namespace: edge, podLabels: {a/b: external},"
            " serviceAccount: external-istio}]}}",
        ),
        (
            "prometheus: {ports: [9090]}",
            "{scrapers: [{namespace: monitoring, podLabels: {app.kubernetes.io/name: prometheus},"
            " ports: [9090]}]}",
        ),
        (
            "dns: {namespace: dns}",
            "{dns: {servers: [{namespace: dns, podLabels: {k8s-app: kube-dns}}]}}",
        ),
        (
            "probes: {entities: [health, host], cidrs: [169.254.0.0/16]}",
            "{probes: [{entities: [health, host]}, {cidrs: [169.254.0.0/16]}]}",
        ),
        # What was not said, had a default.
        (
            "probes: {entities: [health, host]}",
            "{probes: [{entities: [health, host]}, {cidrs: [169.254.0.0/16,"
            " 'fd16:9254:7127:1337:ffff::/80']}]}",
        ),
        (
            "probes: {cidrs: [10.0.0.0/8]}",
            "{probes: [{entities: [health]}, {cidrs: [10.0.0.0/8]}]}",
        ),
        (
            "mesh: {ztunnel: {namespace: istio-system, labels: {app: ztunnel}}}",
            "{mesh: {ztunnel: [{namespace: istio-system, podLabels: {app: ztunnel}}]}}",
        ),
    ],
)
def test_a_setting_of_before_is_refused_with_the_line_to_write(text: str, line: str) -> None:
    with pytest.raises(SettingsError, match="write instead") as refused:
        parse_settings(text)
    assert str(refused.value).endswith(line)
    parse_settings(line)


_ONE = "internal and external are one here"
_LACKS_B = "{matchExpressions: [{key: b, operator: DoesNotExist}]}"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("scrapers: [{namespace: a, entities: [host]}]", "scrapers[0]", "namespace, entities"),
        ("probes: [{}]", "probes[0]", "none of them"),
        ("apiServer: [{podLabels: {a: b}}]", "apiServer[0]", "none of them"),
        ("gateways: {internal: [{entities: [ingres]}]}", "entities[0]", "ingress"),
        ("internet: {exceptCidrs: [10.0.0.0/8, 10.1.0.0/16]}", "internet", "10.1.0.0/16"),
        ("internet: {exceptCidrs: [0.0.0.0/0]}", "internet", "nothing is left"),
        ("lan: {cidrs: [0.0.0.0/0]}", "lan", "every address"),
        (
            "companions: {a: {pods: {}, from: [{entities: [host]}], ports: [{port: 1}]}}",
            "companions.a",
            "a label that the pods have",
        ),
        (
            "companions: {a: {pods: {matchLabels: {b: c}}, to: [{namespace: kube-system}],"
            " ports: [{port: 1}]}}",
            "companions.a",
            "all pods of kube-system",
        ),
        (
            "companions: {a: {pods: {matchLabels: {io.kubernetes.pod.namespace: kube-system}},"
            " from: [{entities: [host]}], ports: [{port: 1}]}}",
            "companions.a",
            "about Namespaces",
        ),
        (
            "companions: {a: {pods: {matchLabels: {b: c}}, to: [{entities: [world]}],"
            " ports: [{port: 1}]}}",
            "companions.a",
            "names no peer in particular",
        ),
        *(
            (
                f"companions: {{a: {{pods: {pods}, {way}: [{peer}], ports: [{{port: 1}}]}}}}",
                "companions.a",
                said,
            )
            for way in ("from", "to")
            for pods, peer, said in (
                # Of what lacks a label there are pods in every namespace, kube-system's included.
                (_LACKS_B, "{entities: [host]}", "a label that the pods have"),
                (
                    "{matchLabels: {b: c}}",
                    f"{{selector: {_LACKS_B}}}",
                    "a label that its pods have",
                ),
                (
                    "{matchLabels: {b: c}}",
                    "{selector: {matchLabels: {io.kubernetes.pod.namespace: kube-system}}}",
                    "a label that its pods have",
                ),
            )
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "companions: {a: {pods: {matchLabels: {b: c}}, ports: [{port: 1}],"
            " from: [{selector: {matchLabels: {app: operator}}}]}}",
            "companions.a.from[0].selector",
            "Istio knows no labels",
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "scrapers: [{selector: {matchLabels: {app: probe}}}]",
            "scrapers[0].selector",
            "Istio knows no labels",
        ),
    ],
)
def test_who_is_named_wrongly_is_refused_with_the_path(text: str, path: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text)
    [message] = str(refused.value).splitlines()
    assert path in message
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gateways: {internal: [{entities: [ingress]}], external: [{entities: [ingress]}]}", _ONE),
        ("probes: [{entities: [health, remote-node]}]", "remote-node"),
        ("gateways: {external: [{namespace: traefik}]}", "traefik, which is no platform namespace"),
        ("dns: {servers: [{cidrs: [169.254.20.10/32]}]}", "link-local"),
        (
            "mesh: {waypoints: [{namespace: ways, podLabels: {a: b}}]}",
            "ways, which is no platform namespace",
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "companions: {a: {pods: {matchLabels: {b: c}}, ports: [{port: 1}],"
            " to: [{namespace: garage, podLabels: {d: e}}]}}",
            "Istio refuses",
        ),
    ],
)
def test_what_an_author_may_not_expect_is_said_at_the_start(text: str, said: str) -> None:
    [remark] = remarks(parse_settings(text))
    assert said in remark
    assert list(remarks(Settings())) == []
