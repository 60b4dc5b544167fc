"""Where a rule must be silent, although it looks like its mistake; and where it must not be."""

from __future__ import annotations

import pytest

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.lint import BY_ID
from tests.lint.linted import findings, ids

_METADATA = "metadata: {name: web, namespace: photos}\n"
CNP = f"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n{_METADATA}"
CCNP = "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: web}\n"
NP = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n{_METADATA}"
WEB = (
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: photos, labels: {app: web}}\n"
    "spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}\n"
)
HELM_RELEASE = (
    "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    "metadata: {name: a, namespace: b}\n"
)
NODE = "---\napiVersion: v1\nkind: Node\nmetadata: {name: one}\n"
PHOTOS = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: photos}\n"
API = (
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\n"
    "spec: {clusterIP: 10.0.0.1}\n"
)
FAR = "fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: far}}]"


def cnp(spec: str) -> str:
    """For one app; PORT is one port."""
    return of(CNP, f"endpointSelector: {{matchLabels: {{app: web}}}}, {spec}")


def of(head: str, spec: str) -> str:
    port = 'toPorts: [{ports: [{port: "8080", protocol: TCP}]}]'
    return f"{head}spec: {{{spec.replace('PORT', port)}}}\n"


# Ports alone are written on purpose.
_ANYBODY = of(NP, "podSelector: {}, ingress: [{ports: [{port: 80}]}]")
SOLVER = of(
    NP,
    'podSelector: {matchLabels: {acme.cert-manager.io/http01-solver: "true"}},'
    " ingress: [{ports: [{port: 8089}]}]",
)
TEAM = "k8s:io.cilium.k8s.namespace.labels.team"

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
FOUND = [
    ("NP001", of(CCNP, "endpointSelector: {}, ingress: [{}], egress: [{}]")),
    # By its name, although something is let out.
    (
        "NP001",
        of(
            CNP.replace("web", "default-deny"),
            "endpointSelector: {}, ingress: [{}], egress: [{toEntities: [cluster], PORT}]",
        ),
    ),
    ("NP008", cnp('ingress: [{fromEntities: [world], toPorts: [{ports: [{port: "0"}]}]}]')),
    (
        "NP008",
        cnp('ingress: [{fromEntities: [all], toPorts: [{ports: [{port: "1", endPort: 65535}]}]}]'),
    ),
    ("NP008", of(NP, "podSelector: {}, ingress: [{from: [{podSelector: {}}]}]")),
    ("NP101", of(CNP, "nodeSelector: {}, ingress: [{fromEntities: [cluster]}]")),
    ("NP101", of(CNP, "endpointSelector: {}, ingress: []")),
    ("NP101", CNP),
    ("NP102", of(CNP, "endpointSelector: {}, ingress: [{}]") + "spce: {}\n"),
    (
        "NP107",
        cnp(
            'ingress: [{toPorts: [{ports: [{port: "9092", protocol: TCP}],'
            " rules: {kafka: [{topic: a}]}}]}]"
        ),
    ),
    ("NP111", cnp("enableDefaultDeny: {ingress: false}, ingress: [{}]")),
    ("NP201", of(NP, "podSelector: {}, ingress: [{from: [{}]}]")),
    ("NP201", of(NP, "podSelector: {}, order: 10")),
    ("NP203", of(NP, "podSelector: {}, policyTypes: [Egress], ingress: [{ports: [{port: 80}]}]")),
    (
        "NP204",
        cnp(
            "ingress: [{fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: far}},"
            " {matchLabels: {app: proxy}}], PORT}]"
        ),
    ),
    ("NP205", of(NP, "podSelector: {}, ingress: [{}]")),
    ("NP205", of(NP, "podSelector: {}, ingress: [{from: , ports: [{port: 80}]}]")),
    # For whom a clusterwide policy is.
    (
        "NP303",
        of(CCNP, f"endpointSelector: {{matchLabels: {{{TEAM}: games}}}}, ingress: [{{}}]") + PHOTOS,
    ),
    (
        "NP303",
        of(CCNP, f"endpointSelector: {FAR[16:-1]}, ingress: [{{}}]".replace("far", "photo"))
        + PHOTOS,
    ),
    ("NP306", cnp("egress: [{toCIDR: [10.0.0.1/32], PORT}]") + API),
    (
        "NP306",
        cnp("egress: [{toCIDR: [10.42.3.0/24], PORT}]") + NODE + "spec: {podCIDR: 10.42.0.0/16}\n",
    ),
    (
        "NP306",
        cnp("ingress: [{fromCIDR: [10.42.0.0/16], PORT}]")
        + NODE
        + "spec: {podCIDR: 10.42.1.0/24}\n",
    ),
]


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_it_is_silent(rule: str, text: str) -> None:
    assert rule not in ids(text)


@pytest.mark.parametrize(("rule", "text"), FOUND)
def test_it_is_not_silent(rule: str, text: str) -> None:
    assert rule in ids(text)


def test_with_the_operator_there_its_baseline_lets_every_pod_ask_dns() -> None:
    text = cnp("egress: [{toEntities: [world], PORT}]")
    assert ids(text) == {"NP109"}
    assert ids(text, with_operator=True) == set()
    labelled = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n"
    profile = "  labels: {network-policy.homelab/profile: internal}\n"
    assert ids(text + labelled + profile) == set()


def test_names_are_looked_up_through_the_operators_proxy_if_the_settings_say_so() -> None:
    text = cnp("egress: [{toFQDNs: [{matchName: a.example.org}], PORT}]")
    assert ids(text, with_operator=True) == {"NP108"}
    assert ids(text, with_operator=True, settings="dns: {proxy: true}") == set()


def test_a_dns_rule_may_be_in_another_tree_but_not_in_another_cluster() -> None:
    text = BY_ID["NP108"].wrong
    assert [each.severity for each in findings(text)] == ["warning"]
    assert [each.severity for each in findings(text, from_cluster=True)] == ["error"]


def test_a_name_that_no_dns_rule_lets_be_looked_up_is_found() -> None:
    dns = (
        '{toEntities: [cluster], toPorts: [{ports: [{port: "53", protocol: ANY}],'
        ' rules: {dns: [{matchPattern: "*.example.org"}]}}]}'
    )
    names = "{matchName: a.example.org}, {matchName: example.com}"
    [found] = findings(cnp(f"egress: [{{toFQDNs: [{names}], PORT}}, {dns}]"))
    assert (found.rule.id, found.path) == ("NP108", "spec.egress[0].toFQDNs[1]")


def test_a_label_that_this_clusters_filter_leaves_out_is_found() -> None:
    text = cnp("ingress: [{fromEndpoints: [{matchLabels: {team: a}}], PORT}]")
    assert ids(text) == set()
    config = read_agent_config({"labels": "k8s:app k8s:io.kubernetes.pod.namespace"})
    assert ids(text, config=config) == {"NP112"}


def test_a_nodes_address_counts_unless_cilium_matches_nodes_by_address() -> None:
    status = "status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}\n"
    text = cnp("egress: [{toCIDR: [192.168.1.2/32], PORT}]") + NODE + status
    assert ids(text) == {"NP306"}
    assert ids(text, config=read_agent_config({})) == {"NP306"}
    assert ids(text, config=read_agent_config({"policy-cidr-match-mode": "nodes"})) == set()


def test_an_api_server_is_certain_where_it_is_on_a_node_only() -> None:
    slices = (
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
        "metadata:\n  name: a\n  namespace: default\n"
        "  labels: {kubernetes.io/service-name: kubernetes}\n"
        "endpoints: [{addresses: [192.168.1.2]}]\n"
    )
    text = cnp("egress: [{toCIDR: [192.168.1.2/32], PORT}]") + slices
    assert ids(text) == set()
    status = "status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}\n"
    [found] = findings(text + NODE + status)
    assert "kube-apiserver" in found.message


def test_in_a_cluster_a_namespace_that_is_not_there_is_certain() -> None:
    text = cnp(f"ingress: [{{{FAR}, PORT}}]") + PHOTOS
    assert "NP303" in ids(text, from_cluster=True)
    assert "NP303" in ids(text.replace("far", "photo"))  # mistyped


def test_a_profile_that_may_be_defined_elsewhere_is_only_a_warning() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n  labels:\n"
    [found] = findings(f"{text}    network-policy.homelab/profile: games\n")
    assert (found.rule.id, found.severity, found.line) == ("NP003", "warning", 6)


def test_variants_of_an_object_are_both_looked_at_and_make_nothing_certain() -> None:
    other = WEB.replace("app: web", "app: other")
    policy = cnp("ingress: [{}]").replace("app: web", "app: third")
    assert "NP301" in ids(policy + WEB)
    assert "NP301" not in ids(policy + WEB + other)
    wrong = cnp("ingress: [{fromEntities: [world]}]")
    assert ids(f"{cnp('ingress: [{}]')}---\n{wrong}") == {"NP008"}
