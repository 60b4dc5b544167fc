"""What can be said of a policy as it is written, without understanding it."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.cilium.evaluation import Direction
from tests.inspected import Json

# As the kinds of policies call them.
_PORTS = ("port", "endPort", "number", "start", "end")


def allowing_part(policy: Json) -> Json | None:
    """What a policy allows; None: nothing."""
    given = policy.get("specs") or [policy["spec"]]
    specs = [{key: spec[key] for key in spec if not key.endswith("Deny")} for spec in given]
    specs = [spec for spec in specs if any(spec.get(each.value) for each in Direction)]
    if not specs or "status" in policy:
        return None
    kept = {key: policy[key] for key in policy if key not in ("spec", "specs")}
    return {**kept, **({"spec": specs[0]} if len(specs) == 1 else {"specs": specs})}


def port_numbers(node: object) -> Iterator[int]:
    """The ports that policies name, and those beside them."""
    if isinstance(node, list):
        for each in node:
            yield from port_numbers(each)
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _PORTS and str(value).isdigit():
                number = int(value)
                yield from (one for one in (number - 1, number, number + 1) if 0 < one < 65536)
            else:
                yield from port_numbers(value)
