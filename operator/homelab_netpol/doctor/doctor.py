"""Runs all checks on one installation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from homelab_netpol.doctor import (
    check_api_server,
    check_cilium,
    check_crds,
    check_definitions,
    check_hatches,
    check_leader,
    check_operator,
    check_policies,
    check_rights,
    check_settings,
)
from homelab_netpol.doctor.desired import Wanted, compare
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Report, Result, Status, in_order
from homelab_netpol.policy.rendering import RenderError

_BEFORE = (
    check_api_server.check,
    check_cilium.check,
    check_crds.check,
    check_rights.check,
    check_operator.check,
    check_leader.check,
    check_definitions.check,
)
_COMPARED = (check_settings.check, check_policies.check, check_hatches.check)
_ODD = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def examine(found: Installation) -> Report:
    """All answers."""
    results: list[Result] = []
    for check in _BEFORE:
        results += _guarded(partial(check, found), check.__module__)
    wanted = Wanted()
    try:
        wanted = compare(found)
    except RenderError as error:
        message = f"What should stand cannot be worked out: {error}"
        remedy = "Correct the template that it names (the setting `templates`)."
        results.append(Result(Status.ERROR, check_policies.DRIFT, "", message, remedy))
    except _ODD as error:
        results.append(_odd("desired", error))
    for compared in _COMPARED:
        results += _guarded(partial(compared, found, wanted), compared.__module__)
    return Report(tuple(in_order(results)))


def _guarded(check: Callable[[], Iterator[Result]], module: str) -> list[Result]:
    """What a check says; an object that no API server sends must not keep the others from it."""
    results: list[Result] = []
    try:
        results.extend(check())
    except _ODD as error:
        results.append(_odd(module.rpartition("check_")[2].replace("_", "-"), error))
    return results


def _odd(check: str, error: Exception) -> Result:
    return Result(
        Status.UNKNOWN,
        check,
        "",
        f"An object is not what the API server takes for its kind ({type(error).__name__}:"
        f" {error}), so this is not judged.",
        "Report it with --bundle.",
    )
