"""Lints a text as the command does with a file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import TypedDict, Unpack

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cli.inputs import catalogue_of
from homelab_netpol.lint import Finding, Given, lint
from homelab_netpol.manifests import ManifestSet, parse_manifests
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings, parse_settings

FILE = "given.yaml"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@cache
def settings_of(text: str = "") -> Settings:
    """Settings by their file's text."""
    return parse_settings(text)


@cache
def plain_catalogue(settings: str) -> Catalogue:
    """What settings alone define; templates are read once."""
    return catalogue_of(settings_of(settings), ManifestSet())


class Known(TypedDict, total=False):
    """What is known beside a text; the settings are their file's text."""

    settings: str
    with_operator: bool
    from_cluster: bool
    config: AgentConfig
    select: Collection[str]


def findings(text: str, **known: Unpack[Known]) -> list[Finding]:
    """What is found in a text."""
    settings, config = known.get("settings", ""), known.get("config")
    manifests = ManifestSet()
    manifests.add(parse_manifests(text.encode(), FILE), keep_variants=True)
    own = config or any(manifests.of(kind) for kind in ("NetworkProfile", "SharedResource"))
    catalogue = (
        catalogue_of(settings_of(settings), manifests, config) if own else plain_catalogue(settings)
    )
    given = Given(
        manifests,
        catalogue,
        NOON,
        config=config,
        from_cluster=known.get("from_cluster", False),
        with_operator=known.get("with_operator", False),
    )
    return lint(given, {FILE: text}, select=known.get("select", ()))


def ids(text: str, **known: Unpack[Known]) -> set[str]:
    """The rules that find something in it."""
    return {each.rule.id for each in findings(text, **known)}
