"""Hand-written policies and labels against the vocabulary's "Never" list and Cilium's traps. Pure.

A rule reports what is certain from what is given, and is silent otherwise.
"""

from homelab_netpol.lint.given import Given
from homelab_netpol.lint.linter import lint
from homelab_netpol.lint.registry import BY_ID, RULES
from homelab_netpol.lint.rule import Finding, Rule, Severity

__all__ = ["BY_ID", "RULES", "Finding", "Given", "Rule", "Severity", "lint"]
