"""Reads what a command was given: settings, manifests or a cluster; and works out what follows.

Errors end the command with the status that `cli/status.py` says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from homelab_netpol.cli.options import ClusterOptions, InputOptions
from homelab_netpol.cli.status import ClusterError, InputError
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cilium.agent_config import AgentConfig
    from homelab_netpol.cluster.client import Api
    from homelab_netpol.manifests import Manifest, ManifestSet
    from homelab_netpol.policy.catalogue import Catalogue
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
    import asyncio

    from homelab_netpol.cluster.client import Api
    from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
    from homelab_netpol.cluster.errors import ApiError
    from homelab_netpol.manifests import ManifestError

    async def ask() -> Result:
        access = ClusterAccess(options.kubeconfig, options.context)
        async with await Api.connect(access, request_timeout=_TIMEOUT_SECONDS) as api:
            return await question(api)

    try:
        return asyncio.run(ask())
    except (ConnectionFailed, ApiError) as error:
        raise ClusterError(str(error)) from error
    except (ManifestError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        # Whatever answers there is no API server, or the certificates of the kubeconfig are gone.
        raise ClusterError(
            f"the cluster cannot be read: {error or type(error).__name__}"
        ) from error


def read_manifests(
    inputs: InputOptions,
    kinds: Collection[str] | None = None,
    config_maps: Collection[tuple[str, str]] = (),
    *,
    more_kinds: Collection[str] = (),
    calico: bool = False,
    texts: dict[str, str] | None = None,
    keep_variants: bool = False,
    with_rbac: bool = False,
) -> ManifestSet:
    """The objects that are given: files, or a cluster's.

    What was left out is said on standard error.

    Args:
        inputs: where from.
        kinds: which of a cluster's; None: those that verdicts depend on.
        config_maps: of a cluster, by namespace and name.
        more_kinds: of a cluster, beside `kinds`.
        calico: of a cluster, Calico's policies as well.
        texts: gets what each file holds, by the name that sources have.
        keep_variants: of an object that files give twice, and differently, keep both.
        with_rbac: of files, roles and their bindings as well.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.manifests import ManifestError, gather
    from homelab_netpol.manifests.kinds import FOR_VERDICTS, NAMESPACE

    if not inputs.from_cluster:
        try:
            found = gather(
                inputs.files,
                inputs.kustomizations,
                exclude=inputs.exclude,
                namespace=inputs.namespace or "",
                texts=texts,
                keep_variants=keep_variants,
                with_rbac=with_rbac,
            )
        except ManifestError as error:
            raise InputError(str(error)) from error
    else:
        from homelab_netpol.cluster.manifests import read_cluster

        wanted = (*(FOR_VERDICTS if kinds is None else kinds), *more_kinds)
        found = ask_cluster(
            inputs.cluster,
            lambda api: read_cluster(api, wanted, calico=calico, config_maps=config_maps),
        )
    skipped = found.summary_of_skipped()
    if skipped:
        remark(skipped)
    if NAMESPACE in found.unread:
        raise ClusterError("\n".join([*found.gaps, "without Namespaces nothing can be said"]))
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

    Of a cluster, its own policies that stand say what was in force before, as they do to the
    operator.

    Args:
        settings: the settings.
        manifests: the objects.
        now: the time by which hatches close by themselves; None: this moment.
        after: what it has done before, of which stays what a label that cannot be understood was
            about; None: what stands says it.

    Raises:
        InputError: a template cannot be rendered.
    """
    from homelab_netpol.cache.standing import last_good_in
    from homelab_netpol.policy.desired import desired_state
    from homelab_netpol.policy.rendering import RenderError

    catalogue = catalogue_of(settings, manifests, agents_of(settings, manifests), after)
    namespaces, at = manifests.namespaces(), now or datetime.now(UTC)
    last_good = last_good_in(settings, manifests) if after is None else after.last_good
    try:
        return desired_state(catalogue, namespaces, at, last_good=last_good)
    except RenderError as error:
        raise InputError(str(error)) from error


def catalogue_of(
    settings: Settings,
    manifests: ManifestSet,
    agents: AgentConfig | None = None,
    after: DesiredState | None = None,
) -> Catalogue:
    """What labels may say, and what it means.

    Args:
        settings: the settings.
        manifests: the custom resources, among others.
        agents: how Cilium's agents are configured; None: by its defaults.
        after: another state: of the same settings, what is rendered for it need not be again.

    Raises:
        InputError: a template cannot be used.
    """
    from homelab_netpol.cilium.identity_labels import DEFAULT
    from homelab_netpol.cilium.own_cluster import own_cluster
    from homelab_netpol.definitions import Definitions, read_profile, read_resource
    from homelab_netpol.manifests import kinds
    from homelab_netpol.policy.catalogue import Catalogue
    from homelab_netpol.policy.rendering import RenderError

    profiles = [read_profile(_defined(each)) for each in manifests.of(kinds.NETWORK_PROFILE)]
    resources = [read_resource(_defined(each)) for each in manifests.of(kinds.SHARED_RESOURCE)]
    definitions = Definitions(
        {each.name: each for each in profiles}, {each.name: each for each in resources}
    )
    known = after.catalogue if after is not None else None
    try:
        return Catalogue(
            settings,
            definitions,
            renderer=known.renderer if known is not None and known.settings == settings else None,
            identity_labels=agents.identity_labels if agents is not None else DEFAULT,
            own_cluster=own_cluster(settings.cluster.name, agents, refused=False),
        )
    except RenderError as error:
        raise InputError(str(error)) from error


def agents_of(settings: Settings, manifests: ManifestSet) -> AgentConfig | None:
    """How Cilium's agents are configured; None: their ConfigMap is not given, or malformed."""
    from homelab_netpol.cilium.agent_config import read_agent_config

    given = manifests.get("ConfigMap", settings.cilium.config_map, settings.cilium.namespace)
    data = given.data.get("data") if given is not None else None
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        return None
    return read_agent_config(data)


def _defined(manifest: Manifest) -> dict[str, Any]:
    """A custom resource by its name and spec: the rest of its metadata may hold anything."""
    return {**manifest.data, "metadata": {"name": manifest.name}}


def read_model(
    inputs: InputOptions,
    config: Path | None,
    more_kinds: Collection[str] = (),
    *,
    calico: bool = False,
) -> ClusterModel:
    """The cluster that is given, with the policies that the operator has or would have in it.

    Args:
        inputs: where from.
        config: the operator's settings.
        more_kinds: of a cluster, beside those that verdicts depend on.
        calico: of a cluster, Calico's policies as well.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.manifests import ManifestError

    settings = read_settings(config)
    where = (settings.cilium.namespace, settings.cilium.config_map)
    manifests = read_manifests(inputs, config_maps=[where], more_kinds=more_kinds, calico=calico)
    desired = desired_state_of(settings, manifests)
    model = ClusterModel(manifests, desired, agents_of(settings, manifests))
    try:
        _ = model.workloads  # what cannot be read of it is said now, not half-way
    except ManifestError as error:
        raise InputError(str(error)) from error
    return model


def remark(text: str) -> None:
    """Says something beside the result."""
    for line in text.splitlines():
        click.echo(f"Note: {printable(line)}", err=True)
