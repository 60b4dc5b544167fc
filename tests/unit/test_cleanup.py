"""What cleaning up takes for ours, for switched on, and for the right order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from homelab_netpol.cleanup.ownership import (
    ManagedPolicy,
    NotManagedReason,
    UnmanagedPolicy,
    classify,
)
from homelab_netpol.cleanup.plan import deletions, rewrites
from homelab_netpol.policy.default_deny import has_default_deny, without_default_deny
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import LabelKeys

KEYS = LabelKeys("network-policy.homelab")
OURS = {"app.kubernetes.io/managed-by": "homelab-netpol"}
COMPONENT = "network-policy.homelab/component"
OFF = {"ingress": False, "egress": False}
ALL = [{"fromEntities": ["all"]}]


def policy(
    name: str,
    spec: Mapping[str, Any] | None = None,
    *,
    kind: Kind = Kind.CNP,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> ManagedPolicy | UnmanagedPolicy | None:
    """A policy as it is classified."""
    metadata = {"name": name, "uid": name, "resourceVersion": "1", "labels": labels or {}}
    metadata |= {} if kind is Kind.CCNP else {"namespace": "app"}
    metadata |= more.pop("metadata", {})
    return classify(kind, {"metadata": metadata, "spec": spec or {}, **more}, KEYS)


def mine(name: str, spec: Mapping[str, Any] | None = None, **more: Any) -> ManagedPolicy:
    """A policy that must be ours."""
    found = policy(name, spec, labels=OURS, **more)
    assert isinstance(found, ManagedPolicy)
    return found


def owned(field: Mapping[str, Any], manager: str = "homelab-netpol") -> dict[str, Any]:
    return {"managedFields": [{"manager": manager, "fieldsV1": field}]}


@pytest.mark.parametrize(
    ("found", "whose"),
    [
        (policy("homelab-profile", labels=OURS), "ours"),
        (policy("homelab-profile", metadata=owned({"f:spec": {}})), "ours"),
        (
            policy(
                "homelab-profile",
                metadata=owned({"f:metadata": {"f:labels": {f"f:{COMPONENT}": {}}}}),
            ),
            "ours",
        ),
        (policy("homelab-access-anything", labels=OURS), "ours"),
        (policy("baseline-of-last-year", labels=OURS, kind=Kind.CCNP), "ours"),
        (policy("homelab-profile", metadata=owned({"f:status": {}})), NotManagedReason.NAME),
        (
            policy("homelab-profile", metadata=owned({"f:spec": {}}, "kubectl")),
            NotManagedReason.NAME,
        ),
        (policy("homelab-profile"), NotManagedReason.NAME),
        (policy("baseline-mine", kind=Kind.CCNP), NotManagedReason.NAME),
        (policy("my-copy", labels=OURS), NotManagedReason.LABEL),
        (policy("my-own"), None),
        (policy("my-own", metadata=owned({"f:spec": {}})), None),
        (policy("homelab-profile", kind=Kind.CCNP), None),
        (policy("baseline-dns-egress"), None),
    ],
)
def test_ours_has_a_name_that_we_give_and_our_label_or_our_field_manager(
    found: ManagedPolicy | UnmanagedPolicy | None, whose: str | NotManagedReason | None
) -> None:
    match found:
        case ManagedPolicy():
            assert whose == "ours"
        case UnmanagedPolicy(reason=reason):
            assert whose is reason
        case None:
            assert whose is None


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"ingress": ALL}, True),
        ({"egress": [{}]}, True),
        ({"ingressDeny": ALL}, True),
        ({"egressDeny": [{"toEntities": ["all"]}], "enableDefaultDeny": {"egress": False}}, False),
        ({"ingress": [], "egress": []}, False),
        ({"ingress": ALL, "enableDefaultDeny": {"ingress": False}}, False),
        ({"ingress": ALL, "enableDefaultDeny": {"egress": False}}, True),
        ({"ingress": [], "enableDefaultDeny": {"ingress": True}}, True),
        ({"ingress": ALL, "enableDefaultDeny": {"ingress": False, "egress": True}}, True),
        ({"ingress": ALL, "enableDefaultDeny": {"ingress": None}}, True),
    ],
)
def test_default_deny_is_on_where_cilium_says_so(rules: dict[str, Any], expected: bool) -> None:
    assert has_default_deny(rules) is expected
    changed = without_default_deny({"spec": rules})
    assert changed == ({"spec": {**rules, "enableDefaultDeny": OFF}} if expected else None)
    several = without_default_deny({"specs": [{"ingress": []}, rules]})
    assert (several is not None) is expected
    if several is not None:
        assert [each["enableDefaultDeny"] for each in several["specs"]] == [OFF, OFF]


def test_clusterwide_policies_are_written_first_and_those_that_deny_nothing_not_at_all() -> None:
    found = [
        mine("homelab-profile", {"ingress": ALL}),
        mine("homelab-access-x", {"egress": ALL, "enableDefaultDeny": OFF}),
        mine("baseline-x", {"ingress": ALL}, kind=Kind.CCNP),
    ]
    names = [[write.managed.live.key.name for write in step] for step in rewrites(found)]
    assert names == [["baseline-x"], ["homelab-profile"]]


def test_what_cilium_rejects_goes_first_and_the_hatch_after_all_but_what_forbids() -> None:
    rejected = {"status": {"conditions": [{"type": "Valid", "status": "False"}]}}
    found = [
        mine("escape-hatch-allow-all", {"ingress": ALL, "enableDefaultDeny": OFF}, kind=Kind.CCNP),
        mine("baseline-deny", {"ingressDeny": ALL}, kind=Kind.CCNP),
        mine("baseline-x", {"ingress": ALL}, kind=Kind.CCNP),
        mine("homelab-escape-hatch", {"ingress": ALL, "enableDefaultDeny": OFF}),
        mine("homelab-grant-x", {"ingress": ALL, "enableDefaultDeny": OFF}),
        mine("homelab-profile", {"ingress": ALL}, **rejected),
    ]
    names = [{each.live.key.name for each in step} for step in deletions(found)]
    assert names == [
        {"homelab-profile"},
        {"baseline-x", "homelab-grant-x"},
        {"escape-hatch-allow-all", "homelab-escape-hatch"},
        {"baseline-deny"},
    ]


def test_a_component_is_known_by_the_name_where_its_label_was_edited() -> None:
    names = {
        "homelab-profile": "profile",
        "homelab-escape-hatch": "hatch",
        "homelab-mesh": "mesh",
        "homelab-access-postgres": "access",
        "homelab-grant-postgres": "grant",
        "homelab-gateway-internal": "grant",
    }
    for name, component in names.items():
        assert mine(name).component == component
    assert mine("baseline-dns-egress", kind=Kind.CCNP).component == "baseline"
    assert mine("escape-hatch-allow-all", kind=Kind.CCNP).component == "hatch"
