"""Reads the two trees that are compared: files, git revisions, kustomizations, a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homelab_netpol.cli.inputs import desired_state_of, read_manifests, read_settings
from homelab_netpol.cli.options import ClusterOptions, InputOptions
from homelab_netpol.cli.status import InputError

if TYPE_CHECKING:
    from homelab_netpol.access.diff import Side
    from homelab_netpol.manifests import ManifestSet
    from homelab_netpol.settings import Settings

CLUSTER = "cluster"
GIT = "git:"
KUSTOMIZE = "kustomize:"
# A settings file is a page or two.
_MAX_FILES = 100
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tree:
    """One side, as the command line names it.

    Attributes:
        where: `cluster`, `git:REV[:PATH]`, `kustomize:DIR`, a file, a folder, or `-`.
        config: the operator's settings there: a file, a folder, or `git:REV:PATH`; None: defaults.
    """

    where: str
    config: str | None


def read_sides(
    before: Tree,
    after: Tree,
    *,
    exclude: tuple[str, ...] = (),
    namespace: str | None = None,
    cluster: ClusterOptions | None = None,
) -> tuple[Side, Side]:
    """Reads both.

    A tree beside a cluster stands for the cluster in which it is applied.

    Args:
        before: the first.
        after: the second.
        exclude: patterns of files that are left out.
        namespace: of objects that name none.
        cluster: which cluster, if one of them is it.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.access.diff import Side
    from homelab_netpol.access.diff.history import retained

    options = cluster or ClusterOptions()
    if before.where == after.where == CLUSTER:
        raise InputError("OLD and NEW are the same cluster; give a tree in place of one of them")
    settings = [_settings(each.config) for each in (before, after)]
    found = [_manifests(each.where, exclude, namespace, options) for each in (before, after)]
    on_cluster = [each.where == CLUSTER for each in (before, after)]
    if any(on_cluster):
        settings, found = _in_cluster(settings, found, on_cluster)
    moment = datetime.now(UTC)
    was = desired_state_of(settings[0], found[0], moment)
    first = Side(found[0], was, replace=any(on_cluster) and not on_cluster[0])
    now = desired_state_of(settings[1], found[1], moment, after=was)
    second = Side(
        found[1],
        now,
        replace=any(on_cluster) and not on_cluster[1],
        retained=() if on_cluster[1] else retained(first, now),
    )
    return first, second


def _manifests(
    where: str, exclude: tuple[str, ...], namespace: str | None, cluster: ClusterOptions
) -> ManifestSet:
    from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP, NETWORK_POLICY
    from homelab_netpol.manifests import kinds

    if where == CLUSTER:
        inputs = InputOptions(namespace=namespace, cluster=cluster)
    elif where.startswith(KUSTOMIZE):
        folder = Path(where.removeprefix(KUSTOMIZE))
        inputs = InputOptions((), (folder,), exclude, namespace)
    else:
        inputs = InputOptions((where,), (), exclude, namespace)
    policies = (CNP, CCNP, kinds.CIDR_GROUP, NETWORK_POLICY, CLUSTER_NETWORK_POLICY)
    own = (kinds.NAMESPACE, kinds.NETWORK_PROFILE, kinds.SHARED_RESOURCE)
    return read_manifests(inputs, (*own, *policies))


def _in_cluster(
    settings: list[Settings], found: list[ManifestSet], on_cluster: list[bool]
) -> tuple[list[Settings], list[ManifestSet]]:
    """The tree as applied to the cluster; and where default deny is, as the cluster has it now."""
    from homelab_netpol.access.diff.overlay import overlaid
    from homelab_netpol.cilium.terms import CCNP
    from homelab_netpol.policy.catalogue import Catalogue
    from homelab_netpol.policy.default_deny import namespaces_spared
    from homelab_netpol.policy.objects import is_managed
    from homelab_netpol.settings import DefaultDeny

    at = on_cluster.index(True)
    there = found[at]
    clusterwide = [each for each in there.of(CCNP) if is_managed(each.labels)]
    is_open = clusterwide and all(namespaces_spared(each.data) is None for each in clusterwide)
    made = [
        each.model_copy(update={"default_deny": DefaultDeny.LABELLED})
        if is_open and each.default_deny is DefaultDeny.AUTO
        else each
        for each in settings
    ]
    words = Catalogue(made[1 - at]).vocabulary
    both = list(found)
    both[1 - at] = overlaid(there, found[1 - at], words)
    return made, both


def _settings(config: str | None) -> Settings:
    if config is None or not config.startswith(GIT):
        return read_settings(None if config is None else Path(config))
    from homelab_netpol.manifests import ManifestError
    from homelab_netpol.manifests.programs import revision_files
    from homelab_netpol.settings import SettingsError, join_settings

    revision, _, path = config.removeprefix(GIT).partition(":")
    if not path:
        raise InputError(f"{config}: settings in git are git:REV:PATH")
    try:
        files = [
            (f"{GIT}{revision}:{name}", raw.decode("utf-8"))
            for name, raw in revision_files(revision, path, _MAX_FILES, _MAX_BYTES)
            if name.endswith((".yaml", ".yml"))
        ]
        if not files:
            raise InputError(f"{config}: holds no settings file (NAME.yaml)")
        return join_settings(files, config)
    except UnicodeDecodeError:
        raise InputError(f"{config}: not UTF-8 text") from None
    except (ManifestError, SettingsError) as error:
        raise InputError(str(error)) from error
