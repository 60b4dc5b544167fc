"""Whether an account may do something, as the API server's own authorizer answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import ApiError

_REVIEWS = "/apis/authorization.k8s.io/v1"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource.

    Attributes:
        group: the API group; "" for the core one.
        resource: its plural, with `/status` for a subresource.
        verb: such as list.
        namespace: in which; "": in the whole cluster.
        name: of the only object; "": of any.
    """

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As `kubectl auth can-i` has it."""
        resource, slash, subresource = self.resource.partition("/")
        group = f".{self.group}" if self.group else ""
        name = f" {self.name}" if self.name else ""
        within = f" -n {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{group}{slash}{subresource}{name}{within}"


async def missing_rights(
    api: Api, rights: Sequence[Right], account: str | None = None
) -> list[Right] | None:
    """Those of some rights that an account lacks; None: this may not be asked, or nothing answers.

    Args:
        api: the cluster.
        rights: which rights.
        account: the user's name; None: the one that asks.
    """
    limit = asyncio.Semaphore(_AT_ONCE)

    async def lacks(right: Right) -> bool:
        async with limit:
            return not await _is_allowed(api, right, account)

    try:
        lacking = await asyncio.gather(*map(lacks, rights))
    except ApiError:
        return None
    return [right for right, is_missing in zip(rights, lacking, strict=True) if is_missing]


async def _is_allowed(api: Api, right: Right, account: str | None) -> bool:
    kind = "SelfSubjectAccessReview" if account is None else "SubjectAccessReview"
    resource, _, subresource = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "verb": right.verb}
    more = {"subresource": subresource, "namespace": right.namespace, "name": right.name}
    spec: dict[str, object] = {
        "resourceAttributes": {**asked, **{key: value for key, value in more.items() if value}}
    }
    if account is not None:
        spec["user"] = account
        # A binding may name a group of accounts; service accounts are in these.
        spec["groups"] = _groups(account)
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    answer = await api.request("POST", f"{_REVIEWS}/{kind.lower()}s", body=body)
    return bool((answer.get("status") or {}).get("allowed"))


def _groups(account: str) -> list[str]:
    *prefix, namespace, _ = account.split(":")
    every = ["system:authenticated"]
    if prefix != ["system", "serviceaccount"]:
        return every
    return [*every, "system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
