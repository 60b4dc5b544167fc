"""Settings of earlier versions: refused, with the lines to write instead.

Reading them quietly would leave two ways to say the same, and the old one could not say it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from homelab_netpol.cilium.terms import AMBIENT_PROBES_IPV6

_GATEWAYS = {
    "namespace": "istio-gateway",
    "label": "gateway.networking.k8s.io/gateway-name",
    "internal": "internal",
    "external": "external",
}


# What a part that was not said was; of the entities what is left of it.
_PROBES = {"entities": ["health"], "cidrs": ["169.254.0.0/16", AMBIENT_PROBES_IPV6]}


def _refused(data: Mapping[str, Any]) -> ValueError:
    line = yaml.safe_dump(
        dict(data), default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return ValueError(f"takes lists of peers now; write instead: {line.strip()}")


def refuse_old_gateways(data: Any) -> Any:
    """Lets `gateways` pass unless it says one namespace, one label and its two values.

    Raises:
        ValueError: with what to write.
    """
    if not isinstance(data, Mapping) or not _is_old_gateways(data):
        return data
    said = {**_GATEWAYS, **data}
    lists = {
        which: [
            {
                "namespace": said["namespace"],
                "podLabels": {said["label"]: said[which]},
                "serviceAccount": said.get(f"{which}ServiceAccount", f"{which}-istio"),
            }
        ]
        for which in ("internal", "external")
    }
    raise _refused({"gateways": lists})


def _is_old_gateways(data: Mapping[str, Any]) -> bool:
    old = {"namespace", "label", "internalServiceAccount", "externalServiceAccount"}
    return not old.isdisjoint(data) or any(
        isinstance(data.get(which), str) for which in ("internal", "external")
    )


def refuse_old_dns(data: Any) -> Any:
    """Lets `dns` pass unless it says one namespace, or labels of pods.

    Raises:
        ValueError: with what to write.
    """
    if not isinstance(data, Mapping) or {"namespace", "labels"}.isdisjoint(data):
        return data
    server = {
        "namespace": data.get("namespace", "kube-system"),
        "podLabels": data.get("labels", {"k8s-app": "kube-dns"}),
    }
    ports = {"ports": data["ports"]} if "ports" in data else {}
    raise _refused({"dns": {"servers": [server], **ports}})


def refuse_single_pods(data: Any, section: str, name: str) -> Any:
    """Lets a section of the settings pass unless its field `name` is `{namespace, labels}`.

    Raises:
        ValueError: with what to write.
    """
    said = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(said, Mapping):
        return data
    peer = {"namespace": said.get("namespace"), "podLabels": said.get("labels", {})}
    raise _refused({section: {name: [{key: value for key, value in peer.items() if value}]}})


def refuse_old_sections(data: Any) -> Any:
    """Lets the settings pass unless they say `prometheus`, or `probes` by its two lists.

    Raises:
        ValueError: with what to write.
    """
    if not isinstance(data, Mapping):
        return data
    scraper = data.get("prometheus")
    if isinstance(scraper, Mapping):
        peer = {
            "namespace": scraper.get("namespace", "monitoring"),
            "podLabels": scraper.get("labels", {"app.kubernetes.io/name": "prometheus"}),
            "ports": scraper.get("ports", []),
        }
        new = {"scrapers": [{key: value for key, value in peer.items() if value}]}
        raise ValueError(f"prometheus: {_refused(new)}")
    probes = data.get("probes")
    if isinstance(probes, Mapping):
        said = {**_PROBES, **probes}
        peers = [{key: value} for key, value in said.items() if value]
        raise ValueError(f"probes: {_refused({'probes': peers})}")
    return data
