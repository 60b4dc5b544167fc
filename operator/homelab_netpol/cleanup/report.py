"""Prints a result: for people as text, for programs as JSON (docs/uninstall.md has the keys)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from homelab_netpol.cleanup.result import Ending, Result, Row

_MOST_NAMES = 10
_HEAD = Row("KIND", "NAMESPACE", "NAME", "COMPONENT", "")


def as_json(result: Result) -> str:
    """What `--output json` prints; programs depend on its keys, which do not change."""
    found = result.inventory
    lease = result.operator
    document: dict[str, Any] = {
        "server": result.server,
        "outcome": str(result.ending),
        "stopped": result.stopped or None,
        "operator": lease and {"holder": lease.holder, "lease": f"{lease.namespace}/{lease.name}"},
        "objects": [dataclasses.asdict(row) for row in result.rows()],
        "foreign": [
            {
                "kind": str(each.key.kind),
                "namespace": each.key.namespace,
                "name": each.key.name,
                "reason": str(each.reason),
            }
            for each in found.unmanaged
        ],
        "namespaces": {
            "denied": found.denied,
            "openHatch": found.open_hatches,
            "labelled": found.labelled,
        },
    }
    return json.dumps(document, indent=2)


def as_text(result: Result) -> str:
    """What people read: what would be removed or was, what is left, and what stays anyway."""
    match result.ending:
        case Ending.PLANNED | Ending.REFUSED:
            paragraphs = _before(result)
        case Ending.CLEAN | Ending.INCOMPLETE:
            paragraphs = _after(result)
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def _before(result: Result) -> Iterator[list[str]]:
    rows, found = list(result.rows()), result.inventory
    if not rows:
        yield [f"On {result.server} there is nothing that the operator manages."]
    else:
        yield [f"On {result.server} the operator manages {_count(rows)}:", *_table(rows)]
        if found.denied:
            yield [
                f"Without them nothing of the operator's denies anything any more in"
                f" {_names(found.denied)}. What policies of others deny, they go on denying."
            ]
    yield from _stays(result)
    lease = result.operator
    if lease is not None:
        yield [
            f"An operator is at work: {lease.holder} holds the Lease"
            f" {lease.namespace}/{lease.name}. It would write everything again: stop it first.",
            "Suspend what would start it again (Flux, Argo CD), and then:",
            f"  kubectl -n {lease.namespace} scale deployment/homelab-netpol --replicas=0",
        ]
    if result.ending is Ending.REFUSED:
        yield ["Nothing was changed."]
    elif rows:
        yield ["Nothing was changed. With --yes all of this is removed."]


def _after(result: Result) -> Iterator[list[str]]:
    rows = list(result.rows())
    left = [row for row in rows if row.state == "left"]
    if rows:
        yield [f"Removed from {result.server}: {len(rows) - len(left)} of {_count(rows)}."]
    if result.stopped:
        yield [f"Stopped: {result.stopped}."]
    if left:
        yield ["Left:", *(f"  {_place(row)}: {row.reason}" for row in left)]
    if result.ending is Ending.CLEAN:
        yield ["Nothing that the operator manages is left."]
    else:
        yield [
            "Where it got to, nothing of the operator's denies anything any more. Run it again, and"
            " it goes on where it was; or start the operator again, which puts everything back."
        ]
    yield from _stays(result)


def _stays(result: Result) -> Iterator[list[str]]:
    found = result.inventory
    if found.open_hatches:
        yield [
            f"The escape hatch is open in {_names(found.open_hatches)}. Without the operator's"
            " policies its label means nothing: take it off."
        ]
    if found.unmanaged:
        yield [
            "These look like the operator's, and stay:",
            *(f"  {each.key}: {each.reason}" for each in found.unmanaged),
        ]
    if found.labelled:
        yield [f"The labels and annotations on {_names(found.labelled)} stay."]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    what = "Namespace" if len(names) == 1 else "Namespaces"
    return f"{len(names)} {what} ({shown}{rest})"


def _count(rows: Sequence[Row]) -> str:
    return "1 object" if len(rows) == 1 else f"{len(rows)} objects"


def _place(row: Row) -> str:
    return f"{row.kind} {row.name}" + (f" in {row.namespace}" if row.namespace else "")


def _table(rows: Iterable[Row]) -> list[str]:
    lines = [(row.kind, row.namespace, row.name, row.component) for row in (_HEAD, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  "
        + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
