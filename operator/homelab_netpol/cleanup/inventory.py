"""What a cleanup finds: the operator's policies, their lookalikes, and the Namespaces they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cilium.selectors import selects
from homelab_netpol.cilium.terms import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.cleanup.lease_watch import LeaseSeen, read_lease
from homelab_netpol.cleanup.ownership import ManagedPolicy, UnmanagedPolicy, classify
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.owned import OwnedObjects, Record
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.default_deny import has_default_deny, rule_sets
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.settings import Settings


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found.

    Attributes:
        managed: the operator's policies.
        unmanaged: policies that look like the operator's, and stay.
        records: what the operator keeps for itself.
        denied: the Namespaces in which the operator's policies deny what nothing allows.
        open_hatches: the Namespaces whose label opens the escape hatch.
        labelled: the Namespaces with any label of the vocabulary.
    """

    managed: list[ManagedPolicy]
    unmanaged: list[UnmanagedPolicy]
    records: list[Record]
    denied: list[str]
    open_hatches: list[str]
    labelled: list[str]


class InventoryReader:
    """Reads a cluster, with the settings that the operator ran with.

    The Lease is looked for in `namespace` if this account may not list Leases everywhere.
    """

    def __init__(self, api: Api, settings: Settings, namespace: str) -> None:
        self._objects = OwnedObjects(api)
        self._resources = Resources(api)
        self._settings = settings
        self._keys = LabelKeys(settings.label_domain)
        self._namespace = namespace

    async def inventory(self) -> Inventory:
        """Lists everything.

        Raises:
            ApiError: something could not be listed.
        """
        managed, unmanaged = await with_retries(self.policies)
        namespaces, _ = await with_retries(lambda: self._resources.namespaces(_name_and_labels))
        domain = self._settings.label_domain
        vocabulary = (f"{domain}/", f"access.{domain}/")
        hatch = f"{domain}/enforcement"
        return Inventory(
            managed=managed,
            unmanaged=unmanaged,
            records=await with_retries(self.records),
            denied=sorted(_denied(managed, namespaces)),
            open_hatches=sorted(n for n, labels in namespaces if labels.get(hatch) == "disabled"),
            labelled=sorted(
                n for n, labels in namespaces if any(key.startswith(vocabulary) for key in labels)
            ),
        )

    async def policies(self) -> tuple[list[ManagedPolicy], list[UnmanagedPolicy]]:
        """Lists the operator's policies of all kinds, and their lookalikes.

        Raises:
            ApiError: a list failed.
        """
        found = [
            classify(kind, manifest, self._keys)
            for kind in Kind
            async for manifest in self._objects.policies(kind)
        ]
        managed = [each for each in found if isinstance(each, ManagedPolicy)]
        return managed, [each for each in found if isinstance(each, UnmanagedPolicy)]

    async def records(self) -> list[Record]:
        """Reads the operator's Leases and its ConfigMap.

        Raises:
            ApiError: they could not be read.
        """
        found = [
            Record("Lease", lease.namespace, lease.name, lease.uid) for lease in await self.leases()
        ]
        admission = self._settings.admission
        # The operator may have run in another namespace than these settings name.
        homes = {admission.namespace, self._namespace, *(lease.namespace for lease in found)}
        for namespace in sorted(homes):
            words = await self._objects.config_map(namespace, admission.name)
            if words is not None:
                uid = words["metadata"]["uid"]
                found.append(Record("ConfigMap", namespace, admission.name, uid))
        return found

    async def leases(self) -> list[LeaseSeen]:
        """Reads the operator's Leases.

        Raises:
            ApiError: they could not be read.
        """
        name = self._settings.leader_election.name
        return [read_lease(lease) for lease in await self._objects.leases(name, self._namespace)]


def _name_and_labels(manifest: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    metadata = manifest["metadata"]
    return metadata["name"], metadata.get("labels") or {}


def _denied(
    managed: Iterable[ManagedPolicy], namespaces: Iterable[tuple[str, Mapping[str, str]]]
) -> set[str]:
    denying = [each for each in managed if each.default_deny]
    found = {each.live.key.namespace for each in denying} - {""}
    selectors = [
        rules.get("endpointSelector") or {}
        for each in denying
        if not each.live.key.namespace
        for rules in rule_sets(each.body)
        if has_default_deny(rules)
    ]
    for name, labels in namespaces:
        as_pods = {f"{NAMESPACE_LABELS_PREFIX}{key}": value for key, value in labels.items()}
        if any(selects(selector, {NAMESPACE_KEY: name, **as_pods}) for selector in selectors):
            found.add(name)
    return found
