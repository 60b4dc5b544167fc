"""Platform Namespaces under random policies: told exactly where Cilium drops what must flow."""

from __future__ import annotations

import os
from collections import Counter

from homelab_netpol.findings import check_platform
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Identity
from tests.inspected import Labels
from tests.models.model import Model
from tests.models.must_flow import MustFlow
from tests.models.writing import ccnp, taken_baselines
from tests.truth.random_policies import NAMESPACES, Generator

SEED = os.environ.get("VERDICT_SEED", "1")
WORLDS = int(os.environ.get("VERDICT_WORLDS", "300")) // 3

# The random policies know these Namespaces and labels; two of the three are in the mesh.
SETTINGS = parse_settings(
    """
platformNamespaces: [shop, database, monitoring]
dns: {servers: [{namespace: shop, podLabels: {app: web}}]}
scrapers: [{namespace: monitoring, podLabels: {role: web}}]
gateways:
  internal: [{namespace: database, podLabels: {app: web}}]
  external: [{namespace: database, podLabels: {app: db}}]
mesh:
  label: team
  value: data
  probeCidrs: [203.0.113.7/32]
  ztunnel: [{namespace: shop, podLabels: {app: db}}]
"""
)
# Namespaces that the gateways serve, in the mesh and outside.
GOVERNED: dict[str, Labels] = {
    "blog": {"network-policy.homelab/profile": "standard", "team": "data"},
    "wiki": {"network-policy.homelab/profile": "internal"},
}
# By chance, little is closed, and the operator's baselines allow most of it.
CLOSED = [ccnp("closed", {}, ingress=[{}], egress=[{}]), *taken_baselines()]


def test_a_finding_says_what_cilium_drops_and_nothing_that_it_lets_pass(engine: Engine) -> None:
    seen: Counter[str] = Counter()
    for number in range(WORLDS):
        model = random_model(engine, f"{SEED}/platform/{number}")
        if number % 3 == 0:
            model = model.with_policies(*CLOSED)
        drops = MustFlow(model, engine).drops()
        expected = drops.certain | drops.uncertain
        found = set()
        for finding in model.findings(check_platform.check):
            wrong = f"VERDICT_SEED={SEED} model {number}: {finding}\n  {model.policies}"
            begins = [
                one
                for subject, one in expected
                if subject == finding.subject and finding.message.startswith(one)
            ]
            assert begins, wrong
            found.add((finding.subject, begins[0]))
        missed = drops.certain - found
        assert not missed, f"VERDICT_SEED={SEED} model {number}: {missed}\n  {model.policies}"
        seen.update(sort_of(one) for _, one in drops.certain)
        seen["uncertain"] += len(drops.uncertain - drops.certain)
    # Each sort is there, or the random policies prove nothing of it.
    sorts = {
        *("DNS to", "DNS from", "Probing from the node", "Probing from CIDR", "Scraping from"),
        *("HBONE to", "HBONE from", "TCP to", "TCP from", "gateway"),
    }
    assert sorts <= set(seen), seen
    assert seen["uncertain"] < seen.total() / 5, seen


def sort_of(begins: str) -> str:
    return "gateway" if " gateway " in begins else begins.split(" opens ")[-1]


def random_model(engine: Engine, seed: str) -> Model:
    generator = Generator(seed)
    pods: dict[str, list[Labels]] = {name: [{"app": name}, {"role": "db"}] for name in GOVERNED}
    for pod in generator.pods():
        pods.setdefault(pod.namespace, []).append(pod.labels)
    policies = generator.policies()
    engine.identities({"web": Identity.pod("shop")})
    for rejection in engine.policies(policies):
        condition = {"type": "Valid", "status": "False", "message": rejection.error}
        policies[rejection.index]["status"] = {"conditions": [condition]}
    return Model(seed, {**NAMESPACES, **GOVERNED}, pods, tuple(policies), SETTINGS)
