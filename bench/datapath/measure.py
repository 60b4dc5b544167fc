"""Measures everything with each configuration of the agent, and writes a table."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.datapath.changes import (
    Timed,
    grant_changes,
    hatch_changes,
    operator_changes,
    without_operator,
    write_static_policies,
)
from bench.datapath.home import datapath_home
from bench.figures import percentile
from bench.subjects import OURS, own, running
from lab.control_plane import Lab
from lab.datapath.agent import LABELS_LEFT_OUT, QUICK_IDENTITIES

# Who acts, and the agent's options.
CONFIGURATIONS: Mapping[str, tuple[str, Sequence[str]]] = {
    "as Cilium comes": (OURS, ()),
    "labels left out": (OURS, LABELS_LEFT_OUT),
    "labels left out, no delay": (OURS, (*LABELS_LEFT_OUT, *QUICK_IDENTITIES)),
    "static policies, as Cilium comes": ("static", ()),
    "static policies, no delay": ("static", QUICK_IDENTITIES),
}
# A label that was taken away counts for a second more, in case it comes back.
_AS_IT_COMES = {"labelGraceSeconds": 1}
_SETTLE_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
# Long enough for identities to be what labels say, with Cilium's defaults and without delays.
_IDENTITY_SECONDS, _QUICK_SECONDS = 38.0, 2.0


def measure(name: str, samples: int, hatches: int, namespaces: int) -> list[Timed]:
    """All samples with one configuration.

    Args:
        name: of `CONFIGURATIONS`.
        samples: rounds of grants and profiles.
        hatches: rounds that open and close the hatch, and wait for identities.
        namespaces: how many others have a profile meanwhile.
    """
    who, options = CONFIGURATIONS[name]
    settled = _QUICK_SECONDS if set(QUICK_IDENTITIES) <= set(options) else _IDENTITY_SECONDS
    # The next change waits for the identity that the last one led to, if it led to one.
    pause = _PAUSE_SECONDS if set(LABELS_LEFT_OUT) <= set(options) else settled
    lab = Lab()
    found: list[Timed] = []
    with datapath_home(lab, options) as (home, plane):
        home.populate(namespaces)
        if who == "static":
            write_static_policies(home)
            time.sleep(_SETTLE_SECONDS)
            for _ in range(samples):
                found += grant_changes(home, _PAUSE_SECONDS)
            return found
        with (
            tempfile.TemporaryDirectory(prefix="homelab-netpol-bench-") as folder,
            running(own(), plane.kubeconfig, Path(folder), plane.group, _AS_IT_COMES),
        ):
            time.sleep(_SETTLE_SECONDS)
            for _ in range(samples):
                found += operator_changes(home, pause)
            for _ in range(hatches):
                found += hatch_changes(home, settled)
            # Until the net leaves none of them out by name: no operator could take that back.
            time.sleep(_IDENTITY_SECONDS if hatches else 0)
        for _ in range(hatches):
            found += without_operator(home, settled)
    return found


def table(found: Mapping[str, Sequence[Timed]]) -> str:
    """A table in Markdown: for each change, p50 and p99 with each configuration."""
    by_change: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, timed in found.items():
        for change, seconds in timed:
            by_change[change][name].append(seconds)
    lines = ["| From the label to the packet | " + " | ".join(found) + " |"]
    lines += ["|---" * (len(found) + 1) + "|"]
    for change, by_name in by_change.items():
        cells = (_cell(by_name[name]) if name in by_name else "" for name in found)
        lines.append(f"| {change} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(seconds: Sequence[float]) -> str:
    middle, high = (percentile(seconds, share) for share in (0.5, 0.99))
    return f"{_text(middle)}, p99 {_text(high)} ({len(seconds)})"


def _text(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
