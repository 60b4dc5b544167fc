"""Reads what a command was given: settings, manifests or a cluster; and works out what follows.

Errors end the command with the status that `cli/status.py` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from homelab_netpol.cli.options import ClusterOptions, InputOptions
from homelab_netpol.cli.status import ClusterError, InputError

if TYPE_CHECKING:
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cluster.client import Api
    from homelab_netpol.manifests import ManifestSet
    from homelab_netpol.policy.desired import DesiredState
    from homelab_netpol.settings import Settings

Result = TypeVar("Result")

_TIMEOUT_SECONDS = 30.0


def read_settings(config: Path | None) -> Settings:
    """The settings; None: the defaults.

    Raises:
        InputError: they cannot be used.
    """
    from homelab_netpol.settings import SettingsError, load_settings

    try:
        return load_settings(config)
    except SettingsError as error:
        raise InputError(str(error)) from error


def ask_cluster(options: ClusterOptions, question: Callable[[Api], Awaitable[Result]]) -> Result:
    """Asks a cluster something.

    Raises:
        ClusterError: it cannot be reached, or did not answer.
    """
    from homelab_netpol.cluster.client import Api
    from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
    from homelab_netpol.cluster.errors import ApiError

    async def ask() -> Result:
        access = ClusterAccess(options.kubeconfig, options.context)
        async with await Api.connect(access, request_timeout=_TIMEOUT_SECONDS) as api:
            return await question(api)

    try:
        return asyncio.run(ask())
    except (ConnectionFailed, ApiError) as error:
        raise ClusterError(str(error)) from error


def read_manifests(
    inputs: InputOptions,
    kinds: Collection[str] | None = None,
    config_maps: Collection[tuple[str, str]] = (),
    *,
    calico: bool = False,
) -> ManifestSet:
    """The objects that are given: files, or a cluster's.

    What was left out is said on standard error.

    Args:
        inputs: where from.
        kinds: which of a cluster's; None: those that verdicts depend on.
        config_maps: of a cluster, by namespace and name.
        calico: of a cluster, Calico's policies as well.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.manifests import ManifestError, gather

    if not inputs.from_cluster:
        try:
            found = gather(
                inputs.files,
                inputs.kustomizations,
                exclude=inputs.exclude,
                namespace=inputs.namespace or "",
            )
        except ManifestError as error:
            raise InputError(str(error)) from error
    else:
        from homelab_netpol.cluster.manifests import FOR_VERDICTS, read_cluster

        wanted = FOR_VERDICTS if kinds is None else kinds
        found = ask_cluster(
            inputs.cluster,
            lambda api: read_cluster(api, wanted, calico=calico, config_maps=config_maps),
        )
    skipped = found.summary_of_skipped()
    if skipped:
        remark(skipped)
    for gap in found.gaps:
        remark(gap)
    return found


def desired_state_of(
    settings: Settings,
    manifests: ManifestSet,
    now: datetime | None = None,
    after: DesiredState | None = None,
) -> DesiredState:
    """What the operator would do with what is given.

    Args:
        settings: the settings.
        manifests: the objects.
        now: the time by which hatches close by themselves; None: this moment.
        after: what it has done before, of which stays what a label that cannot be understood was
            about.

    Raises:
        InputError: a template cannot be rendered.
    """
    from homelab_netpol.definitions import Definitions, read_profile, read_resource
    from homelab_netpol.manifests import kinds
    from homelab_netpol.policy.applied import applied
    from homelab_netpol.policy.catalogue import Catalogue
    from homelab_netpol.policy.desired import desired_state
    from homelab_netpol.policy.rendering import RenderError

    profiles = [read_profile(each.data) for each in manifests.of(kinds.NETWORK_PROFILE)]
    resources = [read_resource(each.data) for each in manifests.of(kinds.SHARED_RESOURCE)]
    definitions = Definitions(
        {each.name: each for each in profiles}, {each.name: each for each in resources}
    )
    known = after.catalogue if after is not None else None
    renderer = known.renderer if known is not None and known.settings == settings else None
    last_good = {} if after is None else {n: applied(each) for n, each in after.intents.items()}
    try:
        catalogue = Catalogue(settings, definitions, renderer=renderer)
        return desired_state(
            catalogue, manifests.namespaces(), now or datetime.now(UTC), last_good=last_good
        )
    except RenderError as error:
        raise InputError(str(error)) from error


def read_model(inputs: InputOptions, config: Path | None) -> ClusterModel:
    """The cluster that is given, with the policies that the operator has or would have in it.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cilium.agent_config import read_agent_config
    from homelab_netpol.manifests import ManifestError

    settings = read_settings(config)
    where = (settings.cilium.namespace, settings.cilium.config_map)
    manifests = read_manifests(inputs, config_maps=[where])
    desired = desired_state_of(settings, manifests)
    given = manifests.get("ConfigMap", where[1], where[0])
    agents = read_agent_config(given.data.get("data") or {}) if given is not None else None
    model = ClusterModel(manifests, desired, agents)
    try:
        model.workloads  # noqa: B018  # what cannot be read of it is said now, not half-way
    except ManifestError as error:
        raise InputError(str(error)) from error
    return model


def remark(text: str) -> None:
    """Says something beside the result."""
    click.echo(f"Note: {text}", err=True)
