"""Completes names that a cluster has: Namespaces, resources, profiles, the ends of `explain`.

A shell waits for it at every tab: it asks for a moment, and says nothing when there is no answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import click
from click.shell_completion import CompletionItem

_SECONDS = 2.0
# What FROM and TO of `explain` may be in every cluster.
_ENDS = (
    *("dns", "external", "health", "host", "ingress", "internal", "internet", "kube-apiserver"),
    *("lan", "prometheus", "remote-node", "svc/"),
)
_NAMESPACES = ("/api/v1/namespaces",)
_RESOURCES = ("/apis/network-policy.homelab/v1alpha1/sharedresources",)
_PROFILES = ("/apis/network-policy.homelab/v1alpha1/networkprofiles",)
_OWN_PROFILES = ("isolated", "internal", "internal-egress", "standard")
# What labels beside profiles and grants may say, as `diagnose --as` takes them.
_OTHER_LABELS = (
    *("enforcement=disabled", "intra-namespace=allow", "intra-namespace=deny", "webhooks=allow"),
)


def complete_namespaces(
    context: click.Context, _: click.Parameter, typed: str
) -> list[CompletionItem]:
    """The Namespaces of the cluster that is asked, unless files are."""
    return _items(_names(context, _NAMESPACES), typed)


def complete_ends(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Namespaces, shared resources, and the words for what is neither."""
    cluster = _names(context, (*_NAMESPACES, *_RESOURCES))
    return _items({*cluster, *_resources_of_settings(context), *_ENDS}, typed)


def complete_resources(
    context: click.Context, _: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Shared resources, of the settings and of the cluster."""
    return _items({*_names(context, _RESOURCES), *_resources_of_settings(context)}, typed)


def complete_labels(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """A list of labels such as `profile=internal,postgres`, of which the last is not finished."""
    before, comma, _last = typed.rpartition(",")
    profiles = {*_OWN_PROFILES, *_names(context, _PROFILES)}
    names = {
        *(f"profile={each}" for each in profiles),
        *_names(context, _RESOURCES),
        *_resources_of_settings(context),
        *_OTHER_LABELS,
    }
    return _items((f"{before}{comma}{each}" for each in names), typed)


def _items(names: Iterable[str], typed: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in sorted(names) if each.startswith(typed)]


def _names(context: click.Context, paths: Collection[str]) -> set[str]:
    given = context.params
    if given.get("files") or given.get("kustomizations"):
        return set()
    import asyncio
    import logging

    logging.disable(logging.CRITICAL)
    try:
        return asyncio.run(_ask(given.get("kubeconfig"), given.get("context"), paths))
    except Exception:
        # Whatever is wrong, the command itself will say it; a shell would print it over the line.
        return set()
    finally:
        logging.disable(logging.NOTSET)


async def _ask(kubeconfig: object, of_kubeconfig: str | None, paths: Collection[str]) -> set[str]:
    import asyncio
    import re
    from pathlib import Path

    from homelab_netpol.cluster.client import Api
    from homelab_netpol.cluster.connection import ClusterAccess
    from homelab_netpol.cluster.errors import Forbidden, NotFound

    # What a server answers goes to a terminal.
    is_name = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?").fullmatch
    access = ClusterAccess(Path(str(kubeconfig)) if kubeconfig else None, of_kubeconfig)
    found: set[str] = set()
    async with asyncio.timeout(_SECONDS):
        async with await Api.connect(access, request_timeout=_SECONDS) as api:
            for path in paths:
                try:
                    async for items, _ in api.pages(path, metadata_only=True):
                        names = (str(each["metadata"]["name"]) for each in items)
                        found.update(filter(is_name, names))
                except (Forbidden, NotFound):
                    continue
    return found


def _resources_of_settings(context: click.Context) -> set[str]:
    from homelab_netpol.settings import SettingsError, load_settings

    try:
        return set(load_settings(context.params.get("config")).shared_resources)
    except SettingsError:
        return set()
