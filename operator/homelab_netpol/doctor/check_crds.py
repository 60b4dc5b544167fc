"""Are the custom resources there, in the shape that this version expects? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.doctor.fields import name
from homelab_netpol.doctor.installation import CRD, Installation, Object
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.manifests.kinds import NETWORK_PROFILE, SHARED_RESOURCE
from homelab_netpol.package_data import own_crds
from homelab_netpol.shapes import condition, field, mappings, text

CHECK = "crds"
_OURS = {
    "networkprofiles.network-policy.homelab": NETWORK_PROFILE,
    "sharedresources.network-policy.homelab": SHARED_RESOURCE,
}
_CILIUMS = {
    "ciliumnetworkpolicies.cilium.io": CNP,
    "ciliumclusterwidenetworkpolicies.cilium.io": CCNP,
}
CRDS = (*_OURS, *_CILIUMS)
_VERSION = {True: "v1alpha1", False: "v2"}
# Which fields of a policy the operator writes and an old CRD may lack, below `spec`.
_WRITTEN = ("enableDefaultDeny", "endpointSelector", "egress", "ingress", "egressDeny")


def check(found: Installation) -> Iterator[Result]:
    """By the CRDs; where they may not be read, by what is served."""
    listed = found.facts.of(CRD)
    if listed.refused:
        missing = [
            crd for crd, kind in {**_OURS, **_CILIUMS}.items() if found.facts.of(kind).absent
        ]
        for crd in missing:
            yield _missing(crd)
        if not missing:
            yield unreadable(CHECK, "CustomResourceDefinitions", listed.refused)
        return
    by_name = {name(each): each for each in listed.items}
    expected = {each["metadata"]["name"]: _schema(each) for each in own_crds()}
    problems = [
        problem
        for crd in CRDS
        if (problem := _problem(crd, by_name.get(crd), expected.get(crd))) is not None
    ]
    yield from problems
    if not problems:
        yield Result(
            Status.OK, CHECK, "", "The four CRDs are established, with the schema that is expected."
        )


def _problem(crd: str, there: Object | None, expected: Any) -> Result | None:
    if there is None:
        return _missing(crd)
    for kind in ("Established", "NamesAccepted"):
        state = condition(there, kind)
        if state is None or state.get("status") != "True":
            why = text(state, "message") or "it does not say why"
            return Result(
                Status.ERROR,
                CHECK,
                crd,
                f"The CRD {crd} is not {kind}: {why.rstrip('.')}.",
                f"kubectl describe crd {crd}",
            )
    ours = crd in _OURS
    version = next(
        (
            each
            for each in mappings(there, "spec", "versions")
            if each.get("name") == _VERSION[ours]
        ),
        None,
    )
    if version is None or version.get("served") is not True:
        remedy = _apply(crd)
        message = f"The CRD {crd} does not serve {_VERSION[ours]}."
        return Result(Status.ERROR, CHECK, crd, message, remedy)
    schema = field(version, "schema", "openAPIV3Schema")
    return _ours_differs(crd, schema, expected) if ours else _lacks_fields(crd, schema)


def _missing(crd: str) -> Result:
    if crd in _OURS:
        return Result(
            Status.ERROR,
            CHECK,
            crd,
            f"The CRD {crd} is not installed, so profiles and resources of one's own are not read.",
            _apply(crd),
        )
    return Result(
        Status.ERROR,
        CHECK,
        crd,
        f"The CRD {crd} is not installed: no policy can be written.",
        "Install Cilium; its operator creates it.",
    )


def _apply(crd: str) -> str:
    if crd in _OURS:
        return "Apply the CRDs of the release that runs (kubectl apply --server-side -k crds)."
    return "Upgrade Cilium; its operator brings the CRD along."


def _schema(crd: Object) -> Any:
    """Of the only version."""
    versions = mappings(crd, "spec", "versions")
    return next((field(each, "schema", "openAPIV3Schema") for each in versions), None)


def _ours_differs(crd: str, schema: Any, expected: Any) -> Result | None:
    if _bare(expected) == _bare(schema):
        return None
    return Result(
        Status.WARNING,
        CHECK,
        crd,
        f"The schema of the CRD {crd} is not this version's: fields may be dropped, or refused.",
        _apply(crd),
    )


def _lacks_fields(crd: str, schema: Any) -> Result | None:
    lacking = [
        each for each in _WRITTEN if not field(schema, "properties", "spec", "properties", each)
    ]
    if not lacking:
        return None
    return Result(
        Status.ERROR,
        CHECK,
        crd,
        f"The CRD {crd} does not know {', '.join(lacking)}, which the operator writes: the API"
        " server refuses its policies.",
        _apply(crd),
    )


def _bare(schema: Any, *, named: bool = False) -> Any:
    """A schema without its descriptions, which bind no one.

    Args:
        schema: the schema, or a part of it.
        named: its keys are names of fields, of which one may be `description`.
    """
    if isinstance(schema, dict):
        return {
            key: _bare(value, named=key == "properties" and not named)
            for key, value in schema.items()
            if named or key != "description"
        }
    return [_bare(each) for each in schema] if isinstance(schema, list) else schema
