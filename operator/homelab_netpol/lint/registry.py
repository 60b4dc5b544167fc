"""All rules, in the order of their ids. Pure."""

from __future__ import annotations

from homelab_netpol.lint.comments import RULES as _OF_COMMENTS
from homelab_netpol.lint.rule import Rule
from homelab_netpol.lint.rules import (
    denial,
    dns,
    hatch,
    host_network,
    network_policy,
    network_policy_shape,
    operators_own,
    order,
    own_addresses,
    removed,
    selected,
    selectors,
    service_ports,
    vocabulary,
    wellformed,
    width,
    wildcards,
)

_MODULES = (
    *(
        vocabulary,
        operators_own,
        width,
        hatch,
        wellformed,
        removed,
        selectors,
        dns,
        denial,
        wildcards,
    ),
    order,
    *(network_policy_shape, network_policy, selected, host_network, service_ports, own_addresses),
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*(rule for module in _MODULES for rule in module.RULES), *_OF_COMMENTS),
        key=lambda rule: rule.id,
    )
)
BY_ID = {rule.id: rule for rule in RULES}
