"""What is defined now, and can be rendered: profiles and shared resources."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.own_cluster import OwnCluster
from homelab_netpol.cilium.terms import is_label_value
from homelab_netpol.definitions import (
    CustomProfile,
    DefinitionKind,
    Definitions,
    NotUsable,
    UnusableReason,
    resource_problem,
    usable_with,
)
from homelab_netpol.intent import GATEWAYS, WHOLE, ResourceWords, Vocabulary
from homelab_netpol.package_data import data_folder
from homelab_netpol.policy.compose import (
    compose,
    dns_for_names,
    names_need_dns,
    opens_tcp,
    through_tunnel,
)
from homelab_netpol.policy.gateways import gateways_named
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import digest_of
from homelab_netpol.policy.peers import peers_data
from homelab_netpol.policy.rendering import Rendered, Renderer, RenderError
from homelab_netpol.settings import Settings, SharedResource

# Variables of a profile's template, at their simplest.
_PLAIN: Mapping[str, Any] = {
    "intra_namespace": False,
    "gateway_ports": [],
    "meshed": False,
    "internet_ports": [{"port": 443, "endPort": None, "protocol": "TCP"}],
}

# The vocabulary: pods of one namespace reach each other in every profile except this one.
_WITHOUT_INTRA_NAMESPACE = frozenset({"isolated"})

KUBE_API = "kube-api"


class Catalogue:
    """Everything that settings, templates and custom resources define. Immutable.

    Attributes:
        settings: the settings it was made from.
        definitions: the custom resources.
        identity_labels: which labels selectors can see in this cluster.
        own_cluster: which cluster this is.
        vocabulary: the words that labels may use.
        renderer: of the templates.
        unusable: the custom resources that cannot be used, by kind and name, and why not.
        unusable_settings: likewise the shared resources of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        definitions: Definitions | None = None,
        *,
        renderer: Renderer | None = None,
        own_namespace: str | None = None,
        identity_labels: IdentityLabels = DEFAULT,
        own_cluster: OwnCluster | None = None,
    ) -> None:
        """Reads the templates' names, and resolves the custom resources.

        Args:
            settings: the settings.
            definitions: the custom resources; none by default.
            renderer: of an earlier catalogue of the same settings, with what it remembers.
            own_namespace: where the operator itself runs; None: outside the cluster. Whatever the
                settings say, it is a platform namespace, and no policy of the operator's switches
                on default deny for what leaves it: it must never cut itself off.
            identity_labels: which labels selectors can see in this cluster.
            own_cluster: which cluster this is; without it, the one that the settings name.

        Raises:
            RenderError: a template directory is missing, or a template's name is no profile's.
        """
        self.settings = settings
        self.definitions = definitions or Definitions()
        self.identity_labels = identity_labels
        named = settings.cluster.name
        self.own_cluster = own_cluster or OwnCluster(named, named is not None)
        self._checked = usable_with(self.definitions, identity_labels)
        self.renderer = renderer or Renderer(_directories(settings), _globals(settings))
        self._own_namespace = own_namespace
        self.unusable: dict[tuple[DefinitionKind, str], NotUsable] = {}
        self.unusable_settings: dict[str, NotUsable] = {}
        self._gateways_of: dict[str, frozenset[str]] = {}
        self._composed: dict[tuple[str, str], Rendered] = {}
        templates = {
            name: name not in _WITHOUT_INTRA_NAMESPACE for name in self.renderer.names("profiles")
        }
        for name in templates:
            if not is_label_value(name) or not name:
                raise RenderError(
                    f"templates: {name!r} cannot be a profile's name, as it cannot be a label's"
                    " value: letters, digits, '-', '_' and '.', at most 63"
                )
        self._custom = self._usable_profiles(templates)
        self._resources = self._usable_resources()
        self._by_home: defaultdict[str | None, list[str]] = defaultdict(list)
        for name, resource in self._resources.items():
            self._by_home[resource.home].append(name)
        self._resource_data = {
            name: resource.model_dump(mode="json", by_alias=True)
            for name, resource in self._resources.items()
        }
        custom = {name: profile.intra_namespace for name, profile in self._custom.items()}
        own = () if own_namespace is None else (own_namespace,)
        patterns = [each for each in settings.platform_namespaces if "*" in each]
        names = [each for each in settings.platform_namespaces if "*" not in each]
        self.vocabulary = Vocabulary(
            domain=settings.label_domain,
            profiles={**templates, **custom},
            resources={name: _words(each) for name, each in self._resources.items()},
            platform_namespaces=frozenset((*names, *own)),
            platform_patterns=tuple(patterns),
            mesh_label=(settings.mesh.label, settings.mesh.value),
            unusable_profiles=self._messages(DefinitionKind.PROFILE),
            unusable_resources=self._messages(DefinitionKind.RESOURCE),
            unusable_settings={
                name: found.message for name, found in self.unusable_settings.items()
            },
            own_namespace=own_namespace,
            internet_profiles=frozenset(
                name
                for name in (*templates, *custom)
                if self._reaches_internet(self.template_of(name))
            ),
        )

    def with_definitions(
        self,
        definitions: Definitions,
        identity_labels: IdentityLabels = DEFAULT,
        own_cluster: OwnCluster | None = None,
    ) -> Catalogue:
        """The same settings and templates with other custom resources, or in another cluster."""
        return Catalogue(
            self.settings,
            definitions,
            renderer=self.renderer,
            own_namespace=self._own_namespace,
            identity_labels=identity_labels,
            own_cluster=own_cluster,
        )

    def changed_since(self, before: Catalogue) -> tuple[set[str], set[str]]:
        """The names of the profiles, and of the shared resources, that mean something else now."""
        old, new = before._custom, self._custom
        profiles = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        was, now = before._resources, self._resources
        resources = {name for name in {*was, *now} if was.get(name) != now.get(name)}
        for name in {*before.unusable_settings, *self.unusable_settings}:
            if before.unusable_settings.get(name) != self.unusable_settings.get(name):
                resources.add(name)
        for key in {*before.unusable, *self.unusable}:
            if before.unusable.get(key) != self.unusable.get(key):
                (profiles if key[0] is DefinitionKind.PROFILE else resources).add(key[1])
        return profiles, resources

    def _usable_profiles(self, templates: Mapping[str, bool]) -> dict[str, CustomProfile]:
        usable: dict[str, CustomProfile] = {}
        for name, found in self._checked.resolve_profiles(templates).items():
            if isinstance(found, NotUsable):
                self.unusable[DefinitionKind.PROFILE, name] = found
            else:
                usable[name] = found
        return usable

    def _usable_resources(self) -> dict[str, SharedResource]:
        usable: dict[str, SharedResource] = {}
        for name, resource in self.settings.shared_resources.items():
            path = f"sharedResources.{name}.{{}} in the operator's settings"
            problem = resource_problem(resource, self.identity_labels, path)
            if problem is None:
                usable[name] = resource
            else:
                self.unusable_settings[name] = problem
        for name, found in self._checked.resources.items():
            problem = found.problem
            if name in self.settings.shared_resources and not self.settings.is_built_in(name):
                message = (
                    f"metadata.name: the operator's settings say what {name} is (sharedResources);"
                    " take it out there, or choose another name"
                )
                problem = NotUsable(UnusableReason.NAME_TAKEN, message)
            elif found.resource is not None:
                usable[name] = found.resource
            else:
                # Its author meant to replace the built-in one, which labels no longer mean then.
                usable.pop(name, None)
            if problem is not None:
                self.unusable[DefinitionKind.RESOURCE, name] = problem
        return {name: self._seen_from_here(each) for name, each in usable.items()}

    def _seen_from_here(self, resource: SharedResource) -> SharedResource:
        """One that names this cluster is like one that names none: clusters may share a file."""
        if resource.cluster is None or resource.cluster != self.own_cluster.name:
            return resource
        return resource.model_copy(update={"cluster": None})

    def _messages(self, kind: DefinitionKind) -> dict[str, str]:
        return {
            name: found.message
            for (of, name), found in self.unusable.items()
            if of is kind and found.reason is not UnusableReason.NAME_TAKEN
        }

    def custom_profile(self, name: str) -> CustomProfile | None:
        """A NetworkProfile with all that it extends; None: no usable one has that name."""
        return self._custom.get(name)

    def resource(self, name: str) -> SharedResource:
        """A shared resource; KeyError: there is none of that name."""
        return self._resources[name]

    def resource_data(self, name: str, value: str = WHOLE) -> dict[str, Any] | None:
        """A shared resource as templates see it; None if there is none of that name.

        Args:
            name: of the resource.
            value: of a grant: of a part of it, `podLabels` are those of that part.
        """
        data = self._resource_data.get(name)
        if data is None or value == WHOLE:
            return data
        return {**data, "podLabels": dict(self._resources[name].labels_of(value))}

    def resources_in(self, namespace: str) -> Sequence[str]:
        """The shared resources whose pods are in a namespace."""
        return self._by_home.get(namespace, ())

    def profile_body(self, profile: str, **variables: Any) -> Rendered:
        """The policy of a profile: the body, and its digest. It is shared: treat it as immutable.

        Args:
            profile: a known one.
            variables: those of a profile's template.

        Raises:
            RenderError: the profile's template cannot be rendered.
        """
        custom = self._custom.get(profile)
        if custom is None:
            return self.renderer.body(f"profiles/{profile}", Kind.CNP, **variables)
        memo = (profile, json.dumps(variables, sort_keys=True))
        known = self._composed.get(memo)
        if known is None:
            base, _ = self.renderer.body(f"profiles/{custom.template}", Kind.CNP, **variables)
            ingress, egress = list(custom.ingress), list(custom.egress)
            if variables["meshed"]:
                ingress += through_tunnel(custom.ingress, "ingress", self.settings.mesh)
                egress += through_tunnel(custom.egress, "egress", self.settings.mesh)
            if names_need_dns(custom.egress):
                egress += dns_for_names(self.settings.dns)
            body = compose(base, ingress, egress)
            known = self._composed[memo] = (body, digest_of(body))
        return known

    def needs_layer_7(self, profile: str) -> bool:
        """Whether rules of a NetworkProfile are about DNS names or HTTP requests."""
        custom = self._custom.get(profile)
        if custom is None:
            return False
        ports = (
            port for rule in custom.ingress + custom.egress for port in rule.get("toPorts") or ()
        )
        return names_need_dns(custom.egress) or any(port.get("rules") for port in ports)

    def template_of(self, profile: str) -> str:
        """The template that a known profile stands on: itself, or what it extends in the end."""
        custom = self._custom.get(profile)
        return profile if custom is None else custom.template

    def gateways_of(self, template: str) -> frozenset[str]:
        """The gateways that a profile's template lets in, as it says.

        Raises:
            RenderError: the template cannot be rendered.
        """
        known = self._gateways_of.get(template)
        if known is None:
            body, _ = self.renderer.body(f"profiles/{template}", Kind.CNP, **_PLAIN)
            rules = body.get("specs") or [body["spec"]]
            ingress = [item for rule in rules for item in rule.get("ingress") or ()]
            known = gateways_named(ingress, self.settings.gateways)
            self._gateways_of[template] = known
        return known

    def _reaches_internet(self, template: str) -> bool:
        """A profile's template opens the internet, on ports that an annotation may list."""
        try:
            _, opened = self.renderer.body(f"profiles/{template}", Kind.CNP, **_PLAIN)
            variables = {**_PLAIN, "internet_ports": None}
            _, closed = self.renderer.body(f"profiles/{template}", Kind.CNP, **variables)
        except RenderError:
            return False  # `Planner.check` says which template is wrong, before anything is done
        return opened != closed

    def gateways_named_by(self, profile: str) -> frozenset[str]:
        """The gateways that rules of a NetworkProfile's own name, and open TCP for."""
        custom = self._custom.get(profile)
        rules = [rule for rule in custom.ingress if opens_tcp(rule)] if custom is not None else []
        return gateways_named(rules, self.settings.gateways)


def _words(resource: SharedResource) -> ResourceWords:
    allow_from = resource.allow_from
    return ResourceWords(
        allow_from=None if allow_from is None else allow_from.as_label_selector(),
        values=frozenset() if resource.value_label is None else None,
        whole=resource.allow_all,
    )


def _directories(settings: Settings) -> list[Path]:
    directories = [data_folder("templates")]
    if settings.templates is not None:
        if not settings.templates.is_dir():
            raise RenderError(f"templates: {settings.templates} is not a directory")
        directories.insert(0, settings.templates)
    return directories


def _globals(settings: Settings) -> dict[str, Any]:
    """The settings as templates see them; peers in Cilium's words, see `peers_data`."""
    data = settings.model_dump(mode="json", by_alias=True)
    gateways, dns, mesh = settings.gateways, settings.dns, settings.mesh
    return {
        "domain": settings.label_domain,
        "gateways": {
            **{which: [peers_data([peer]) for peer in gateways.of(which)] for which in GATEWAYS},
            "ports": data["gateways"]["ports"],
        },
        "dns": {**data["dns"], "servers": peers_data(dns.servers)},
        "dns_for_names": dns_for_names(dns),
        "internet": {**data["internet"], "networks": settings.internet.networks},
        "lan": data["lan"],
        "scrapers": [
            {"peers": peers_data([each]), "ports": list(each.ports)} for each in settings.scrapers
        ],
        "probes": peers_data(settings.probes),
        "apiServer": peers_data(settings.api_server),
        "mesh": {
            **data["mesh"],
            "ztunnel": peers_data(mesh.ztunnel),
            "waypoints": peers_data(mesh.waypoints),
        },
    }
