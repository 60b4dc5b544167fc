"""One run of the demo, from starting what it needs to removing it again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from homelab_netpol.package_data import own_crds
from homelab_netpol.settings import load_settings
from lab.control_plane import Cluster, ControlPlane, Engine, ExistingCluster, Lab
from lab.demo import existing
from lab.demo.client import Client
from lab.demo.errors import DemoError
from lab.demo.findings import Findings, find
from lab.demo.follow import follow
from lab.demo.homelab import Homelab, load_homelab
from lab.demo.informer import Informer
from lab.demo.judge import Judge
from lab.demo.labelling import Owner
from lab.demo.operator_process import OperatorProcess, operator_on
from lab.demo.picture import save_picture
from lab.demo.screen import screen
from lab.demo.steps import Steps

# Events, and the policies beside shared resources, come a moment after the Namespace's own.
_SETTLE_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes:
        once: end when everything is shown.
        svg: write a picture of the screen to this file.
        log: where the operator's log goes; removed with everything else when not given.
        config: a settings file for the operator.
        existing: kubeconfig and context of a cluster to use instead of starting one.
    """

    once: bool
    svg: Path | None = None
    log: Path | None = None
    config: Path | None = None
    existing: tuple[Path, str] | None = None


@dataclass(frozen=True)
class _Running:
    """Everything that runs while the demo does."""

    cluster: Cluster
    client: Client
    informer: Informer
    judge: Judge
    operator: OperatorProcess
    versions: Mapping[str, str]

    def check(self) -> None:
        """Raises when something that must run has ended."""
        if isinstance(self.cluster, ControlPlane):
            self.cluster.check()
        self.operator.check()


class Session:
    """One run of the demo.

    Args:
        options: those of the command line.
        output: takes the tables.
        notes: takes the progress, usually on standard error.

    Raises:
        SettingsError: the settings file is wrong.
        DemoError: a file that is to be written cannot be.
    """

    def __init__(self, options: Options, output: Console, notes: Console) -> None:
        self._options = options
        self._output = output
        self._steps = Steps(notes)
        self._homelab: Homelab = load_homelab()
        self._domain = load_settings(options.config).label_domain
        for path in filter(None, (options.log, options.svg)):
            _make_writable(path)

    def run(self) -> bool:
        """Runs the demo; whether everything was as expected.

        Raises:
            DemoError: it cannot go on.
            LocalClusterError: what it needs cannot be built or started.
            KeyboardInterrupt: Ctrl-C before everything was shown.
        """
        with self._everything() as running:
            findings = self._act(running)
            content = screen(findings, running.versions, self._domain)
            self._output.print(content)
            if self._options.svg is not None:
                save_picture(content, self._options.svg)
                self._steps.say(f"The picture is in {self._options.svg}.")
            if not self._options.once:
                follow(
                    running.informer,
                    running.judge,
                    console=self._output,
                    kubeconfig=running.cluster.kubeconfig,
                    domain=self._domain,
                    check=running.check,
                )
                self._steps.say("Removing everything.")
        return not findings.differences()

    @contextmanager
    def _everything(self) -> Iterator[_Running]:
        lab = Lab()  # builds, and shows its own progress
        with ExitStack() as stack:
            engine = stack.enter_context(Engine(lab))
            cluster = self._cluster(lab)
            local = isinstance(cluster, ControlPlane)
            api_server = "a Kubernetes API server with Cilium's CRDs"
            with self._steps.step(f"{'Starting' if local else 'Opening'} {api_server}") as step:
                stack.enter_context(cluster)
                versions = {**cluster.versions(), "cilium": lab.versions["cilium"]}
                step.result = f"{'Started' if local else 'Opened'} {api_server}"
            client = Client(cluster.kubeconfig, cluster.context, direct=local)
            if not local:
                existing.refuse_if_in_use(client, self._homelab)
                stack.callback(self._leave, client)
            with self._steps.step("Starting the operator") as step:
                running = operator_on(cluster, self._operator_settings(), self._options.log)
                operator = stack.enter_context(running)
                step.result = "Started the operator"
            informer = stack.enter_context(Informer(client))
            judge = Judge(engine, self._homelab)
            yield _Running(cluster, client, informer, judge, operator, versions)

    def _cluster(self, lab: Lab) -> Cluster:
        if self._options.existing is None:
            return ControlPlane(lab=lab, crds=own_crds())
        kubeconfig, context = self._options.existing
        return ExistingCluster(kubeconfig, context, lab=lab)

    def _leave(self, client: Client) -> None:
        with self._steps.step("Removing what the demo made in the cluster") as step:
            existing.leave(client, self._homelab)
            step.result = "Removed what the demo made in the cluster"

    def _operator_settings(self) -> Mapping[str, Any]:
        settings = _settings(self._options.config)
        if self._options.existing is not None:
            # A demo must not deny traffic in other namespaces.
            settings = {"defaultDeny": "labelled", **settings}
        return settings

    def _act(self, running: _Running) -> Findings:
        """Builds the homelab, and waits until all is as expected, or long enough."""
        owner = Owner(running.client, running.informer, self._domain)
        with self._steps.step("Creating and labelling Namespaces") as step:
            owner.create(self._homelab)
            latencies = owner.label(self._homelab)
            deadline = time.monotonic() + _SETTLE_SECONDS
            while True:
                findings = find(
                    self._homelab,
                    running.informer.snapshot(),
                    running.judge,
                    running.operator.metrics(),
                    latencies,
                    self._domain,
                )
                if not findings.differences() or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            running.check()
            step.result = f"Created and labelled {len(self._homelab.namespaces)} Namespaces"
        return findings


def _make_writable(path: Path) -> None:
    """Fails now rather than after everything was started."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise DemoError(f"cannot write {path}: {error.strerror}; name another file") from error


def _settings(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise DemoError(f"cannot read the settings file {path}: {error}") from error
