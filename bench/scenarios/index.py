"""All scenarios by name: for which operators, and with how many Namespaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from bench.scenarios.at_once import bare_at_once, measure_at_once
from bench.scenarios.audit_page import measure_audit_page
from bench.scenarios.bench_plane import Extent
from bench.scenarios.command_line import measure_command_line
from bench.scenarios.commands import measure_commands
from bench.scenarios.grants import bare_grants, measure_grants
from bench.scenarios.hatches import bare_hatches, measure_hatches
from bench.scenarios.inspection import measure_inspection
from bench.scenarios.one_by_one import bare_one_by_one, measure_one_by_one
from bench.scenarios.redefinition import measure_redefinition
from bench.scenarios.resync import measure_resync
from bench.scenarios.steady import measure_steady
from bench.subjects import Subject


class Sizes(Enum):
    """With how many Namespaces a scenario is measured."""

    SAMPLES = auto()  # as many as there are samples, one after the other
    MANY = auto()  # so many share one profile or one grant
    EACH = auto()  # the ordinary sizes and the large one
    LARGEST = auto()  # the large one only; without one, the largest ordinary one


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something to measure.

    Attributes:
        name: as it is typed.
        sizes: with how many Namespaces.
        measure: measures an operator once.
        bare: measures the bare client once; None where there is nothing that it could do.
        ours_only: what no other operator can do.
        of_resyncs: only of those that compare everything now and then.
        of_slow: also of an operator that takes minutes.
    """

    name: str
    sizes: Sizes
    measure: Callable[[Subject, Extent], object]
    bare: Callable[[Extent], object] | None = None
    ours_only: bool = False
    of_resyncs: bool = False
    of_slow: bool = True


SCENARIOS = (
    Scenario("one-by-one", Sizes.SAMPLES, measure_one_by_one, bare_one_by_one),
    Scenario("at-once", Sizes.EACH, measure_at_once, bare_at_once),
    Scenario("resync", Sizes.EACH, measure_resync, of_resyncs=True),
    Scenario("grants", Sizes.MANY, measure_grants, bare_grants),
    Scenario("redefinition", Sizes.MANY, measure_redefinition, ours_only=True),
    Scenario("hatches", Sizes.LARGEST, measure_hatches, bare_hatches, of_slow=False),
    Scenario("steady", Sizes.LARGEST, measure_steady, of_slow=False),
    Scenario("inspection", Sizes.LARGEST, measure_inspection, ours_only=True),
    Scenario("command-line", Sizes.SAMPLES, measure_command_line, ours_only=True),
    Scenario("commands", Sizes.SAMPLES, measure_commands, ours_only=True),
    Scenario("audit-page", Sizes.SAMPLES, measure_audit_page, ours_only=True),
)
