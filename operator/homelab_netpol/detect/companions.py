"""Operators that have pods in the apps' Namespaces: CloudNativePG's, VolSync's. Pure."""

from __future__ import annotations

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting
from homelab_netpol.detect.objects import Component
from homelab_netpol.detect.resources import CNPG_CLUSTER, Stores

_NAME = "app.kubernetes.io/name"
_INSTANCES = {"matchExpressions": [{"key": CNPG_CLUSTER, "operator": "Exists"}]}
# On which CloudNativePG's operator asks its instances how they are.
_STATUS_PORT = 8000
_MOVERS = {"matchLabels": {"app.kubernetes.io/created-by": "volsync"}}


def detect_companions(facts: ClusterFacts, stores: Stores) -> Findings:
    """`companions`."""
    found = Findings()
    operators = [each for each in facts.components if each.is_named("cloudnative-pg")]
    if stores.instances_of_apps:
        instance = stores.instances_of_apps[0]
        because = f"{instance} is one of CloudNativePG's instances in an app's namespace"
        if operators:
            value = {
                "pods": _INSTANCES,
                "from": [_peer(operators[0])],
                "ports": [{"port": _STATUS_PORT}],
            }
            asks = f"{operators[0]} asks each instance how it is"
            found.settings.append(
                Setting(("companions", "cnpg-operator"), Entry(value, f"{because}; {asks}"))
            )
        else:
            found.questions.append(
                f"{because}, and CloudNativePG's operator was not found. Where is it? It must reach"
                f" TCP {_STATUS_PORT} of each: see companions in docs/settings.md"
            )
        value = {
            "pods": _INSTANCES,
            "to": [{"entities": ["kube-apiserver"]}],
            "ports": [{"port": 443}, {"port": 6443}],
        }
        keeps = f"each, such as {instance}, keeps its state in the API server"
        found.settings.append(Setting(("companions", "cnpg-instances"), Entry(value, keeps)))
    volsync = [each for each in facts.components if each.is_named("volsync")]
    if volsync and stores.s3 is not None:
        peer, port, named = stores.s3
        value = {"pods": _MOVERS, "to": [peer], "ports": [{"port": port}]}
        because = f"{volsync[0]} has movers in the apps' namespaces; {named} is an object store"
        check = ("do VolSync's movers bring backups to that store?",)
        found.settings.append(Setting(("companions", "volsync"), Entry(value, because, check)))
    elif volsync:
        found.questions.append(
            f"{volsync[0]} has movers in the apps' namespaces. Where do they bring backups? Say it"
            " as a companion: pods {matchLabels: {app.kubernetes.io/created-by: volsync}}, `to` and"
            " `ports`"
        )
    return found


def _peer(component: Component) -> dict[str, object]:
    labels = component.labels
    key = _NAME if _NAME in labels else "app"
    return {"namespace": component.namespace, "podLabels": {key: labels[key]}}
