"""Which of Istio's waypoints a Namespace has, by its labels. Pure.

In an ambient mesh calls to a Service with a waypoint go to the waypoint's pods first, through the
tunnel, and from there to the Service's pods: two connections in place of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

USE_WAYPOINT = "istio.io/use-waypoint"
USE_WAYPOINT_NAMESPACE = "istio.io/use-waypoint-namespace"
INGRESS_USE_WAYPOINT = "istio.io/ingress-use-waypoint"
# The Gateway API's, on the pods of every gateway; a waypoint is one.
GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"

_NONE = "none"

Labels = Mapping[str, str]


class Waypoint(NamedTuple):
    """A waypoint: the namespace of its pods, and its name."""

    namespace: str
    name: str

    @property
    def pod_labels(self) -> dict[str, str]:
        """By which its pods are found in their namespace."""
        return {GATEWAY_NAME_LABEL: self.name}

    def selects(self, labels: Labels) -> bool:
        """Whether a pod of its namespace with these labels is one of its own."""
        return self.pod_labels.items() <= labels.items()

    def __str__(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"


def waypoint_by_labels(labels: Labels, namespace: str) -> Waypoint | None:
    """The waypoint that labels name; None: they name none.

    Args:
        labels: of a Namespace, a Service or a pod.
        namespace: of it, where its waypoint is if the labels say nothing else.
    """
    name = labels.get(USE_WAYPOINT)
    if not name or name == _NONE:
        return None
    return Waypoint(labels.get(USE_WAYPOINT_NAMESPACE) or namespace, name)


def kept_of_waypoint(labels: Labels, namespace: str) -> dict[str, str]:
    """What facts keep of a Namespace's labels: the waypoint as one word, and whether for ingress.

    One word, as a waypoint moves into the Namespace itself by losing the label that says where it
    is, and a label that is lost counts for a moment longer (decision 14).
    """
    found = waypoint_by_labels(labels, namespace)
    if found is None:
        return {}
    kept = {USE_WAYPOINT: str(found)}
    if labels.get(INGRESS_USE_WAYPOINT, "").lower() == "true":
        kept[INGRESS_USE_WAYPOINT] = "true"
    return kept


def waypoint_of_facts(kept: Labels) -> Waypoint | None:
    """The waypoint in what `kept_of_waypoint` kept."""
    namespace, _, name = kept.get(USE_WAYPOINT, "").partition("/")
    return Waypoint(namespace, name) if name else None
