"""An operator whose account lacks one right: what it cannot do, and that the right mends it."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.audited import HOME, Asked, AuditedPlane, Right
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.service_account import install, place, user, write_kubeconfig
from tests.cluster.spaces import Spaces
from tests.rights.roles import without
from tests.running_operator import RunningOperator, running_operator

# All that the operator can be asked for, so that every right has something to be needed for.
SETTINGS: Mapping[str, Any] = {
    "resyncSeconds": 1,
    "inspectionSeconds": 1,
    "leaderElection": {"enabled": True, "namespace": HOME, "leaseSeconds": 3},
    "admission": {"enabled": True},
    "mesh": {"authorizationPolicies": True, "mtls": "strict"},
}
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Play:
    """A short scenario that needs a right.

    Attributes:
        done: what the operator achieves by it. Asked again and again, it may nudge the operator.
        act: what happens once the operator is ready; None: all that is needed is there before.
        settings: beside those of all scenarios.
        says: words of the log's line about the lack, beside the resource's name.
        restart: the right is only asked for at the start.
    """

    done: Callable[[RunningOperator], object]
    act: Callable[[], None] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    says: str = "cannot {verb} resource"
    restart: bool = False


class Stage:
    """Where scenarios play: a control plane with whatever earlier ones left behind.

    Attributes:
        kube: the control plane, as its administrator.
        spaces: makes Namespaces.
        definitions: makes custom resources.
    """

    def __init__(self, plane: AuditedPlane, kube: Kube, folder: Path) -> None:
        self.kube = kube
        self.spaces = Spaces(kube)
        self.definitions = Definitions(kube)
        self._plane = plane
        self._folder = folder
        self._undo = contextlib.ExitStack()

    def afterwards(self, path: str) -> None:
        """Has an object deleted when the scenario is over."""
        self._undo.callback(self.kube.delete, path)

    def clear(self) -> None:
        """Takes away what the scenario made."""
        self._undo.close()
        self.definitions.clear()
        self.spaces.clear()

    def play(
        self, right: Right, prepare: Callable[[Stage], Play], *, namespace: str = HOME
    ) -> None:
        """Plays a scenario without a right, and with it; `namespace` is where it is given."""
        account = f"without-{os.getpid()}-{next(_number)}"
        lacking = without([right], account, namespace=namespace)
        install(self.kube, lacking)
        kubeconfig = write_kubeconfig(self.kube, self._plane, account, self._folder / account)
        play = prepare(self)
        with self._operator(kubeconfig, play) as operator:
            if play.act is not None:
                operator.wait_ready()
                if right.verb == "watch":
                    # What lists before it watches must have listed before there is any news.
                    eventually(lambda: self._refused(account), f"{right} to be refused")
                play.act()
            eventually(lambda: self._refused(account), f"{right} to be refused")
            assert not play.done(operator), f"{right} is not needed for it"
            words = (play.says.format(verb=right.verb), right.resource.partition("/")[0])
            eventually(lambda: _says(operator, *words), f"the log to say {words}")
            if not play.restart:
                self._give_back(account, lacking)
                eventually(lambda: play.done(operator), f"what {right} is needed for")
        if play.restart:
            self._give_back(account, lacking)
            with self._operator(kubeconfig, play) as operator:
                operator.wait_ready()
                eventually(lambda: play.done(operator), f"what {right} is needed for")
        assert {asked.right for asked in self._refused(account)} == {right}

    @contextlib.contextmanager
    def _operator(self, kubeconfig: Path, play: Play) -> Iterator[RunningOperator]:
        settings = {**SETTINGS, **play.settings}
        with running_operator(kubeconfig, settings, ready_seconds=None) as operator:
            yield operator

    def _refused(self, account: str) -> list[Asked]:
        return [asked for asked in self._plane.asked(user(account)) if not asked.permitted]

    def _give_back(self, account: str, lacking: list[Manifest]) -> None:
        whole = {place(document): document for document in without([], account)}
        for document in lacking:
            path = place(document)
            if whole[path] != document:
                self.kube.replace(path, whole[path])


def _says(operator: RunningOperator, *words: str) -> bool:
    lines = operator.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(all(word in line for word in words) for line in lines)
