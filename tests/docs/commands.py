"""Runs what a page shows, command by command, against a cluster of the page's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.control_plane import ControlPlane
from tests.docs.deployed import Deployed
from tests.docs.flows import write_flows
from tests.docs.pages import BASH, ROOT, Command, SavedFile
from tests.docs.printed import differences
from tests.tools import tool

# What a reader has beside him: the checkout, without what no command reads.
_CHECKOUT = ("charts", "crds", "docs", "manifests", "templates")
_COMMAND_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 20.0
# They change nothing, so whoever is told less than he expected looks again.
_LOOKS = re.compile(
    r"(kubectl( -\S+( [\w-]+)?)* (get|describe|events|rollout status|wait|auth|explain)"
    r"|curl|hubble|jq)\b"
)
_TOOLS = ("helm", "kustomize", "kubeconform")


class Failed(AssertionError):
    """A command of a page that did not do what the page says."""

    def __init__(self, command: Command, why: str) -> None:
        super().__init__(f"{command}\n{why}")


class Desk:
    """Where a reader sits: a checkout, a shell, and a cluster.

    Args:
        folder: an empty one.
        plane: the cluster.
        deployed: the operator in it.
        audit_log: the log of its API server.
        wanted: all that will be typed, to have the programs ready that it needs.
    """

    def __init__(
        self,
        folder: Path,
        plane: ControlPlane,
        deployed: Deployed,
        audit_log: Path,
        wanted: Sequence[str],
    ) -> None:
        self._checkout = folder / "checkout"
        self._deployed = deployed
        self._audit_log = audit_log
        for name in _CHECKOUT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self._checkout / name)
        programs = folder / "bin"
        programs.mkdir()
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "KUBECONFIG": str(plane.kubeconfig),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
        }
        _script(programs / "homelab-netpol", f'exec {sys.executable} -m homelab_netpol "$@"')
        typed = "\n".join(wanted)
        for name in _TOOLS:
            if re.search(rf"\b{name} ", typed):
                (programs / name).symlink_to(tool(name))
        if re.search("hubble observe|netpol (diagnose|watch-change)", typed):
            flows, later = folder / "flows.json", folder / "later.json"
            write_flows(flows)
            # With --input-file it does not follow: what goes on is the same once more, later.
            _script(
                programs / "hubble",
                f'case " $* " in *" --follow "*)\n'
                f'  {tool("hubble")} "$@" --input-file {flows}\n'
                f"  sleep 6\n"
                f"  PYTHONPATH={ROOT} {sys.executable} -m tests.docs.flows {later}\n"
                f'  {tool("hubble")} "$@" --input-file {later}\n'
                f"  exec sleep 600;;\n"
                f"esac\n"
                f'exec {tool("hubble")} "$@" --input-file {flows}',
            )

    def save(self, file: SavedFile) -> None:
        """Saves a file that the page shows."""
        path = self._checkout / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")

    def run(self, command: Command) -> None:
        """Runs a command, and compares what it prints with what the page shows.

        Raises:
            Failed: it failed, or printed something else.
        """
        deadline = time.monotonic() + _LOOK_AGAIN_SECONDS
        while True:
            why = self._attempt(command)
            if why is None:
                break
            if not _LOOKS.match(command.text) or time.monotonic() > deadline:
                raise Failed(command, why)
            time.sleep(0.2)
        self._deployed.settle()

    def _attempt(self, command: Command) -> str | None:
        """Runs it once; says what is wrong, if anything is."""
        text = command.text
        for shown, here in self._stand_ins().items():
            text = text.replace(shown, here)
        try:
            ran = subprocess.run(
                [BASH, "-o", "pipefail", "-ec", text],
                cwd=self._checkout,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"It has not ended after {_COMMAND_SECONDS:g} s."
        said = f"It says:\n{ran.stdout}"
        if not command.printed:
            return f"It ends with status {ran.returncode}. {said}" if ran.returncode else None
        # What the page shows may be a refusal, so then its status is not looked at.
        wrong = differences(command.printed, ran.stdout)
        return f"{wrong}\n{said}" if wrong else None

    def _stand_ins(self) -> Mapping[str, str]:
        """What the pages name, and where it is here."""
        operator = self._deployed.operator
        url = operator.url.removeprefix("http://") if operator else "localhost:8080"
        return {
            "/var/log/kubernetes/audit/audit.log": str(self._audit_log),
            # The page has forwarded a port, for which a kubelet is needed.
            "localhost:8080": url,
            "--for 5m": "--for 20s",
        }


def _script(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    path.chmod(0o755)
