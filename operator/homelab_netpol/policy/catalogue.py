"""What is defined now, and can be rendered: profiles and shared resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.own_cluster import OwnCluster
from homelab_netpol.definitions import (
    CustomProfile,
    DefinitionKind,
    Definitions,
    NotUsable,
    UnusableReason,
    resource_problem,
    usable_with,
)
from homelab_netpol.intent import WHOLE, ResourceWords, Vocabulary
from homelab_netpol.policy.profiles import Profiles, profile_templates
from homelab_netpol.policy.rendering import Renderer
from homelab_netpol.policy.template_globals import template_directories, template_globals
from homelab_netpol.settings import Settings, SharedResource

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
        profiles: those that there are.
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
        self.renderer = renderer or Renderer(
            template_directories(settings), template_globals(settings)
        )
        self._own_namespace = own_namespace
        self.unusable: dict[tuple[DefinitionKind, str], NotUsable] = {}
        self.unusable_settings: dict[str, NotUsable] = {}
        templates = profile_templates(self.renderer)
        custom = self._usable_profiles(templates)
        self.profiles = Profiles(self.renderer, settings, templates, custom)
        self._resources = self._usable_resources()
        self._by_home: defaultdict[str | None, list[str]] = defaultdict(list)
        for name, resource in self._resources.items():
            self._by_home[resource.home].append(name)
        self._resource_data = {
            name: resource.model_dump(mode="json", by_alias=True)
            for name, resource in self._resources.items()
        }
        own = () if own_namespace is None else (own_namespace,)
        patterns = [each for each in settings.platform_namespaces if "*" in each]
        names = [each for each in settings.platform_namespaces if "*" not in each]
        self.vocabulary = Vocabulary(
            domain=settings.label_domain,
            profiles=self.profiles.defaults,
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
            internet_profiles=self.profiles.reaching_internet(),
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
        old, new = before.profiles.custom, self.profiles.custom
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


def _words(resource: SharedResource) -> ResourceWords:
    allow_from = resource.allow_from
    return ResourceWords(
        allow_from=None if allow_from is None else allow_from.as_label_selector(),
        values=frozenset() if resource.value_label is None else None,
        whole=resource.allow_all,
    )
