"""What stays of the first tree in the second: a label that cannot be understood changes nothing.

Pure. The operator keeps what was in force; so does the second tree, as what follows the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.access.diff.side import Object, Side
from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.policy.desired import DesiredState
from homelab_netpol.policy.keys import Component, Kind, policy_name
from homelab_netpol.policy.objects import is_managed


def retained(before: Side, desired: DesiredState) -> Iterator[Object]:
    """The policies of the first tree that the operator leaves as they are.

    Args:
        before: the first tree.
        desired: what the operator would do with the second.
    """
    known = desired.catalogue.vocabulary.resources
    if before.is_written:
        yield from _standing(before, desired)
    for name, intent in desired.intents.items():
        kept = []
        if intent.retained_profile is not None:
            kept.append(policy_name(Component.PROFILE))
        kept += [policy_name(Component.ACCESS, each) for each in intent.retained_grants]
        kept += [policy_name(Component.INGRESS, each) for each in intent.retained_ingress]
        for each in kept:
            ref = PolicyRef(Kind.CNP.value, name, each)
            if ref in before.policies:
                yield before.policies[ref]
        for resource in intent.retained_grants:
            home = before.desired.catalogue.vocabulary.resources.get(resource)
            if resource in known or home is None:
                continue
            where = before.desired.catalogue.resource(resource).home
            ref = PolicyRef(Kind.CNP.value, where or "", policy_name(Component.GRANT, resource))
            if ref in before.policies:
                yield before.policies[ref]


def _standing(before: Side, desired: DesiredState) -> Iterator[Object]:
    """What stands in a cluster where the operator writes nothing, or not anew.

    That is in Namespaces that are being deleted; and where a label cannot be understood and could
    not before: what it said when these policies were written is not known any more.
    """
    for name, refs in before.refs.items():
        was, now = before.intents.get(name), desired.intents.get(name)
        is_going = bool(name) and was is None and now is None
        is_unclear = was is not None and now is not None and bool(now.problems)
        if is_going or (is_unclear and was == now):
            for ref in refs:
                if is_managed(before.policies[ref]["metadata"].get("labels") or {}):
                    yield before.policies[ref]
