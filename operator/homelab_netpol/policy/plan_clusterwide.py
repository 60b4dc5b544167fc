"""Which clusterwide policies should stand: the baselines, and the hatch's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.cilium.terms import NAMESPACE_LABELS_PREFIX, SOURCE_K8S
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import KUBE_API, Catalogue
from homelab_netpol.policy.default_deny import NAMESPACE_LABEL
from homelab_netpol.policy.keys import CLUSTERWIDE_HATCH, Component, Kind, PolicyKey
from homelab_netpol.policy.notes import (
    ExpiredHatch,
    closed_text,
    expired_text,
    platform_labels_text,
)
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.peers import EVERY_POD, in_mesh, peers_data
from homelab_netpol.policy.plan_companions import companion_policies
from homelab_netpol.settings import DefaultDeny

# It notes which Namespaces are the platform's by their labels; all baselines would say the same.
NOTING_BASELINE = "baseline-dns-egress"
_KUBE_API_ACCESS = "baseline-kube-api-access"
_SCRAPE = "baseline-prometheus-scrape"
BASELINES = (
    NOTING_BASELINE,
    "baseline-health-probes",
    _SCRAPE,
    _KUBE_API_ACCESS,
    "baseline-hbone-mesh",
)


@dataclass(frozen=True, slots=True)
class PlatformNamespaces:
    """The platform Namespaces that there are, beside those that the settings name.

    Attributes:
        names: all that default deny is to spare now.
        denied: those of them in which a profile still denies; companions go with it, not before.
        by_label: those whose own label makes them one, with their uids.
    """

    names: Collection[str] = ()
    denied: Collection[str] = ()
    by_label: Mapping[str, str] = field(default_factory=dict)


NO_OTHERS = PlatformNamespaces()


def clusterwide_policies(
    catalogue: Catalogue,
    builder: PolicyBuilder,
    scope: DefaultDeny,
    expired: Mapping[str, ExpiredHatch],
    platform: PlatformNamespaces,
    closed: Collection[str] = (),
) -> list[Policy]:
    """The hatch's clusterwide policy, and the baselines.

    Args:
        catalogue: what is defined.
        builder: of policies.
        scope: where the baselines switch on default deny; not `auto`.
        expired: the hatches that have closed by themselves, by Namespace.
        platform: the platform Namespaces.
        closed: the Namespaces whose hatch closed a moment ago, as identities may not say yet.

    Raises:
        RenderError: a template cannot be rendered.
    """
    hatch = builder.render(
        CLUSTERWIDE_HATCH,
        Component.HATCH,
        f"hatch/{CLUSTERWIDE_HATCH.name}",
        annotations={
            builder.keys.expired_hatches: expired_text(expired),
            builder.keys.closed_hatches: closed_text(closed),
        },
        expired=sorted({*expired, *closed}),
    )
    variables: dict[str, Any] = {
        "selections": _selections(catalogue, scope, platform.names),
        "kube_api": catalogue.resource_data(KUBE_API),
        "scrapers_in_mesh": _scrapers_in_mesh(catalogue),
    }
    noted = {builder.keys.platform_labels: platform_labels_text(platform.by_label)}
    baselines = [
        builder.render(
            PolicyKey(Kind.CCNP, "", name),
            Component.BASELINE,
            f"baselines/{name}",
            annotations=noted if name == NOTING_BASELINE else None,
            **variables,
        )
        for name in BASELINES
        if _is_wanted(name, catalogue)
    ]
    companions = companion_policies(
        catalogue.settings.companions,
        builder,
        catalogue.settings.mesh,
        _outside_platform(catalogue, frozenset(platform.names).difference(platform.denied)),
    )
    return [hatch, *baselines, *companions]


def _scrapers_in_mesh(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Pods of meshed namespaces that scrape by certain ports: their requests use the tunnel's."""
    settings = catalogue.settings
    listing = [each for each in settings.scrapers if each.ports]
    return [in_mesh(pods, settings.mesh) for pods in peers_data(listing)["endpoints"]]


def _is_wanted(name: str, catalogue: Catalogue) -> bool:
    if name == _SCRAPE:
        return bool(catalogue.settings.scrapers)
    return name != _KUBE_API_ACCESS or _has_kube_api_baseline(catalogue)


def _has_kube_api_baseline(catalogue: Catalogue) -> bool:
    """Access by a label alone refuses no Namespace; names and networks are no part of it."""
    if KUBE_API not in catalogue.vocabulary.resources:
        return False
    kube_api = catalogue.resource(KUBE_API)
    return bool(kube_api.entities) and kube_api.allow_from is None


def _selections(
    catalogue: Catalogue, scope: DefaultDeny, platform: Collection[str]
) -> list[dict[str, Any]]:
    """For which pods the baselines are, and where they switch on default deny.

    What they allow is allowed to every pod, whatever the scope, so that no change of it denies
    anything in between. A bare `NotIn` would also select endpoints without a namespace, such as
    Cilium's own health endpoint; `Exists` keeps to Pods.

    Cilium knows no patterns: platform namespaces are left out by name, at once when one comes. One
    that is made with the platform's label needs no exception: its pods have it in their identities
    from the start. Taken away, it counts until Cilium has learned that, up to 36 s; nothing is
    wider then than before (decision 15).
    """
    words = catalogue.vocabulary
    governed: list[dict[str, Any]] = [EVERY_POD]
    match scope:
        case DefaultDeny.LABELLED:
            return [_selection([EVERY_POD], additive=True)]
        case DefaultDeny.CLUSTER:
            if words.own_namespace is None:
                return [_selection([EVERY_POD], additive=False)]
            governed.append(_outside(NAMESPACE_LABEL, [words.own_namespace]))
        case _:
            governed += _outside_platform(catalogue, platform)
    return [_selection([EVERY_POD], additive=True), _selection(governed, additive=False)]


def _outside_platform(catalogue: Catalogue, platform: Collection[str]) -> list[dict[str, Any]]:
    """What keeps a selector out of platform namespaces: by their names, and by the label."""
    words = catalogue.vocabulary
    spared = sorted({*words.platform_namespaces, *platform})
    label = f"{SOURCE_K8S}:{NAMESPACE_LABELS_PREFIX}{words.platform_key}"
    by_name = [_outside(NAMESPACE_LABEL, spared)] if spared else []
    return [*by_name, _outside(label, ["true"])]


def _outside(key: str, values: list[str]) -> dict[str, Any]:
    return {"key": key, "operator": "NotIn", "values": values}


def _selection(expressions: list[dict[str, Any]], *, additive: bool) -> dict[str, Any]:
    return {"selector": {"matchExpressions": expressions}, "additive": additive}
