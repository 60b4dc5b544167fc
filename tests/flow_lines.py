"""Flows as Hubble writes them, from a few words: `my-app/web`, `world 203.0.113.7`, `host`."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
GATEWAY = "gateway.networking.k8s.io/gateway-name"
_ADDRESSES = {"world": "203.0.113.7", "host": "10.0.0.1", "remote-node": "10.0.0.2"}
_NUMBERS = {"host": 1, "world": 2, "health": 4, "remote-node": 6, "kube-apiserver": 7, "ingress": 8}


def end(words: str, **labels: str) -> tuple[Json, str]:
    """An end with its address.

    Args:
        words: `NAMESPACE/APP`, or an entity with an address after it, or without.
        labels: of a pod, in the place of `app`.
    """
    if "/" in words:
        namespace, _, app = words.partition("/")
        own = labels or {"app": app}
        written = [f"k8s:{key}={value}" for key, value in own.items()]
        return {
            "identity": 20_000 + sum(map(ord, words)),
            "namespace": namespace,
            "labels": [*written, f"k8s:io.kubernetes.pod.namespace={namespace}"],
            "pod_name": f"{app}-0",
        }, "10.244.0.7"
    entity, _, address = words.partition(" ")
    reserved = {"identity": _NUMBERS.get(entity, 9), "labels": [f"reserved:{entity}"]}
    return reserved, address or _ADDRESSES.get(entity, "10.0.0.9")


def flow(
    source: str | tuple[Json, str],
    destination: str | tuple[Json, str],
    port: str,
    direction: str,
    **fields: Any,
) -> Json:
    """A dropped flow; `port` as in 5432/TCP, or a type as in 8/ICMPv4."""
    one, from_address = end(source) if isinstance(source, str) else source
    other, to_address = end(destination) if isinstance(destination, str) else destination
    number, _, protocol = port.partition("/")
    of_port = (
        {"type": int(number)}
        if protocol.startswith("ICMP")
        else {
            "source_port": 41_234,
            "destination_port": int(number),
        }
    )
    return {
        "time": "2026-03-01T22:14:05.512345678Z",
        "verdict": "DROPPED",
        "drop_reason_desc": "POLICY_DENIED",
        "IP": {"source": from_address, "destination": to_address, "ipVersion": "IPv4"},
        "l4": {protocol: of_port},
        "source": one,
        "destination": other,
        "Type": "L3_L4",
        "event_type": {"type": 1, "sub_type": 133},
        "traffic_direction": direction,
        **fields,
    }


def lines(*flows: Json, wrapped: bool = True) -> bytes:
    """As `hubble observe -o json` writes them."""
    messages = ({"flow": each, "node_name": "node-1"} if wrapped else each for each in flows)
    return b"".join(json.dumps(each).encode() + b"\n" for each in messages)
