"""Where a rule must not be silent, although it looks as if all were well."""

from __future__ import annotations

import pytest

from tests.lint.linted import ids
from tests.lint.policies import API, CCNP, CNP, FAR, NODE, NP, PHOTOS, cnp, of

TEAM = "k8s:io.cilium.k8s.namespace.labels.team"
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


@pytest.mark.parametrize(("rule", "text"), FOUND)
def test_it_is_not_silent(rule: str, text: str) -> None:
    assert rule in ids(text)
