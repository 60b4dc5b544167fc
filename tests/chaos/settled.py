"""Has the cluster come to rest, with every policy as Namespaces say?

Asked of the API server, to know when a run is over; what is judged is the record (`judge`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.objects import Policy
from tests.chaos.judge import BOUND_SECONDS
from tests.chaos.ledger import labels_of, managers_of, says_ours
from tests.chaos.wanted import Key, says
from tests.cluster.kube import CCNP, CNP, Kube, Manifest
from tests.cluster.spaces import OPERATOR

_CILIUM = "/apis/cilium.io/v2"


def differences(kube: Kube, catalogue: Catalogue) -> list[str]:
    """What is not as it should be, or still on its way.

    Left out are names that others have taken; what nobody wants and somebody took our label off,
    unless the operator finds that soon; and what a Namespace left behind when it went, as it does
    when an API server that just started does not know of all kinds yet.

    Raises:
        AssertionError: the API server cannot be asked.
    """
    spaces = kube.items("/api/v1/namespaces")
    going = [each["metadata"]["name"] for each in spaces if "deletionTimestamp" in each["metadata"]]
    standing: dict[Key, Manifest] = {}
    for kind in (CNP, CCNP):
        for item in kube.items(f"{_CILIUM}/{kind}"):
            metadata = item["metadata"]
            standing[kind, metadata.get("namespace", ""), metadata["name"]] = item
    policies = desired_policies(catalogue, spaces, datetime.now(UTC))
    wanted = {(each.key.kind.plural, each.key.namespace, each.key.name): each for each in policies}
    found = [f"the Namespace {name} has not gone" for name in going]
    finds_unlabelled = catalogue.settings.resync_seconds < BOUND_SECONDS
    homes = {"", *(each["metadata"]["name"] for each in spaces)}
    for key in sorted({*standing, *wanted}):
        manifest, policy = standing.get(key), wanted.get(key)
        if key[1] not in homes or says(manifest, policy):
            continue
        lost = policy is None and not says_ours(manifest) and not finds_unlabelled
        if manifest is None or (OPERATOR in managers_of(manifest) and not lost):
            found.append(f"{'/'.join(key)} {_difference(manifest, policy)}")
    return found


def _difference(manifest: Manifest | None, policy: Policy | None) -> str:
    if manifest is None or policy is None:
        return "is missing" if manifest is None else "should not be there"
    said = {part: manifest[part] for part in policy.body if part in manifest}
    return f"says {labels_of(manifest)} {said}, should say {policy.labels} {policy.body}"
