"""A cleanup from end to end: look for a live operator, list, remove, and list again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from homelab_netpol.cleanup.inventory import Inventory, InventoryReader
from homelab_netpol.cleanup.lease_watch import LeaseWatch
from homelab_netpol.cleanup.removal import Removal, RemovalOutcome, RemovalStopped
from homelab_netpol.cleanup.result import Ending, Result
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.cluster.owned import ObjectKey
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.settings import Settings

_HOME = "homelab-netpol"
_AGAIN = "it was written again meanwhile: is there an operator that holds no Lease?"
_NOT_DONE = "it was not got to"


async def clean_up(
    access: ClusterAccess,
    settings: Settings,
    *,
    dry_run: bool,
    settle: float,
    progress: Callable[[str], None],
) -> Result:
    """Removes what the operator manages.

    Args:
        access: the cluster, and with which account.
        settings: those that the operator ran with.
        dry_run: only list it, and write nothing.
        settle: seconds for the nodes to take in that nothing of ours denies any more.
        progress: shows how far it is.

    Raises:
        ConnectionFailed: there are no credentials.
        ApiError: what there is cannot be listed; nothing was changed.
    """
    server = (await access.configuration()).host
    timeout = settings.request_timeout_seconds
    async with await Api.connect(access, request_timeout=timeout) as api:
        home = settings.leader_election.namespace or access.own_namespace or _HOME
        reader = InventoryReader(api, settings, home)
        watch = LeaseWatch(lambda: with_retries(reader.leases), progress)
        operator = await watch.find_live()
        inventory = await reader.inventory()
        result = Result(server, Ending.PLANNED, inventory, operator)
        if dry_run:
            return result
        if operator is not None:
            return replace(result, ending=Ending.REFUSED)
        keys = LabelKeys(settings.label_domain)
        removal = Removal(api, watch, keys=keys, settle=settle, progress=progress)
        stopped = await _remove(removal, inventory)
        left = await _left(reader, inventory, removal.outcome, stopped)
        return replace(
            result,
            ending=Ending.INCOMPLETE if left or stopped else Ending.CLEAN,
            deleted=frozenset(removal.outcome.deleted) - left.keys(),
            left=left,
            stopped=stopped,
        )


async def _remove(removal: Removal, inventory: Inventory) -> str:
    """Removes; returns why that ended early, or "" if it did not."""
    try:
        await removal.run(inventory)
    except RemovalStopped as error:
        return str(error)
    except ApiError as error:
        return f"the API server does not do it: {error}"
    return ""


async def _left(
    reader: InventoryReader, inventory: Inventory, outcome: RemovalOutcome, stopped: str
) -> dict[ObjectKey, str]:
    """Lists again: what of ours is there, and why."""
    left: dict[ObjectKey, str] = {}
    try:
        managed, _ = await with_retries(reader.policies)
        records = await with_retries(reader.records)
    except ApiError as error:
        keys: set[ObjectKey] = {each.live.key for each in inventory.managed}
        known = keys.union(inventory.records)
        return dict.fromkeys(known - outcome.deleted, f"it cannot be looked at again: {error}")
    for each in managed:
        key, finalizers = each.live.key, ", ".join(each.finalizers)
        if finalizers:
            left[key] = f"it is being deleted, and waits for finalizers: {finalizers}"
        else:
            left[key] = outcome.failed.get(key) or (_NOT_DONE if stopped else _AGAIN)
    for record in records:
        left[record] = outcome.failed.get(record) or _NOT_DONE
    return left
