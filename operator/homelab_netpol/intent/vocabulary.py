"""The words that labels may use: names of profiles and shared resources, and the labels' keys."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from homelab_netpol.cilium.selectors import LabelSelector
from homelab_netpol.intent.model import NamespaceFacts


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a label can say, given the settings, the templates and the custom resources there are.

    Attributes:
        domain: the labels' domain, such as network-policy.homelab.
        profiles: name of each known profile -> whether its pods reach each other by default.
        resources: name of each shared resource -> who may ask for it; None: everybody.
        platform_namespaces: names of the namespaces that must not have a profile.
        platform_patterns: patterns of such names; `*` is any run of characters of a DNS label.
        mesh_label: key and value of the label that puts a namespace into the mesh.
        unusable_profiles: name of each NetworkProfile that cannot be used -> why not.
        unusable_resources: name of each SharedResource that cannot be used -> why not.
        own_namespace: where the operator itself runs, which is one of the platform's; None: it runs
            outside the cluster.
    """

    domain: str
    profiles: Mapping[str, bool]
    resources: Mapping[str, LabelSelector | None]
    platform_namespaces: frozenset[str]
    mesh_label: tuple[str, str]
    unusable_profiles: Mapping[str, str] = field(default_factory=dict)
    unusable_resources: Mapping[str, str] = field(default_factory=dict)
    unusable_settings: Mapping[str, str] = field(default_factory=dict)
    own_namespace: str | None = None
    platform_patterns: tuple[str, ...] = ()

    @property
    def platform_key(self) -> str:
        """Label: `true` makes the Namespace one of the platform's."""
        return f"{self.domain}/platform"

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
    def disabled_until_key(self) -> str:
        """Annotation: when the escape hatch closes by itself."""
        return f"{self.domain}/disabled-until"

    @property
    def widens_key(self) -> str:
        """Annotation on somebody else's policy: why it lets more through than profiles say."""
        return f"{self.domain}/widens"

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
        """Keeps of a Namespace what intents can depend on, and drops the rest."""
        own = (f"{self.domain}/", self.access_prefix)
        mesh_key = self.mesh_label[0]
        labels, annotations = labels or {}, annotations or {}
        return NamespaceFacts(
            name=name,
            labels={k: v for k, v in labels.items() if k.startswith(own) or k == mesh_key},
            annotations={k: v for k, v in annotations.items() if k.startswith(own)},
            terminating=terminating,
            # A few keys and values make up most labels of a cluster: keep each text once.
            selectable={sys.intern(k): sys.intern(v) for k, v in labels.items()},
        )


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the one probably meant, or all known ones."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {matches[0]!r}?" if matches else f"Known: {', '.join(sorted(known))}."
