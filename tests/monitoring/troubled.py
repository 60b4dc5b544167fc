"""A cluster in which everything is wrong at once, so that every series is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import ENFORCEMENT, PROFILE, PROFILE_POLICY, Space, Spaces, access
from tests.cluster.watched import series, shows
from tests.running_operator import RunningOperator

_CILIUMS = "/api/v1/namespaces/kube-system/configmaps"


@contextmanager
def troubled(kube: Kube, operator: RunningOperator) -> Iterator[dict[str, Space]]:
    """Makes the trouble, waits until the operator tells of it, and takes it away again.

    Yields:
        The Namespaces, by what is wrong with them.
    """
    spaces, definitions = Spaces(kube), Definitions(kube)
    try:
        yield _make(kube, operator, spaces, definitions)
    finally:
        kube.delete(f"{_CILIUMS}/cilium-config")
        spaces.clear()
        definitions.clear()


def _make(
    kube: Kube, operator: RunningOperator, spaces: Spaces, definitions: Definitions
) -> dict[str, Space]:
    audited = {"metadata": {"name": "cilium-config"}, "data": {"policy-audit-mode": "true"}}
    kube.create(_CILIUMS, audited)
    spaces.existing("database")
    drifted = spaces({PROFILE: "standard", access("postgres"): "true"})
    opened = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"}, disabled_until="10m")
    refused = spaces({PROFILE: "standart", access("postgers"): "true"})
    rejected = spaces({PROFILE: "isolated"})
    rejected.has()
    condition = {"type": "Valid", "status": "False", "message": "no longer supported"}
    path = f"{cnp_path(rejected.name, PROFILE_POLICY)}/status"
    kube.patch(path, {"status": {"conditions": [condition]}})
    lost = spaces({PROFILE: "internal"})
    lost.has()
    lost.label({PROFILE: None})
    taken = spaces()
    taken.write(PROFILE_POLICY)
    taken.label({PROFILE: "internal"})
    own = definitions.profile()
    user = spaces({PROFILE: own.name})
    user.has_profile(own.name)
    own.delete()
    definitions.profile(extends="nobody-knows-it")
    drifted.has()
    drifted.change({"spec": {"egressDeny": [{"toEntities": ["world"]}]}})
    shows(operator, 1, "enforcement_impaired", reason="AuditMode")
    shows(operator, 1, "enforcement_disabled", namespace=opened.name)
    shows(operator, 1, "invalid_policies", namespace=rejected.name)
    shows(operator, 1, "refused_labels", namespace=refused.name, reason="ProfileUnknown")
    shows(operator, 1, "refused_labels", namespace=refused.name, reason="AccessUnknown")
    shows(operator, 1, "conflicts", namespace=taken.name)
    shows(operator, 1, "definitions_missing", name=own.name)
    eventually(lambda: series(operator, "definitions_unusable"), "definitions_unusable")
    eventually(lambda: series(operator, "findings"), "findings")
    eventually(lambda: series(operator, "profile_lost_timestamp_seconds"), "a lost profile")
    eventually(
        lambda: max(series(operator, "failures_in_a_row", name=taken.name), default=0) >= 3,
        "three failures in a row",
    )
    eventually(lambda: sum(series(operator, "drift_reverted_total")) > 0, "drift to be reverted")
    return {"opened": opened, "refused": refused, "rejected": rejected, "taken": taken}
