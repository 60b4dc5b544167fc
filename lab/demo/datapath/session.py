"""One run of the demo on real packets, from starting what it needs to removing it again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from homelab_netpol.package_data import own_crds
from homelab_netpol.settings import load_settings
from lab.control_plane import ControlPlane, Lab
from lab.datapath.agent import LABELS_LEFT_OUT, QUICK_IDENTITIES
from lab.datapath.datapath import Datapath
from lab.datapath.programs import datapath_programs
from lab.datapath.requirements import missing
from lab.demo.client import Client
from lab.demo.datapath.home import build
from lab.demo.datapath.screen import Screen
from lab.demo.datapath.story import Story
from lab.demo.errors import DemoError
from lab.demo.operator_process import operator_on
from lab.demo.steps import Steps

# As docs/datapath.md recommends for a cluster of few nodes.
_AGENT_OPTIONS = (*LABELS_LEFT_OUT, *QUICK_IDENTITIES)


def run(log: Path | None, output: Console, notes: Console) -> None:
    """Runs it; returns when everything was shown and removed.

    Args:
        log: where the operator's log goes; removed with everything else when not given.
        output: takes what happens to packets.
        notes: takes the progress, usually on standard error.

    Raises:
        DemoError: something is missing on this machine, or a packet does not do as it should.
        LocalClusterError: what it needs cannot be built or started.
        KeyboardInterrupt: Ctrl-C.
    """
    if lacking := missing():
        raise DemoError(f"no packets can be sent here: {lacking}")
    steps = Steps(notes)
    lab = Lab()  # builds, and shows its own progress
    datapath_programs()  # so does this; the node finds them built
    settings = load_settings(None)
    with ExitStack() as stack:
        with steps.step("Starting a Kubernetes API server with Cilium's CRDs") as step:
            plane = stack.enter_context(ControlPlane(lab=lab, crds=own_crds()))
            step.result = "Started a Kubernetes API server with Cilium's CRDs"
        with steps.step("Starting the operator") as step:
            operator = stack.enter_context(operator_on(plane, {}, log))
            step.result = "Started the operator"
        with steps.step("Starting a node with Cilium's agent") as step:
            node = stack.enter_context(Datapath(plane.kubeconfig, agent_options=_AGENT_OPTIONS))
            step.result = "Started a node with Cilium's agent"
        with steps.step("Creating Namespaces and pods") as step:
            client = Client(plane.kubeconfig, plane.context, direct=True)
            home = build(client, node, settings.label_domain)
            step.result = "Created Namespaces and pods"
        screen = Screen(output)
        screen.title(plane.versions(), _AGENT_OPTIONS)
        Story(home, plane, operator, node, screen, settings).play()
        steps.say("Removing everything.")
