"""What is compared: a bare client, our operator, and the operators that others would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.subjects import OUR_SOURCES, OURS, Subject, controller_runtime, own, plain_kopf

BARE = "bare client"
PLAIN_KOPF = "plain Kopf"
TUNED = "controller-runtime, tuned"
STOCK = "controller-runtime"
LIMITED = "controller-runtime, client-go's limit"


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the tables.

    Attributes:
        name: as the tables show it.
        subject: the operator; None is the bare client.
        ours: our own operator, of this or of another state of the sources.
        once: it is measured in the first round only, as no bar depends on its spread.
        slow: it allows itself so few requests that minutes pass in each measurement.
        resyncs: it compares everything now and then.
    """

    name: str
    subject: Subject | None
    ours: bool = False
    once: bool = False
    slow: bool = False
    resyncs: bool = True

    @property
    def key(self) -> str:
        """The name as it is typed."""
        return re.sub(r"\W+", "-", self.name.lower())


def contenders() -> list[Contender]:
    """All of them, in the order of the tables."""
    tuned = controller_runtime(TUNED, "--workers", "16", "--qps", "-1")
    # client-go's own limit, which an operator has that loads its configuration without
    # controller-runtime: that has set no limit since version 0.21, and one of 20 before.
    limited = controller_runtime(LIMITED, "--qps", "5")
    return [
        Contender(BARE, None),
        our(OURS, OUR_SOURCES),
        Contender(PLAIN_KOPF, plain_kopf(PLAIN_KOPF), resyncs=False),
        Contender(TUNED, tuned),
        Contender(STOCK, controller_runtime(STOCK), once=True),
        Contender(LIMITED, limited, once=True, slow=True),
    ]


def our(name: str, sources: Path) -> Contender:
    """Our operator from some folder of sources."""
    return Contender(name, own(name, sources), ours=True)


def pick(found: Sequence[Contender], keys: Sequence[str]) -> list[Contender]:
    """Those with these keys; all if there are none.

    Raises:
        LookupError: a key is not known; the error says which there are.
    """
    known = [each.key for each in found]
    for key in keys:
        if key not in known:
            raise LookupError(f"{key} is not known: there are {', '.join(known)}")
    return [each for each in found if not keys or each.key in keys]
