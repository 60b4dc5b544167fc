"""Where a rule must be silent, although it looks like its mistake."""

from __future__ import annotations

import pytest

from tests.lint.linted import ids
from tests.lint.policies import CCNP, CNP, FAR, HELM_RELEASE, NODE, NP, PHOTOS, WEB, cnp, of

# Ports alone are written on purpose.
_ANYBODY = of(NP, "podSelector: {}, ingress: [{ports: [{port: 80}]}]")
SOLVER = of(
    NP,
    'podSelector: {matchLabels: {acme.cert-manager.io/http01-solver: "true"}},'
    " ingress: [{ports: [{port: 8089}]}]",
)
SILENT = [
    # It denies one app, not a namespace.
    ("NP001", cnp("ingress: [{}]")),
    # It denies, and allows something.
    ("NP001", cnp("ingress: [{}], egress: [{toEntities: [world], PORT}]")),
    # Everything, but for a part: no entity says that.
    ("NP007", cnp("egress: [{toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}], PORT}]")),
    ("NP008", cnp("ingress: [{fromEntities: [health, host]}, {fromCIDR: [169.254.0.0/16]}]")),
    ("NP008", cnp("ingressDeny: [{fromEntities: [world]}]")),
    ("NP008", cnp("ingress: [{fromEntities: [world], icmps: [{fields: [{type: 8}]}]}]")),
    ("NP008", cnp("ingress: [{}]")),
    # Cilium's own health endpoints.
    (
        "NP008",
        of(
            CCNP,
            "endpointSelector: {matchLabels: {reserved:health: ''}},"
            " ingress: [{fromEntities: [remote-node]}]",
        ),
    ),
    # A policy for nodes.
    ("NP101", of(CCNP, "nodeSelector: {}, ingress: [{fromEntities: [cluster]}]")),
    # With an option of Cilium's, a protocol without ports is possible.
    (
        "NP101",
        of(CCNP, "nodeSelector: {}, egress: [{toPorts: [{ports: [{protocol: VRRP}]}]}]"),
    ),
    # An empty selector is not an empty list.
    ("NP103", cnp("ingress: [{fromEndpoints: [{}], PORT}]")),
    ("NP106", cnp("ingress: [{fromEndpoints: [{}], PORT}]")),
    ("NP107", cnp("ingress: [{fromRequires: [], fromEntities: [world], PORT}]")),
    # It is said what comes of the deny rule.
    ("NP110", cnp("ingressDeny: [{fromEntities: [all]}], enableDefaultDeny: {ingress: true}")),
    ("NP110", cnp("ingressDeny: [{fromEntities: [all]}], ingress: [{fromEndpoints: [{}], PORT}]")),
    # Without ports, Services that are not there are no peer.
    ("NP116", cnp("egress: [{toServices: [{k8sService: {serviceName: a, namespace: b}}]}]")),
    # The Service is there.
    (
        "NP116",
        cnp("egress: [{toServices: [{k8sService: {serviceName: a, namespace: b}}], PORT}]")
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n"
        "spec: {selector: {app: a}}\n",
    ),
    ("NP117", cnp("ingress: [{fromCIDRSet: [{cidrGroupRef: lan}], PORT}]")),
    (
        "NP118",
        "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {name: a}\n"
        "spec: {externalCIDRs: [0.0.0.0/1, 128.0.0.0/1]}\n",
    ),
    # Of ICMPv6 it is type 129.
    (
        "NP119",
        cnp(
            "ingress: [{fromEntities: [world],"
            " icmps: [{fields: [{type: EchoReply, family: IPv6}]}]}]"
        ),
    ),
    # It is named for what it adds.
    ("NP111", cnp("enableDefaultDeny: {ingress: false}, ingress: [{fromEndpoints: [{}], PORT}]")),
    (
        "NP112",
        cnp("ingress: [{fromEndpoints: [{matchLabels: {app.kubernetes.io/name: a}}], PORT}]"),
    ),
    # Of Namespaces, identities have this label.
    (
        "NP112",
        of(
            NP,
            "podSelector: {}, ingress: [{from: [{namespaceSelector:"
            " {matchLabels: {kubernetes.io/metadata.name: a}}}], ports: [{port: 80}]}]",
        ),
    ),
    # It names its own namespace.
    (
        "NP113",
        of(
            CNP,
            "endpointSelector: {matchLabels: {k8s:io.kubernetes.pod.namespace: photos}},"
            " ingress: [{}]",
        ),
    ),
    (
        "NP114",
        cnp("ingressDeny: [{fromCIDR: [10.0.0.0/8]}], ingress: [{fromCIDR: [192.0.2.0/24], PORT}]"),
    ),
    # One number is no order.
    ("NP115", cnp("ingress: [{}]").replace("name: web", "name: 10-web")),
    # By address only: no name is asked for.
    ("NP109", cnp("egress: [{toCIDR: [192.168.1.10/32], PORT}]")),
    # OpenShift's DNS listens on another port.
    (
        "NP109",
        cnp(
            "egress: [{toEntities: [world], PORT},"
            " {toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: openshift-dns}}],"
            ' toPorts: [{ports: [{port: "8053"}], rules: {dns: [{matchPattern: "*"}]}}]}]'
        ),
    ),
    # It closes nothing.
    ("NP109", cnp("enableDefaultDeny: {egress: false}, egress: [{toEntities: [world], PORT}]")),
    ("NP202", of(NP, "podSelector: {}, ingress: [{ports: [{port: 80}]}]")),
    # Its own namespace has such pods.
    (
        "NP204",
        of(
            NP,
            "podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}], from: ["
            "{namespaceSelector: {matchLabels: {a: b}}},"
            " {podSelector: {matchLabels: {app: web}}}]}]",
        )
        + WEB,
    ),
    # Each of the two says in which namespace.
    (
        "NP204",
        cnp(
            "ingress: [{fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: far}},"
            " {matchLabels: {k8s:io.kubernetes.pod.namespace: near, app: proxy}}], PORT}]"
        ),
    ),
    # It is for pods that have no labels yet.
    ("NP301", of(CNP, "endpointSelector: {matchLabels: {reserved:init: ''}}, ingress: [{}]") + WEB),
    # The pods of a HelmRelease are not given.
    ("NP301", cnp("ingress: [{}]").replace("app: web", "app: other") + WEB + HELM_RELEASE),
    ("NP301", cnp("ingress: [{}]")),
    (
        "NP302",
        cnp("ingress: [{fromEndpoints: [{matchLabels: {app: a}}], PORT}]") + WEB + HELM_RELEASE,
    ),
    ("NP205", _ANYBODY),
    # Flux puts the values in.
    (
        "NP101",
        cnp(
            'egress: [{toCIDR: ["${NAS}/32"], toPorts: [{ports: [{port: "${P:=80}"}]}]},'
            ' {toFQDNs: [{matchPattern: "*.${DOMAIN}"}], PORT}]'
        ),
    ),
    ("NP101", of(CNP, 'endpointSelector: {matchLabels: {app: "${APP}"}}, ingress: [{}]')),
    ("NP201", of(NP, 'podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "${LAN}"}}]}]')),
    # Pods that are there for minutes.
    ("NP301", SOLVER + WEB),
    ("NP302", cnp("ingress: [{fromEndpoints: [{matchLabels: {job-name: import}}], PORT}]") + WEB),
    # The Namespace may be in another tree.
    ("NP303", cnp(f"ingress: [{{{FAR}, PORT}}]") + PHOTOS),
    # Other networks are in it, too.
    (
        "NP306",
        cnp("ingress: [{fromCIDR: [10.0.0.0/8], PORT}]") + NODE + "spec: {podCIDR: 10.42.1.0/24}\n",
    ),
    # The LAN has the nodes in it, and is meant as the LAN.
    (
        "NP306",
        cnp("ingress: [{fromCIDR: [192.168.1.0/24], PORT}]")
        + NODE
        + "status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}\n",
    ),
]


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_it_is_silent(rule: str, text: str) -> None:
    assert rule not in ids(text)
