"""Labels and annotations of Namespaces that the operator could not follow."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.stages import Stages


def check(stages: Stages) -> Iterator[Problem]:
    """In the words of its Events, and under their reasons."""
    for intent in stages.cache.intents:
        for each in intent.problems:
            yield Problem(Severity.WARNING, str(each.reason), intent.namespace, each.message)
