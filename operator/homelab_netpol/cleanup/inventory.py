"""What is there to clean up: what is ours, what only looks so, and whom it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cilium.selectors import selects
from homelab_netpol.cilium.terms import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.cleanup.default_deny import denies, rule_sets
from homelab_netpol.cleanup.lease_watch import LeaseSeen, read_lease
from homelab_netpol.cleanup.ownership import Foreign, Managed, judge
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.owned import OwnedObjects, Record
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.settings import Settings


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found.

    Attributes:
        managed: the operator's policies.
        foreign: policies that look like the operator's, and stay.
        records: what the operator keeps for itself.
        denied: the Namespaces in which the operator's policies deny what nothing allows.
        open_hatches: the Namespaces whose label opens the escape hatch.
        labelled: the Namespaces that carry any label of ours.
    """

    managed: list[Managed]
    foreign: list[Foreign]
    records: list[Record]
    denied: list[str]
    open_hatches: list[str]
    labelled: list[str]


class Surveyor:
    """Reads a cluster, as the account that it was given."""

    def __init__(self, api: Api, settings: Settings, namespace: str) -> None:
        """Prepares.

        Args:
            api: the API server.
            settings: the operator's: its label domain, its Lease, its ConfigMap.
            namespace: where the operator's Lease is, if this account may not look everywhere.
        """
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
        managed, foreign = await with_retries(self.policies)
        namespaces, _ = await with_retries(lambda: self._resources.namespaces(_name_and_labels))
        domain = self._settings.label_domain
        ours = (f"{domain}/", f"access.{domain}/")
        hatch = f"{domain}/enforcement"
        return Inventory(
            managed=managed,
            foreign=foreign,
            records=await with_retries(self.records),
            denied=sorted(_denied(managed, namespaces)),
            open_hatches=sorted(n for n, labels in namespaces if labels.get(hatch) == "disabled"),
            labelled=sorted(
                n for n, labels in namespaces if any(key.startswith(ours) for key in labels)
            ),
        )

    async def policies(self) -> tuple[list[Managed], list[Foreign]]:
        """Lists the policies of all kinds that are ours, and those that only look so.

        Raises:
            ApiError: a list failed.
        """
        managed: list[Managed] = []
        foreign: list[Foreign] = []
        for kind in Kind:
            async for manifest in self._objects.policies(kind):
                match judge(kind, manifest, self._keys):
                    case Managed() as ours:
                        managed.append(ours)
                    case Foreign() as theirs:
                        foreign.append(theirs)
        return managed, foreign

    async def records(self) -> list[Record]:
        """The operator's Leases and its ConfigMap.

        Raises:
            ApiError: they could not be read.
        """
        found = [
            Record("Lease", lease.namespace, lease.name, lease.uid) for lease in await self.leases()
        ]
        admission = self._settings.admission
        # The operator may have run in another namespace than the settings at hand say.
        homes = {admission.namespace, self._namespace, *(lease.namespace for lease in found)}
        for namespace in sorted(homes):
            words = await self._objects.config_map(namespace, admission.name)
            if words is not None:
                uid = words["metadata"]["uid"]
                found.append(Record("ConfigMap", namespace, admission.name, uid))
        return found

    async def leases(self) -> list[LeaseSeen]:
        """The operator's Leases.

        Raises:
            ApiError: they could not be read.
        """
        name = self._settings.leader_election.name
        return [read_lease(lease) for lease in await self._objects.leases(name, self._namespace)]


def _name_and_labels(manifest: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    metadata = manifest["metadata"]
    return metadata["name"], metadata.get("labels") or {}


def _denied(
    managed: Iterable[Managed], namespaces: Iterable[tuple[str, Mapping[str, str]]]
) -> set[str]:
    denying = [each for each in managed if each.denies]
    found = {each.live.key.namespace for each in denying} - {""}
    selectors = [
        rules.get("endpointSelector") or {}
        for each in denying
        if not each.live.key.namespace
        for rules in rule_sets(each.body)
        if denies(rules)
    ]
    for name, labels in namespaces:
        as_pods = {f"{NAMESPACE_LABELS_PREFIX}{key}": value for key, value in labels.items()}
        if any(selects(selector, {NAMESPACE_KEY: name, **as_pods}) for selector in selectors):
            found.add(name)
    return found
