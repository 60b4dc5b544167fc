"""An installation in order as `doctor` reads it, of which tests change a part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cluster.doctor_facts import Clocks, Facts, Listed, Page
from homelab_netpol.doctor import Installation, Result, Status, examine
from homelab_netpol.doctor import installation as names
from homelab_netpol.package_data import own_crds
from homelab_netpol.settings import Settings

NOW = datetime(2026, 3, 1, 18, 0, 0, tzinfo=UTC)
HOME, DOMAIN = "homelab-netpol", "network-policy.homelab"
Object = dict[str, Any]

READY = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}


def pod(name: str, namespace: str, image: str = "", **status: Any) -> Object:
    container = {"name": "cilium-agent", "image": image}
    metadata = {"name": name, "namespace": namespace}
    return {
        "metadata": metadata,
        "spec": {"containers": [container]},
        "status": {**READY, **status},
    }


def cilium_crd(plural: str, *fields: str) -> Object:
    below = {"properties": {"spec": {"properties": {each: {"type": "object"} for each in fields}}}}
    versions = [{"name": "v2", "served": True, "schema": {"openAPIV3Schema": below}}]
    return {"metadata": {"name": f"{plural}.cilium.io"}, "spec": {"versions": versions}}


WRITTEN = ("enableDefaultDeny", "endpointSelector", "egress", "ingress", "egressDeny")


def crds(*written: str) -> list[Object]:
    plurals = ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies")
    conditions = [{"type": each, "status": "True"} for each in ("Established", "NamesAccepted")]
    every = [*own_crds(), *(cilium_crd(plural, *(written or WRITTEN)) for plural in plurals)]
    return [{**each, "status": {"conditions": conditions}} for each in every]


def deployment(**changed: Any) -> Object:
    arguments = ["run", "--config", "/etc/homelab-netpol"]
    container = {"name": "operator", "image": "netpol:1.2.3", "args": arguments}
    template = {"spec": {"serviceAccountName": "homelab-netpol", "containers": [container]}}
    return {
        "metadata": {"name": "homelab-netpol", "namespace": HOME},
        "spec": {"replicas": 2, "template": template},
        "status": {"readyReplicas": 2, **changed},
    }


def lease(holder: str = "netpol-1_abc", renewed: datetime = NOW) -> Object:
    times = {"renewTime": renewed.isoformat().replace("+00:00", "Z"), "leaseDurationSeconds": 15}
    return {"metadata": {"name": HOME}, "spec": {"holderIdentity": holder, **times}}


def config(**entries: str) -> Object:
    data = {key.replace("_", "-"): value for key, value in entries.items()}
    return {"metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": data}


def healthy() -> dict[str, Listed]:
    return {
        names.DEPLOYMENT: Listed([deployment()]),
        names.POD: Listed([pod("netpol-1", HOME)]),
        names.AGENT: Listed([pod("cilium-1", "kube-system", "quay.io/cilium/cilium:v1.18.2")]),
        names.LEASE: Listed([lease()]),
        names.CRD: Listed(crds()),
        names.CILIUM_CONFIG: Listed([config(enable_policy="default")]),
        "Namespace": Listed(),
        "CiliumNetworkPolicy": Listed(absent=True),
        "CiliumClusterwideNetworkPolicy": Listed(absent=True),
        "NetworkProfile": Listed(),
        "SharedResource": Listed(),
    }


def installation(
    changed: Mapping[str, Listed] | None = None,
    settings: Settings | None = None,
    **of_facts: Any,
) -> Installation:
    plain: dict[str, Any] = {
        "version": {"gitVersion": "v1.33.1"},
        "clocks": Clocks(NOW, NOW, NOW),
        "own_missing": [],
        "operator_missing": [],
        "pages": {"netpol-1": Page(200, "ok\n")},
    }
    facts = Facts(lists={**healthy(), **(changed or {})}, **{**plain, **of_facts})
    return Installation(facts, settings or Settings(), "--config", "", HOME, "1.2.3", NOW)


def namespace(name: str, labels: Object, **more: Any) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "uid": name, "labels": labels, **more}}


def found(
    changed: Mapping[str, Listed] | None = None, settings: Settings | None = None, **facts: Any
) -> list[Result]:
    """All answers but notes and what is in order."""
    report = examine(installation(changed, settings, **facts))
    quiet = (Status.OK, Status.NOTE)
    return [each for each in report.results if each.status not in quiet]


def only(
    changed: Mapping[str, Listed] | None = None, settings: Settings | None = None, **facts: Any
) -> Result:
    """The only answer that is neither a note nor in order; it says what to do."""
    [answer] = found(changed, settings, **facts)
    assert answer.remedy
    return answer
