"""Which clusterwide policies should stand: the baselines, and the hatch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.terms import NAMESPACE_KEY, SOURCE_K8S
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import KUBE_API, Catalogue
from homelab_netpol.policy.keys import HATCH_CCNP, Component, Kind, PolicyKey
from homelab_netpol.policy.notes import ExpiredHatch, expired_text
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import DefaultDeny

_KUBE_API_ACCESS = "baseline-kube-api-access"
_SCRAPE = "baseline-prometheus-scrape"
_BASELINES = (
    "baseline-dns-egress",
    "baseline-health-probes",
    _SCRAPE,
    _KUBE_API_ACCESS,
    "baseline-hbone-mesh",
)
_NAMESPACE_LABEL = f"{SOURCE_K8S}:{NAMESPACE_KEY}"


def clusterwide_policies(
    catalogue: Catalogue, builder: PolicyBuilder, expired: Mapping[str, ExpiredHatch]
) -> list[Policy]:
    """The hatch's clusterwide policy, and the baselines.

    Args:
        catalogue: what is defined.
        builder: of policies.
        expired: the hatches that have closed by themselves, by Namespace.

    Raises:
        RenderError: a template cannot be rendered.
    """
    hatch = builder.render(
        PolicyKey(Kind.CCNP, "", HATCH_CCNP),
        Component.HATCH,
        f"hatch/{HATCH_CCNP}",
        annotations={builder.keys.expired_hatches: expired_text(expired)},
        expired=sorted(expired),
    )
    variables: dict[str, Any] = {
        "selections": _selections(catalogue),
        "kube_api": catalogue.resource_data(KUBE_API),
    }
    baselines = [
        builder.render(
            PolicyKey(Kind.CCNP, "", name), Component.BASELINE, f"baselines/{name}", **variables
        )
        for name in _BASELINES
        if _is_wanted(name, catalogue)
    ]
    return [hatch, *baselines]


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


def _selections(catalogue: Catalogue) -> list[dict[str, Any]]:
    """For which pods the baselines are, and where they switch on default deny.

    A bare `NotIn` would also select endpoints without a namespace, such as Cilium's own health
    endpoint; `Exists` keeps to Pods.
    """
    every_pod = {"key": _NAMESPACE_LABEL, "operator": "Exists"}
    match catalogue.settings.default_deny:
        case DefaultDeny.LABELLED:
            return [_selection([every_pod], additive=True)]
        case DefaultDeny.CLUSTER:
            own = catalogue.vocabulary.own_namespace
            spared = [] if own is None else [own]
        case DefaultDeny.WORKLOAD:
            spared = sorted(catalogue.vocabulary.platform_namespaces)
    if not spared:
        return [_selection([every_pod], additive=False)]
    outside = {"key": _NAMESPACE_LABEL, "operator": "NotIn", "values": spared}
    inside = {"key": _NAMESPACE_LABEL, "operator": "In", "values": spared}
    return [_selection([every_pod, outside], additive=False), _selection([inside], additive=True)]


def _selection(expressions: list[dict[str, Any]], *, additive: bool) -> dict[str, Any]:
    return {"selector": {"matchExpressions": expressions}, "additive": additive}
