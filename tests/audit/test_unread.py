"""What could not be read in a cluster is null, or has no sample: an audit never guesses."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from homelab_netpol.audit import Audit, audit, make_given
from homelab_netpol.audit.document import document
from homelab_netpol.audit.metrics import metrics_text
from homelab_netpol.manifests import ManifestSet, parse_manifests
from homelab_netpol.settings import Settings
from tests.audit.audited import NOW, in_namespace, manifest, tasks
from tests.audit.test_namespaces import HOME
from tests.explained import deployment, namespace

# The grant's policy stands, as the operator wrote it before the label was mistyped.
_KEPT = manifest(
    "cilium.io/v2",
    "CiliumNetworkPolicy",
    "homelab-access-postgres",
    metadata={
        "namespace": "photos",
        "uid": "1",
        "resourceVersion": "1",
        "labels": {"app.kubernetes.io/managed-by": "homelab-netpol"},
    },
    spec={"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]},
)


def _read(text: str, *unread: str) -> Audit:
    """The audit of a cluster of which some kinds may not be read."""
    manifests = ManifestSet(with_rbac=True)
    given = parse_manifests(text.encode(), "cluster.yaml")
    manifests.add(each for each in given if each.kind not in unread)
    manifests.unread |= set(unread)
    return audit(make_given(Settings(), manifests, NOW, from_cluster=True))


def _samples(found: Audit) -> set[str]:
    families = text_string_to_metric_families(metrics_text(found))
    return {
        sample.name.removeprefix("homelab_netpol_audit_")
        for family in families
        for sample in family.samples
    }


def test_a_namespace_whose_pods_may_not_be_read_is_not_said_to_have_none() -> None:
    found = document(_read(HOME, "Pod", "Deployment"))
    [task] = [each for each in found["first"] if each["namespace"] == "old"]
    assert (task["rule"], task["risk"]) == ("Unlabelled", "high")
    assert not [each for each in found["first"] if "no pods" in json.dumps(each)]
    assert any("grants that lead nowhere" in each for each in found["notSeen"])


@pytest.mark.parametrize(
    ("unread", "unknown"),
    [
        (
            "Pod",
            {
                "pods",
                "pods_outside",
                "wider_rules",
                "policy_map_entries",
                "identities",
                "enforcing",
            },
        ),
        (
            "CiliumNetworkPolicy",
            {"policies", "namespaces_open", "wider_rules", "policy_map_entries"},
        ),
        ("ClusterRole", {"may_change"}),
    ],
)
def test_what_is_not_known_has_no_sample(unread: str, unknown: set[str]) -> None:
    everything = _samples(_read(HOME))
    assert everything >= unknown
    assert everything - _samples(_read(HOME, unread)) == unknown


def test_the_checks_know_a_grant_that_only_its_policy_remembers() -> None:
    mistyped = namespace("photos", profile="standard", access_postgres="yess")
    found = document(_read(mistyped + deployment("photos", "web") + _KEPT))
    assert in_namespace(found, "photos")["grants"] == ["postgres"]
    # Its database is not there, which the operator reports as well.
    assert "TargetNamespaceMissing" in tasks(found, "photos")
