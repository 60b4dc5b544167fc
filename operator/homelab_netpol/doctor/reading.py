"""Reads a cluster for the checks: the operator first, as its settings say where the rest is."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from homelab_netpol import __version__
from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.doctor_facts import (
    Facts,
    Listed,
    read_clocks,
    read_list,
    read_logs,
    read_many,
    read_one,
    read_pages,
    read_rights,
)
from homelab_netpol.doctor import installation as names
from homelab_netpol.doctor.check_crds import CRDS
from homelab_netpol.doctor.fields import name, namespace
from homelab_netpol.doctor.installation import DEFAULT_HOME, Installation, settings_volume
from homelab_netpol.doctor.needed_rights import essential, helpful, lease_place, reading
from homelab_netpol.findings.finding import name_labels
from homelab_netpol.manifests.kinds import NAMESPACE, NETWORK_PROFILE, SHARED_RESOURCE
from homelab_netpol.policy.keys import ISTIO_API_VERSION, ISTIO_KINDS
from homelab_netpol.settings import Settings, SettingsError, join_settings
from homelab_netpol.shapes import text, texts

_OWN = "/apis/network-policy.homelab/v1alpha1"
_CILIUM = "/apis/cilium.io/v2"
_LISTS = {
    NAMESPACE: "/api/v1/namespaces",
    CNP: f"{_CILIUM}/ciliumnetworkpolicies",
    CCNP: f"{_CILIUM}/ciliumclusterwidenetworkpolicies",
    NETWORK_PROFILE: f"{_OWN}/networkprofiles",
    SHARED_RESOURCE: f"{_OWN}/sharedresources",
}


async def read_installation(api: Api, given: Settings | None, home: str | None) -> Installation:
    """Reads all that checks judge by.

    Args:
        api: the cluster.
        given: the settings; None: those of the operator's own ConfigMap.
        home: the operator's namespace; None: where its Deployment is.

    Raises:
        ApiError: the API server does not say its version.
    """
    facts = Facts(api.server)
    facts.version, facts.clocks = await read_clocks(api)
    facts.lists[names.DEPLOYMENT] = await _deployments(api, home)
    deployment = facts.of(names.DEPLOYMENT).first
    home = home or namespace(deployment) or DEFAULT_HOME
    settings, settings_from, problem = given, names.FROM_OPTION, ""
    if settings is None:
        settings, settings_from, problem = await _settings(facts, api, home)
    await _read_objects(facts, api, settings, home)
    account = text(deployment, "spec", "template", "spec", "serviceAccountName") or DEFAULT_HOME
    await read_rights(
        facts,
        api,
        reading(settings, home),
        [*essential(settings, home), *helpful(settings)],
        f"system:serviceaccount:{home}:{account}",
    )
    await read_pages(facts, api, facts.of(names.POD).items, settings.server.port)
    now = datetime.now(UTC)
    return Installation(facts, settings, settings_from, problem, home, __version__, now)


async def read_for_bundle(found: Installation, api: Api) -> None:
    """Reads what only a bug report needs: logs, Events, and the names that it must not show."""
    facts = found.facts
    await read_logs(facts, api, facts.of(names.POD).items)
    reason = "reportingComponent=homelab-netpol"
    facts.lists[names.EVENT] = await read_list(api, "/api/v1/events", fields=reason)
    facts.lists[names.NODE] = await read_list(api, "/api/v1/nodes")
    for kind in ("pods", "services"):
        facts.lists[kind] = await read_list(api, f"/api/v1/{kind}", metadata_only=True)


async def _deployments(api: Api, home: str | None) -> Listed:
    selector = name_labels(names.OPERATOR_LABELS)
    within = f"/namespaces/{quote(home)}" if home else ""
    found = await read_list(api, f"/apis/apps/v1{within}/deployments", selector=selector)
    if found.refused and home is None:
        path = f"/apis/apps/v1/namespaces/{DEFAULT_HOME}/deployments"
        return await read_list(api, path, selector=selector)
    return found


async def _settings(facts: Facts, api: Api, home: str) -> tuple[Settings, str, str]:
    deployment = facts.of(names.DEPLOYMENT).first
    config_map = settings_volume(deployment) if deployment is not None else None
    if config_map is None:
        return Settings(), "", ""
    path = f"/api/v1/namespaces/{quote(home)}/configmaps/{quote(config_map)}"
    found = facts.lists[names.OPERATOR_CONFIG] = await read_one(api, path)
    where = f"the ConfigMap {home}/{config_map}"
    if found.first is None:
        return Settings(), "", where if found.refused else f"{where}: it is not there"
    try:
        return join_settings(sorted(texts(found.first, "data").items()), where), where, ""
    except SettingsError as error:
        return Settings(), "", f"{where}: {error}"


async def _read_objects(facts: Facts, api: Api, settings: Settings, home: str) -> None:
    core = "/api/v1/namespaces"
    cilium = settings.cilium
    for kind, path in _LISTS.items():
        facts.lists[kind] = _with_kind(kind, await read_list(api, path))
    if settings.mesh.writes_istio:
        for each in ISTIO_KINDS:
            path = f"/apis/{ISTIO_API_VERSION}/{each.plural}"
            facts.lists[each.value] = _with_kind(each.value, await read_list(api, path))
    pods = {
        names.POD: (home, names.OPERATOR_LABELS),
        names.AGENT: (cilium.namespace, cilium.agent_labels),
    }
    for what, (place, labels) in pods.items():
        path = f"{core}/{quote(place)}/pods"
        facts.lists[what] = await read_list(api, path, selector=name_labels(labels))
    lease_home, lease = lease_place(settings, home)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(lease_home)}/leases/{quote(lease)}"
    facts.lists[names.LEASE] = await read_one(api, path)
    path = f"{core}/{quote(cilium.namespace)}/configmaps/{quote(cilium.config_map)}"
    facts.lists[names.CILIUM_CONFIG] = await read_one(api, path)
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    facts.lists[names.CRD] = await read_many(api, crds, CRDS)


def _with_kind(kind: str, found: Listed) -> Listed:
    """Items of a list name no kind."""
    items = [{**each, "kind": kind} for each in found.items if name(each)]
    return Listed(items, found.refused, found.absent)
