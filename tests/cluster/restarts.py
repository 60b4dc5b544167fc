"""An operator that is killed at rest, and the next one, which finds nothing to do."""

from __future__ import annotations

from typing import NamedTuple

from tests.cluster.kube import Kube
from tests.cluster.watched import resync
from tests.running_operator import RunningOperator


class Written(NamedTuple):
    """What stood when an operator ended: each policy's version, and how many writes were sent."""

    versions: dict[str, str]
    requests: float


def kill_at_rest(operator: RunningOperator, kube: Kube) -> Written:
    """Kills the operator once everything is written."""
    kube.wait_for_deletions()
    resync(operator, 2)
    operator.kill()
    return Written(kube.resource_versions(), kube.policy_writes())


def writes_nothing(operator: RunningOperator, kube: Kube, before: Written) -> None:
    """The next operator has read everything, and sent no write since `kill_at_rest`."""
    resync(operator, 2)
    assert kube.resource_versions() == before.versions
    assert kube.policy_writes() == before.requests, "not even a request that changed nothing"
