"""Whatever a manifest holds, the linter answers: with findings, or with what is wrong and where."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml

from homelab_netpol.lint import RULES, Finding
from homelab_netpol.lint.fixes import fix_text
from homelab_netpol.manifests import ManifestError
from tests.dice import seeded
from tests.lint.linted import FILE, findings
from tests.truth.random_damage import damaged
from tests.truth.random_policies import Generator

ROUNDS = int(os.environ.get("LINT_ROUNDS", "120"))
AROUND = """\
- apiVersion: v1
  kind: Namespace
  metadata: {name: shop, labels: {team: web, network-policy.homelab/profile: internal}}
- apiVersion: v1
  kind: Pod
  metadata:
    name: web
    namespace: shop
    labels: {app: web}
    ownerReferences: [{kind: ReplicaSet, name: web}]
  spec:
    hostNetwork: false
    serviceAccountName: web
    containers: [{name: web, ports: [{containerPort: 80, name: http, protocol: TCP}]}]
  status: {phase: Running, podIP: 10.42.0.7}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: db, namespace: database}
  spec:
    template:
      metadata: {labels: {app: db}}
      spec: {containers: [{name: db, ports: [{containerPort: 5432}]}]}
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop, annotations: {lbipam.cilium.io/ips: "192.168.1.9"}}
  spec:
    clusterIP: 10.96.0.7
    clusterIPs: [10.96.0.7]
    externalIPs: [192.168.1.8]
    selector: {app: web}
    ports: [{port: 8080, targetPort: http, protocol: TCP}]
  status: {loadBalancer: {ingress: [{ip: 192.168.1.7}]}}
- apiVersion: v1
  kind: Node
  metadata: {name: one}
  spec: {podCIDR: 10.42.0.0/24, podCIDRs: [10.42.0.0/24]}
  status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
  endpoints: [{addresses: [192.168.1.2]}]
- apiVersion: network-policy.homelab/v1alpha1
  kind: NetworkProfile
  metadata: {name: games, generation: 1}
  spec: {extends: internal, ingress: [{fromEntities: [world]}]}
- apiVersion: network-policy.homelab/v1alpha1
  kind: SharedResource
  metadata: {name: ldap}
  spec: {namespace: auth, ports: [{port: 636}]}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: cilium-config, namespace: kube-system}
  data: {labels: "k8s:app"}
"""


def answer_to(text: str, *, from_cluster: bool = False) -> list[Finding] | str:
    """What is found, or why the text cannot be used."""
    try:
        return findings(text, from_cluster=from_cluster)
    except ManifestError as error:
        return str(error)


def test_damaged_manifests_of_every_kind_never_end_in_a_stack_trace() -> None:
    dice = seeded("robust")
    around = yaml.safe_load(AROUND)
    examples = [
        each
        for rule in RULES
        for text in (rule.wrong, rule.right)
        for each in yaml.safe_load_all(text)
    ]
    answered = 0
    for number in range(ROUNDS):
        objects: list[Any] = [*around, *Generator(f"robust/{number}").policies()]
        objects += dice.sample(examples, 2)
        for _ in range(dice.randint(1, 3)):
            index = dice.randrange(len(objects))
            objects[index] = damaged(objects[index], dice)
        text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper)
        found = answer_to(text, from_cluster=dice.random() < 0.5)
        if isinstance(found, str):
            assert found.startswith(FILE)
            continue
        answered += 1
        fix_text(text, found)
        assert all(each.line > 0 for each in found)
    assert answered > ROUNDS // 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n---\n",
        "a: 1\n",
        "[]",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspec: 7\n",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspecs: {}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: [1]\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
        "spec: {podSelector: 7, ingress: {a: 1}, egress: [null, 7, {to: [null, 7]}]}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
        "spec: {? [1, 2] : 3, podSelector: {matchLabels: {1: 2}}}\n",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
        "spec: &a {endpointSelector: *a}\n",
        "# netpol: ignore[NP008] of nothing\r\n",
        'apiVersion: v1\nkind: Namespace\nmetadata: {name: "a\\e[31m", labels: {}}\n',
    ],
)
def test_odd_texts_are_answered(text: str) -> None:
    assert answer_to(text) != ""
