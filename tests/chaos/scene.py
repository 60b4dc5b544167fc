"""A cluster on which things go wrong, and what is needed to judge what came of it."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from urllib3.exceptions import HTTPError

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings, parse_settings
from lab.control_plane import ControlPlane
from tests.chaos.audit import Asked, read_audit
from tests.chaos.churn import Churn
from tests.chaos.clock import Clock
from tests.chaos.history import read_history, revision_now
from tests.chaos.judge import Case, Verdict, judge
from tests.chaos.kubelet import Kubelet
from tests.chaos.ledger import Entry, write_ledger
from tests.chaos.rights import USERS, Rights
from tests.chaos.settled import differences
from tests.chaos.timeline import Blindness
from tests.cluster.kube import Kube, eventually

SETTLE_SECONDS, LOOK_SECONDS = 60.0, 0.25
# What fails again and again is tried again after five seconds, and a quarter more, at the latest.
RETRY_SECONDS = 7.0
SEEN = "chaos"


@dataclass(frozen=True, slots=True)
class Stage:
    """A control plane that writes down all that is done to it.

    Attributes:
        plane: the control plane.
        kube: the tests' own eyes and hands.
        rights: who the operator is.
        log: the audit log.
    """

    plane: ControlPlane
    kube: Kube
    rights: Rights
    log: Path


class Scene:
    """One test's view of a control plane that its whole module shares.

    Attributes:
        stage: the control plane.
        seed: of everything that is random.
        since: the revision at which this scene began.
        blind: add here from when until when a fault kept news from the operator.
        clocks: add here by how many seconds an operator's clock was off.
        settings: what the operator runs with, as its settings file says it.
    """

    _number = itertools.count(1)

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        seed: str,
        record: Callable[[str, object], None],
    ) -> None:
        self.stage = stage
        self.plane, self.kube, self.rights = stage.plane, stage.kube, stage.rights
        self.seed = seed
        self.blind: list[tuple[float, float]] = []
        self.clocks: list[float] = [0.0]
        # What goes is judged as it goes; the grace for it has tests of its own.
        self.settings: dict[str, Any] = {"labelGraceSeconds": 0}
        self._folder = folder
        self._record = record
        self.since = revision_now(stage.plane.ports.etcd)
        self._kubelets: list[Kubelet] = []

    def folder(self) -> Path:
        """A fresh folder."""
        folder = self._folder / f"{next(self._number)}"
        folder.mkdir()
        return folder

    def operator(
        self,
        account: str = "homelab-netpol",
        *,
        kubeconfig: Path | None = None,
        clock: Clock | None = None,
        output: int | None = None,
    ) -> Kubelet:
        """An operator that is kept running for the length of a `with` block.

        Args:
            account: its service account.
            kubeconfig: to use instead, such as a proxy's.
            clock: the clock of its node; None: a right one.
            output: a file descriptor that takes what it writes; None: a log file.
        """
        folder = self.folder()
        kubelet = Kubelet(
            kubeconfig or self.kubeconfig(account, folder),
            self.settings,
            folder=folder,
            group=self.plane.group,
            module="tests.chaos.clocked" if clock else "homelab_netpol",
            environment=clock.environment if clock else {},
            output=output,
        )
        self._kubelets.append(kubelet)
        return kubelet

    def kubeconfig(self, account: str, folder: Path) -> Path:
        """A kubeconfig file with a token of a service account."""
        path = folder / "kubeconfig"
        self.rights.write_kubeconfig(account, path)
        return path

    def churn(self) -> Churn:
        """People and tools at work for the length of a `with` block."""
        plane = self.plane
        return Churn(plane.kubeconfig, plane.context, seed=self.seed)

    @contextlib.contextmanager
    def blinding(self) -> Iterator[None]:
        """What happens in the block keeps news from the operator, until it has tried again."""
        began = time.time()
        try:
            yield
        finally:
            self.blind.append((began, time.time() + RETRY_SECONDS))

    def settle(self) -> None:
        """Waits until the cluster has come to rest, as it should be."""
        catalogue = Catalogue(self._parsed())

        def look() -> bool:
            # Not more often: the machine has better things to do just now.
            time.sleep(LOOK_SECONDS)
            try:
                found = differences(self.kube, catalogue)
            except (HTTPError, OSError) as error:
                raise AssertionError(f"the API server is away: {error}") from error
            assert not found, found[:8]
            return True

        try:
            eventually(look, "everything to be as the labels say", seconds=SETTLE_SECONDS)
        except AssertionError as error:
            self._explain(error)
            raise

    def records(self) -> tuple[list[Entry], list[Asked]]:
        """All that was stored up to now, and all that was asked for."""
        asked = read_audit(self.stage.log)
        return write_ledger(read_history(self.plane.ports.etcd), asked), asked

    def judge(self, what: str) -> Verdict:
        """Waits for rest, and judges all that happened since this scene began; says `what` it was.

        Raises:
            AssertionError: a promise was broken.
        """
        self.settle()
        entries, asked = self.records()
        case = Case(
            entries,
            asked,
            USERS,
            self._parsed(),
            since=self.since,
            blindness=Blindness(spells=tuple(self.blind)),
            clocks=tuple(self.clocks),
            elects="leaderElection" in self.settings,
        )
        verdict = judge(case)
        ends = [why for kubelet in self._kubelets for why in kubelet.ended_by_itself]
        ended = f"; the operator ended by itself: {', '.join(ends)}" if ends else ""
        self._record(SEEN, f"{what}: {verdict}{ended}")
        if verdict.findings:
            error = AssertionError(
                f"{len(verdict.findings)} promises broken (seed {self.seed}):\n"
                + "\n".join(f"- {finding[:700]}" for finding in verdict.findings[:12])
            )
            self._explain(error)
            raise error
        return verdict

    def report(self, line: str) -> None:
        """Has something said at the end of the run."""
        self._record(SEEN, line)

    def _parsed(self) -> Settings:
        return parse_settings(yaml.safe_dump(self.settings))

    def _explain(self, error: AssertionError) -> None:
        record = self._folder / "record.txt"
        with contextlib.suppress(OSError):  # etcd may be what is away
            entries, _ = self.records()
            lines = [f"{each}\n" for each in entries if each.revision > self.since]
            record.write_text("".join(lines), encoding="utf-8")
            error.add_note(f"what was stored, by whom and when: {record}")
        error.add_note(f"seed {self.seed}")
        for kubelet in self._kubelets:
            error.add_note(kubelet.log_tail())
