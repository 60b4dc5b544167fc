"""What there is to render: the profiles, shared resources and baselines of one set of settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from homelab_netpol.intent import Vocabulary
from homelab_netpol.policy.objects import GATEWAYS, Kind
from homelab_netpol.policy.rendering import Renderer, RenderError
from homelab_netpol.settings import DefaultDeny, Settings, SharedResource

_PROFILE_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

# The vocabulary: pods of one namespace reach each other in every profile except this one.
_WITHOUT_INTRA_NAMESPACE = frozenset({"isolated"})

KUBE_API = "kube-api"
_BASELINES = (
    "baseline-dns-egress",
    "baseline-health-probes",
    "baseline-prometheus-scrape",
    "baseline-kube-api-access",
    "baseline-hbone-mesh",
)
_NAMESPACE_KEY = "k8s:io.kubernetes.pod.namespace"


class Catalogue:
    """Everything that settings and templates define, read once at the start.

    Attributes:
        settings: the settings it was made from.
        vocabulary: the words that labels may use.
        renderer: of the templates.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the templates' names.

        Raises:
            RenderError: a template directory is missing, or a template's name is no profile's.
        """
        directories = [builtin_templates()]
        if settings.templates is not None:
            if not settings.templates.is_dir():
                raise RenderError(f"templates: {settings.templates} is not a directory")
            directories.insert(0, settings.templates)
        self.settings = settings
        self.renderer = Renderer(directories, _globals(settings))
        self.vocabulary = Vocabulary(
            domain=settings.label_domain,
            profiles={
                name: name not in _WITHOUT_INTRA_NAMESPACE
                for name in self.renderer.names("profiles")
            },
            resources=frozenset(settings.shared_resources),
            platform_namespaces=frozenset(settings.platform_namespaces),
            mesh_label=(settings.mesh.label, settings.mesh.value),
        )
        self._gateways_of: dict[str, frozenset[str]] = {}
        self._resource_data = {
            name: resource.model_dump(mode="json", by_alias=True)
            for name, resource in settings.shared_resources.items()
        }
        for name in self.vocabulary.profiles:
            if not _PROFILE_NAME.fullmatch(name):
                raise RenderError(
                    f"templates: {name!r} cannot be a profile's name, as it cannot be a label's"
                    " value: letters, digits, '-', '_' and '.', at most 63"
                )

    def resource(self, name: str) -> SharedResource:
        """A shared resource of the settings.

        Raises:
            KeyError: there is none of that name.
        """
        return self.settings.shared_resources[name]

    def resource_data(self, name: str) -> dict[str, Any] | None:
        """A shared resource as templates see it; None if there is none of that name."""
        return self._resource_data.get(name)

    def resources_in(self, namespace: str) -> list[str]:
        """The shared resources whose pods are in a namespace."""
        return [
            name
            for name, resource in self.settings.shared_resources.items()
            if resource.namespace == namespace
        ]

    def gateways_of(self, profile: str | None) -> frozenset[str]:
        """The gateways that a profile lets in, as its template says.

        Raises:
            RenderError: the profile's template cannot be rendered.
        """
        if profile is None:
            return frozenset()
        known = self._gateways_of.get(profile)
        if known is None:
            body, _ = self.renderer.body(
                f"profiles/{profile}",
                Kind.CNP,
                intra_namespace=False,
                gateway_ports=[],
                meshed=False,
            )
            rules = body.get("specs") or [body["spec"]]
            known = frozenset(
                which for which in GATEWAYS if any(self._lets_in(rule, which) for rule in rules)
            )
            self._gateways_of[profile] = known
        return known

    def _lets_in(self, rule: Mapping[str, Any], which: str) -> bool:
        gateways = self.settings.gateways
        value = gateways.internal if which == "internal" else gateways.external
        labels = {_NAMESPACE_KEY: gateways.namespace, f"k8s:{gateways.label}": value}
        return any(
            peer.get("matchLabels") == labels
            for item in rule.get("ingress") or ()
            for peer in item.get("fromEndpoints") or ()
        )

    def baselines(self) -> tuple[str, ...]:
        """Names of the clusterwide policies beside the hatch's."""
        kube_api = self.settings.shared_resources.get(KUBE_API)
        if kube_api is None or not kube_api.entities:
            return tuple(name for name in _BASELINES if name != "baseline-kube-api-access")
        return _BASELINES

    def selections(self) -> list[dict[str, Any]]:
        """For whom the baselines are, and where they switch on default deny.

        A bare `NotIn` would also select endpoints without a namespace, such as Cilium's own health
        endpoint; `Exists` keeps to Pods.
        """
        every_pod = {"key": _NAMESPACE_KEY, "operator": "Exists"}
        platform = sorted(self.settings.platform_namespaces)
        match self.settings.default_deny:
            case DefaultDeny.CLUSTER:
                return [_selection([every_pod], additive=False)]
            case DefaultDeny.LABELLED:
                return [_selection([every_pod], additive=True)]
            case DefaultDeny.WORKLOAD if not platform:
                return [_selection([every_pod], additive=False)]
            case DefaultDeny.WORKLOAD:
                outside = {"key": _NAMESPACE_KEY, "operator": "NotIn", "values": platform}
                inside = {"key": _NAMESPACE_KEY, "operator": "In", "values": platform}
                return [
                    _selection([every_pod, outside], additive=False),
                    _selection([inside], additive=True),
                ]


def builtin_templates() -> Path:
    """Where the shipped templates are: inside an installed package, or at the top of a checkout.

    Raises:
        RenderError: neither is there, so the installation is broken.
    """
    package = Path(str(resources.files("homelab_netpol")))
    for candidate in (package / "templates", package.parents[1] / "templates"):
        if (candidate / "rules.yaml.j2").is_file():
            return candidate
    raise RenderError(f"the built-in templates are missing from {package}; install it again")


def _selection(expressions: list[dict[str, Any]], *, additive: bool) -> dict[str, Any]:
    return {"selector": {"matchExpressions": expressions}, "additive": additive}


def _globals(settings: Settings) -> dict[str, Any]:
    data = settings.model_dump(mode="json", by_alias=True)
    names = ("gateways", "dns", "prometheus", "probes", "mesh")
    return {name: data[name] for name in names} | {"domain": settings.label_domain}
