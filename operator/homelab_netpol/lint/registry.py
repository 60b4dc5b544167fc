"""All rules, in the order of their ids. Pure."""

from __future__ import annotations

from homelab_netpol.lint.comments import RULES as _OF_COMMENTS
from homelab_netpol.lint.rule import Rule
from homelab_netpol.lint.rules import (
    denial,
    dns,
    network_policy,
    network_policy_shape,
    operators_own,
    removed,
    selected,
    selectors,
    services,
    vocabulary,
    wellformed,
    width,
)

_MODULES = (
    *(vocabulary, operators_own, width, wellformed, removed, selectors, dns, denial),
    *(network_policy_shape, network_policy, selected, services),
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*(rule for module in _MODULES for rule in module.RULES), *_OF_COMMENTS),
        key=lambda rule: rule.id,
    )
)
BY_ID = {rule.id: rule for rule in RULES}
