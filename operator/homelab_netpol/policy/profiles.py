"""The profiles that there are: templates, and NetworkProfiles that stand on them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.terms import is_label_value
from homelab_netpol.definitions import CustomProfile
from homelab_netpol.policy.compose import (
    compose,
    dns_for_names,
    names_need_dns,
    opens_tcp,
    through_tunnel,
)
from homelab_netpol.policy.gateways import gateways_named, peers_named
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import digest_of
from homelab_netpol.policy.rendering import Rendered, Renderer, RenderError
from homelab_netpol.settings import Settings

# The vocabulary: pods of one namespace reach each other in every profile except this one.
_WITHOUT_INTRA_NAMESPACE = frozenset({"isolated"})

# Variables of a profile's template, at their simplest.
_PLAIN: Mapping[str, Any] = {
    "intra_namespace": False,
    "gateway_ports": [],
    "meshed": False,
    "internet_ports": [{"port": 443, "endPort": None, "protocol": "TCP"}],
}


def profile_templates(renderer: Renderer) -> dict[str, bool]:
    """The profiles that have a template: whether pods of a namespace reach each other in them.

    Raises:
        RenderError: a template's name is no profile's.
    """
    names = renderer.names("profiles")
    for name in names:
        if not is_label_value(name) or not name:
            raise RenderError(
                f"templates: {name!r} cannot be a profile's name, as it cannot be a label's"
                " value: letters, digits, '-', '_' and '.', at most 63"
            )
    return {name: name not in _WITHOUT_INTRA_NAMESPACE for name in names}


class Profiles:
    """Renders them, and says what is in them. Immutable.

    Attributes:
        custom: the NetworkProfiles that can be used, each with all that it extends.
        defaults: of every profile, whether pods of a namespace reach each other in it.
    """

    def __init__(
        self,
        renderer: Renderer,
        settings: Settings,
        templates: Mapping[str, bool],
        custom: Mapping[str, CustomProfile],
    ) -> None:
        self._renderer = renderer
        self._settings = settings
        self.custom = custom
        own = {name: profile.intra_namespace for name, profile in custom.items()}
        self.defaults = {**templates, **own}
        self._gateways_of: dict[str, frozenset[str]] = {}
        self._composed: dict[tuple[str, str], Rendered] = {}

    def body(self, profile: str, **variables: Any) -> Rendered:
        """The policy of a profile: the body, and its digest. It is shared: treat it as immutable.

        Args:
            profile: a known one.
            variables: those of a profile's template.

        Raises:
            RenderError: the profile's template cannot be rendered.
        """
        custom = self.custom.get(profile)
        if custom is None:
            return self._renderer.body(f"profiles/{profile}", Kind.CNP, **variables)
        memo = (profile, json.dumps(variables, sort_keys=True))
        known = self._composed.get(memo)
        if known is None:
            base, _ = self._renderer.body(f"profiles/{custom.template}", Kind.CNP, **variables)
            ingress, egress = list(custom.ingress), list(custom.egress)
            if variables["meshed"]:
                ingress += through_tunnel(custom.ingress, "ingress", self._settings.mesh)
                egress += through_tunnel(custom.egress, "egress", self._settings.mesh)
            if names_need_dns(custom.egress):
                egress += dns_for_names(self._settings.dns)
            body = compose(base, ingress, egress)
            known = self._composed[memo] = (body, digest_of(body))
        return known

    def needs_layer_7(self, profile: str) -> bool:
        """Whether rules of a NetworkProfile are about DNS names or HTTP requests."""
        custom = self.custom.get(profile)
        if custom is None:
            return False
        ports = (
            port for rule in custom.ingress + custom.egress for port in rule.get("toPorts") or ()
        )
        return names_need_dns(custom.egress) or any(port.get("rules") for port in ports)

    def template_of(self, profile: str) -> str:
        """The template that a known profile stands on: itself, or what it extends in the end."""
        custom = self.custom.get(profile)
        return profile if custom is None else custom.template

    def gateways_of(self, template: str) -> frozenset[str]:
        """The gateways that a profile's template lets in, as it says.

        Raises:
            RenderError: the template cannot be rendered.
        """
        known = self._gateways_of.get(template)
        if known is None:
            body, _ = self._renderer.body(f"profiles/{template}", Kind.CNP, **_PLAIN)
            rules = body.get("specs") or [body["spec"]]
            ingress = [item for rule in rules for item in rule.get("ingress") or ()]
            known = gateways_named(ingress, self._settings.gateways)
            self._gateways_of[template] = known
        return known

    def gateways_named_by(self, profile: str, which: str) -> tuple[int, ...]:
        """The gateways of a kind that rules of a NetworkProfile's own name, and open TCP for.

        Returns:
            Their places in the settings' list of `internal` or `external`.
        """
        custom = self.custom.get(profile)
        rules = [rule for rule in custom.ingress if opens_tcp(rule)] if custom is not None else []
        return peers_named(rules, self._settings.gateways.of(which))

    def reaching_internet(self) -> frozenset[str]:
        """The profiles that open the internet, on ports that an annotation may list."""
        return frozenset(n for n in self.defaults if self._reaches_internet(self.template_of(n)))

    def _reaches_internet(self, template: str) -> bool:
        try:
            _, opened = self._renderer.body(f"profiles/{template}", Kind.CNP, **_PLAIN)
            variables = {**_PLAIN, "internet_ports": None}
            _, closed = self._renderer.body(f"profiles/{template}", Kind.CNP, **variables)
        except RenderError:
            return False  # `check_templates` says which template is wrong, before anything is done
        return opened != closed
