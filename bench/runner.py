"""Runs a plan: says what is going on, and goes on when a measurement fails."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable

from bench.plan import Measurement
from bench.records import Record, Records
from bench.scenarios.extent import Extent


def run(
    todo: Iterable[Measurement],
    records: Records,
    extent: Callable[[Measurement], Extent],
    tell: Callable[[str], None],
) -> None:
    """Makes all measurements.

    What fails is recorded with its reason, and the others go on: hours of figures are not lost
    because of one operator that did not become ready once.

    Args:
        todo: the measurements, in their order.
        records: gets the results.
        extent: how much is done in a measurement.
        tell: is told what is going on, in a line each time.
    """
    for each in todo:
        scenario, contender = each.scenario, each.contender
        what = f"round {each.round}: {scenario.name}, {each.namespaces:,}: {contender.name}"
        tell(what)
        begun = time.monotonic()
        result, error = None, ""
        try:
            if contender.subject is not None:
                result = scenario.measure(contender.subject, extent(each))
            elif scenario.bare is not None:
                result = scenario.bare(extent(each))
        except Exception as failure:  # whatever it is, the other measurements are worth having
            error = "".join(traceback.format_exception_only(failure)).strip()
            tell(f"{what} FAILED: {error}")
        else:
            tell(f"{what}: done in {time.monotonic() - begun:.0f} s")
        place = (each.round, scenario.name, contender.name, each.namespaces)
        records.add(Record(*place, result, error))
