"""Keeps the status of custom resources true, and what admission policies compare labels with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import LiveDefinition
from homelab_netpol.cluster.errors import NotFound
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.definitions.status import (
    RejectedPolicy,
    profile_status,
    resource_status,
    with_times,
)
from homelab_netpol.intent.platform import regex_of
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.reporting.reporter import Reporter


class Statuses:
    """Writes statuses, one custom resource at a time."""

    def __init__(self, cache: ClusterCache, resources: Resources, reporter: Reporter) -> None:
        self._cache = cache
        self._resources = resources
        self._reporter = reporter

    async def keep(self, kind: DefinitionKind, name: str) -> int:
        """Makes the status of one custom resource true.

        Returns:
            How many statuses were written, 0 or 1.

        Raises:
            ApiError: the server did not take it.
        """
        live = self._cache.definitions.get(kind, name)
        if live is None:
            # Which may be there again under the name of a template or of a setting.
            catalogue = self._cache.catalogue
            known = catalogue.vocabulary
            still = {
                DefinitionKind.PROFILE: known.profiles,
                DefinitionKind.RESOURCE: {*known.resources, *catalogue.unusable_settings},
            }[kind]
            users = 0 if name in still else len(self._users(kind, name))
            self._reporter.definitions.gone(kind, name, users)
            return 0
        problem = self._cache.catalogue.unusable.get((kind, name))
        self._reporter.definitions.usable(kind, name, live.uid, problem)
        status = with_times(self._wanted(kind, live), live.status, datetime.now(UTC))
        if status is None:
            return 0
        try:
            await self._resources.write_status(kind, name, live.uid, status)
        except NotFound:
            return 0
        return 1

    async def keep_vocabulary(self) -> int:
        """Makes the ConfigMap of the admission policies list the words that labels may use now.

        Returns:
            How many objects were written, 0 or 1.

        Raises:
            ApiError: the server did not take it.
        """
        words, where = self._cache.catalogue.vocabulary, self._cache.catalogue.settings.admission
        grantable = words.grantable()
        data = {
            "profiles": ",".join(sorted(words.profiles)),
            "resources": ",".join(sorted(grantable)),
            "accessValues": ",".join(
                f"{name}={value}"
                for name, of_resource in sorted(grantable.items())
                for value in of_resource.listed()
            ),
            "platformNamespaces": ",".join(sorted(words.platform_namespaces)),
            # One regular expression for all patterns; none matches no name.
            "platformPattern": "|".join(f"^{regex_of(each)}$" for each in words.platform_patterns),
        }
        return int(await self._resources.keep_config_map(where.namespace, where.name, data))

    def _wanted(self, kind: DefinitionKind, live: LiveDefinition) -> dict[str, Any]:
        name = live.definition.name
        problem = self._cache.catalogue.unusable.get((kind, name))
        users = self._users(kind, name)
        if kind is DefinitionKind.PROFILE:
            return profile_status(live.definition, problem, users, self._rejected(users))
        refused = self._cache.intents.refused(name)
        return resource_status(live.definition, problem, users, refused)

    def _users(self, kind: DefinitionKind, name: str) -> list[str]:
        if kind is DefinitionKind.PROFILE:
            return self._cache.profile_users(name)
        return self._cache.intents.using_resource(name)

    def _rejected(self, namespaces: list[str]) -> list[RejectedPolicy]:
        found = []
        for namespace in namespaces:
            key = PolicyKey(Kind.CNP, namespace, policy_name(Component.PROFILE))
            policy = self._cache.policies.get(key)
            if policy is not None and policy.rejected:
                found.append(RejectedPolicy(namespace, policy.rejected))
        return found
