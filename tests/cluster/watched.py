"""What a running operator says of itself: its metrics, read as Prometheus would."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.kube import DEADLINE_SECONDS, eventually
from tests.running_operator import RunningOperator

_PREFIX = "homelab_netpol_"


def series(operator: RunningOperator, name: str, /, **labels: str) -> list[float]:
    """The values of all series of a metric that carry these labels."""
    return [
        sample.value
        for family in text_string_to_metric_families(operator.metrics())
        for sample in family.samples
        if sample.name == _PREFIX + name and labels.items() <= sample.labels.items()
    ]


def shows(operator: RunningOperator, value: float, name: str, /, **labels: str) -> None:
    """Waits for exactly one series with these labels, and this value."""
    eventually(lambda: series(operator, name, **labels) == [value], f"{name} {labels} = {value}")


def shows_none(operator: RunningOperator, name: str, /, **labels: str) -> None:
    """Waits for there to be no series with these labels."""
    eventually(lambda: not series(operator, name, **labels), f"{name} {labels} to go")


def mentions(operator: RunningOperator, namespace: str) -> bool:
    """Any series carries the namespace's name."""
    return f'"{namespace}"' in operator.metrics()


def resync(operator: RunningOperator, times: int = 1) -> None:
    """Waits until the operator has compared everything again, this often.

    Once is enough where a watch tells it as well; the first one may have begun before what the
    test did last.
    """

    def done() -> float:
        return sum(series(operator, "resyncs_total", result="done"))

    start = done()
    eventually(
        lambda: done() >= start + times and sum(series(operator, "queue_depth")) == 0,
        f"{times} resyncs",
        seconds=DEADLINE_SECONDS + times,
    )


def logged(operator: RunningOperator, *words: str) -> None:
    """Waits for a line of the log with all these words."""

    def look() -> bool:
        lines = operator.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return any(all(word in line for word in words) for line in lines)

    eventually(look, f"a line of the log with {words}")
