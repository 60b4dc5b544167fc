"""The words that labels may use: names of profiles and shared resources, and the labels' keys."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from homelab_netpol.intent.model import NamespaceFacts


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a label can say, given the settings and the templates that are there.

    Attributes:
        domain: the labels' domain, such as network-policy.homelab.
        profiles: name of each known profile -> whether its pods reach each other by default.
        resources: names of the shared resources.
        platform_namespaces: names of the namespaces that must not have a profile.
        mesh_label: key and value of the label that puts a namespace into the mesh.
    """

    domain: str
    profiles: Mapping[str, bool]
    resources: frozenset[str]
    platform_namespaces: frozenset[str]
    mesh_label: tuple[str, str]

    @property
    def profile_key(self) -> str:
        """Label: the profile's name."""
        return f"{self.domain}/profile"

    @property
    def enforcement_key(self) -> str:
        """Label: the escape hatch."""
        return f"{self.domain}/enforcement"

    @property
    def intra_namespace_key(self) -> str:
        """Label: `allow` or `deny` between pods of the namespace."""
        return f"{self.domain}/intra-namespace"

    @property
    def gateway_ports_key(self) -> str:
        """Annotation: the ports that gateways may reach."""
        return f"{self.domain}/gateway-ports"

    @property
    def access_prefix(self) -> str:
        """What the keys of access labels begin with; the resource's name follows."""
        return f"access.{self.domain}/"

    def facts(
        self,
        name: str,
        labels: Mapping[str, str] | None,
        annotations: Mapping[str, str] | None,
        *,
        terminating: bool,
    ) -> NamespaceFacts:
        """Keeps of a Namespace what this vocabulary can read, and forgets the rest."""
        own = (f"{self.domain}/", self.access_prefix)
        mesh_key = self.mesh_label[0]
        return NamespaceFacts(
            name=name,
            labels={
                key: value
                for key, value in (labels or {}).items()
                if key.startswith(own) or key == mesh_key
            },
            annotations={
                key: value for key, value in (annotations or {}).items() if key.startswith(own)
            },
            terminating=terminating,
        )


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most like a mistyped one, or None when nothing resembles it."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
