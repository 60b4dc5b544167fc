"""Options that several commands have, each named and explained once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from homelab_netpol.cli.complete_names import complete_namespaces

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)
# Thousands of manifests stay until a command ends.
_YOUNG_OBJECTS = 50_000


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster: a kubeconfig and one of its contexts; None: as kubectl would take it."""

    kubeconfig: Path | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Where the objects come from: files and kustomizations; neither: a cluster.

    Attributes:
        files: files, folders, `-`, `git:REV[:PATH]`.
        kustomizations: folders.
        exclude: patterns of files that are left out.
        namespace: of objects that name none; None: `default`.
        cluster: which cluster.
    """

    files: tuple[str, ...] = ()
    kustomizations: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    namespace: str | None = None
    cluster: ClusterOptions = ClusterOptions()

    @property
    def from_cluster(self) -> bool:
        """Neither files nor kustomizations are given."""
        return not self.files and not self.kustomizations


def complete_files(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Has the shell complete file names, where the type of an option does not say so."""
    return [CompletionItem(typed, type="file")]


def config_option(command: Command) -> Command:
    """Adds `--config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="The operator's settings: a file, or a folder whose *.yaml are joined. Without it,"
        " the defaults.",
    )(command)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--kubeconfig` and `--context`; the command gets `cluster`, a ClusterOptions."""

    @click.option(
        "--kubeconfig",
        type=_FILE,
        help="Which cluster. Without it, KUBECONFIG, ~/.kube/config, or the Pod's service account.",
    )
    @click.option("--context", help="A context of the kubeconfig. Without it, the current one.")
    @wraps(command)
    def wrapped(*args: Any, kubeconfig: Path | None, context: str | None, **kwargs: Any) -> Any:
        return command(*args, cluster=ClusterOptions(kubeconfig, context), **kwargs)

    return wrapped


def exclude_option(command: Command) -> Command:
    """Adds `--exclude`."""
    return click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Leave out files below a folder, by a pattern such as 'charts/*'.",
    )(command)


def input_options(
    *, one_namespace: bool = False, cluster: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds where objects come from; the command gets `inputs`, an InputOptions.

    Args:
        one_namespace: the command is about the Namespace of `-n`, if there is one.
        cluster: where no manifests are given, it reads a cluster.
    """
    of_manifests = "also of manifests that name none."
    namespace_help = (
        f"The Namespace that is meant; {of_manifests}"
        if one_namespace
        else "The Namespace of manifests that name none."
    )
    files_help = (
        "Manifests: a file, a folder with all below it, standard input, or either as it is in"
        " a git revision. May be given more than once."
    )
    if cluster:
        files_help += " Where no manifests are given, the cluster is read."

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--filename",
            "-f",
            "files",
            multiple=True,
            metavar="FILE|DIR|-|git:REV[:PATH]",
            shell_complete=complete_files,
            help=files_help,
        )
        @click.option(
            "--kustomize",
            "-k",
            "kustomizations",
            multiple=True,
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="What a kustomization builds. May be given more than once.",
        )
        @exclude_option
        @click.option(
            "--namespace",
            "-n",
            metavar="NAMESPACE",
            shell_complete=complete_namespaces,
            help=namespace_help,
        )
        @(cluster_options if cluster else _without_cluster)
        @wraps(command)
        def wrapped(
            *args: Any,
            files: tuple[str, ...],
            kustomizations: tuple[Path, ...],
            exclude: tuple[str, ...],
            namespace: str | None,
            cluster: ClusterOptions,
            **kwargs: Any,
        ) -> Any:
            from homelab_netpol.garbage import young_garbage_only

            inputs = InputOptions(files, kustomizations, exclude, namespace, cluster)
            with young_garbage_only(_YOUNG_OBJECTS):
                return command(*args, inputs=inputs, **kwargs)

        return wrapped

    return decorate


def _without_cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return command(*args, cluster=ClusterOptions(), **kwargs)

    return wrapped


def output_option(*formats: str) -> Callable[[Command], Command]:
    """Adds `--output`, of which the first format is the default."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Format of the result. Remarks and errors go to standard error.",
    )
