"""The words that labels may use: names of profiles and shared resources, and the labels' keys."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from homelab_netpol.cilium.selectors import LabelSelector
from homelab_netpol.cilium.terms import is_label_value
from homelab_netpol.intent.model import GATEWAY_GRANT, NamespaceFacts
from homelab_netpol.intent.waypoint import USE_WAYPOINT, kept_of_waypoint

# An access label of this value grants all of a shared resource, one of the next nothing.
WHOLE = "true"
NOTHING = "false"


@dataclass(frozen=True, slots=True)
class ResourceWords:
    """What an access label of one shared resource may say, and who may ask by it.

    Attributes:
        allow_from: whom of the Namespaces; None: everybody.
        values: the values that grant a part of the resource; None: whatever Kubernetes takes as the
            value of a label.
        whole: "true" is taken too, and grants all of it.
    """

    allow_from: LabelSelector | None = None
    values: frozenset[str] | None = frozenset()
    whole: bool = True

    @property
    def has_parts(self) -> bool:
        """Other values than "true" are taken."""
        return self.values is None or bool(self.values)

    def takes(self, value: str) -> bool:
        """Whether a value grants something."""
        if value == WHOLE:
            return self.whole
        if self.values is None:
            return value not in ("", NOTHING) and is_label_value(value)
        return value in self.values

    def listed(self) -> list[str]:
        """The values that are taken, `*` for any, where "true" is not the only one."""
        parts = ["*"] if self.values is None else sorted(self.values)
        return [*parts, *([WHOLE] if self.whole else [])] if self.has_parts else []

    def __str__(self) -> str:
        """The values that are taken, in words."""
        words = [f'"{WHOLE}"'] if self.whole else []
        if self.values is None:
            words.append("the value of a label of its pods")
        else:
            words += [f'"{value}"' for value in sorted(self.values)]
        return " or ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)


GATEWAYS = ("internal", "external")
_GATEWAY_WORDS = ResourceWords(values=frozenset(GATEWAYS))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a label can say, given the settings, the templates and the custom resources there are.

    Attributes:
        domain: the labels' domain, such as network-policy.homelab.
        profiles: name of each known profile -> whether its pods reach each other by default.
        resources: name of each shared resource -> what its access label may say.
        platform_namespaces: names of the namespaces that must not have a profile.
        platform_patterns: patterns of such names; `*` is any run of characters of a DNS label.
        mesh_label: key and value of the label that puts a namespace into the mesh.
        unusable_profiles: name of each NetworkProfile that cannot be used -> why not.
        unusable_resources: name of each SharedResource that cannot be used -> why not.
        internet_profiles: the profiles that open the internet, on ports that can be listed.
        own_namespace: where the operator itself runs, which is one of the platform's; None: it runs
            outside the cluster.
    """

    domain: str
    profiles: Mapping[str, bool]
    resources: Mapping[str, ResourceWords]
    platform_namespaces: frozenset[str]
    mesh_label: tuple[str, str]
    unusable_profiles: Mapping[str, str] = field(default_factory=dict)
    unusable_resources: Mapping[str, str] = field(default_factory=dict)
    unusable_settings: Mapping[str, str] = field(default_factory=dict)
    own_namespace: str | None = None
    internet_profiles: frozenset[str] = frozenset()
    platform_patterns: tuple[str, ...] = ()

    @property
    def gateway_grant(self) -> bool:
        """The grant `gateway` means the gateways; no shared resource takes its name."""
        is_taken = (
            GATEWAY_GRANT in self.resources
            or GATEWAY_GRANT in self.unusable_resources
            or GATEWAY_GRANT in self.unusable_settings
        )
        return not is_taken

    def grantable(self) -> Mapping[str, ResourceWords]:
        """What access labels may name: the shared resources, and the gateways."""
        gateways = {GATEWAY_GRANT: _GATEWAY_WORDS} if self.gateway_grant else {}
        return {**gateways, **self.resources}

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
    def internet_ports_key(self) -> str:
        """Annotation: the ports of the profile's rule for the internet."""
        return f"{self.domain}/internet-ports"

    @property
    def lan_ports_key(self) -> str:
        """Annotation: the ports that the home network may reach without a gateway."""
        return f"{self.domain}/lan-ports"

    @property
    def world_ports_key(self) -> str:
        """Annotation: the ports that everything outside the cluster may reach without a gateway."""
        return f"{self.domain}/world-ports"

    @property
    def webhooks_key(self) -> str:
        """Label: `allow` lets the API server call webhooks and aggregated APIs there."""
        return f"{self.domain}/webhooks"

    @property
    def disabled_until_key(self) -> str:
        """Annotation: when the escape hatch closes by itself."""
        return f"{self.domain}/disabled-until"

    @property
    def widens_key(self) -> str:
        """Annotation on a foreign policy: why it lets more through than profiles say."""
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
        kept = {k: v for k, v in labels.items() if k.startswith(own) or k == mesh_key}
        if USE_WAYPOINT in labels:
            kept |= kept_of_waypoint(labels, name)
        return NamespaceFacts(
            name=name,
            labels=kept,
            annotations={k: v for k, v in annotations.items() if k.startswith(own)},
            terminating=terminating,
            # A few keys and values make up most labels of a cluster: keep each text once.
            selectable={sys.intern(k): sys.intern(v) for k, v in labels.items()},
        )


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the one probably meant, or all known ones."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {matches[0]!r}?" if matches else f"Known: {', '.join(sorted(known))}."


def cannot_be_used(named: str, why: str, in_force: str, described: str) -> str:
    """A message about a custom resource that is there and has a mistake.

    Args:
        named: what it is, with its name.
        why: it cannot be used.
        in_force: what is in force instead.
        described: what `kubectl describe` shows it by.
    """
    clause = why.rstrip(".")
    return f"The {named} cannot be used: {clause}; {in_force}. See `kubectl describe {described}`."
