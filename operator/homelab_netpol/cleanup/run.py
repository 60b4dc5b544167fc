"""The whole of it: look whether an operator lives, take stock, remove, and look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from homelab_netpol.cleanup.inventory import Inventory, Surveyor
from homelab_netpol.cleanup.lease_watch import LeaseWatch
from homelab_netpol.cleanup.removal import CameBack, DenyRemains, Outcome, Removal
from homelab_netpol.cleanup.result import Ending, Result
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.cluster.owned import Record
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.settings import Settings

_HOME = "homelab-netpol"
_AGAIN = "it was written again meanwhile: is there an operator that holds no Lease?"
_NOT_DONE = "it was not got to"


async def clean_up(
    access: ClusterAccess,
    settings: Settings,
    *,
    for_good: bool,
    settle: float,
    tell: Callable[[str], None],
) -> Result:
    """Removes what the operator manages, or says what that would be.

    Args:
        access: the cluster, and as whom.
        settings: those that the operator ran with.
        for_good: remove it; else nothing is written.
        settle: seconds for the nodes to take in that nothing of ours denies any more.
        tell: says how far it is.

    Raises:
        ConnectionFailed: there are no credentials.
        ApiError: what there is cannot be listed; nothing was changed.
    """
    server = (await access.configuration()).host
    timeout = settings.request_timeout_seconds
    async with await Api.connect(access, request_timeout=timeout) as api:
        home = settings.leader_election.namespace or access.own_namespace or _HOME
        surveyor = Surveyor(api, settings, home)
        watch = LeaseWatch(lambda: with_retries(surveyor.leases), tell)
        operator = await watch.living()
        inventory = await surveyor.inventory()
        result = Result(server, Ending.PLANNED, inventory, operator)
        if not for_good:
            return result
        if operator is not None:
            return replace(result, ending=Ending.REFUSED)
        keys = LabelKeys(settings.label_domain)
        removal = Removal(api, watch, keys=keys, settle=settle, tell=tell)
        stopped = await _remove(removal, inventory)
        left = await _left(surveyor, inventory, removal.outcome, stopped)
        return replace(
            result,
            ending=Ending.INCOMPLETE if left or stopped else Ending.CLEAN,
            deleted=frozenset(removal.outcome.deleted) - left.keys(),
            left=left,
            stopped=stopped,
        )


async def _remove(removal: Removal, inventory: Inventory) -> str:
    """Removes; returns why it was not gone on with, or "" if it was."""
    try:
        await removal.run(inventory)
    except DenyRemains:
        return (
            "nothing was deleted: a policy that denies could not be changed, and the others are"
            " what still lets traffic through"
        )
    except CameBack as error:
        return str(error)
    except ApiError as error:
        return f"the API server does not do it: {error}"
    return ""


async def _left(
    surveyor: Surveyor, inventory: Inventory, outcome: Outcome, stopped: str
) -> dict[PolicyKey | Record, str]:
    """Looks again: what of ours is there, and why."""
    left: dict[PolicyKey | Record, str] = {}
    try:
        managed, _ = await with_retries(surveyor.policies)
        records = await with_retries(surveyor.records)
    except ApiError as error:
        known: set[PolicyKey | Record] = {each.live.key for each in inventory.managed}
        known |= set(inventory.records)
        return dict.fromkeys(known - outcome.deleted, f"it cannot be looked at again: {error}")
    for each in managed:
        key = each.live.key
        if each.going:
            left[key] = f"it is being deleted, and waits for finalizers: {', '.join(each.going)}"
        else:
            unknown = _NOT_DONE if stopped else _AGAIN
            left[key] = outcome.failed.get(key) or unknown
    for record in records:
        left[record] = outcome.failed.get(record) or _NOT_DONE
    return left
