"""`homelab-netpol diagnose`: why flows are dropped, and the one label that lets each pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_labels
from homelab_netpol.cli.options import (
    InputOptions,
    complete_files,
    config_option,
    input_options,
    output_option,
)
from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, ClusterError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cli.diagnose_view import View
    from homelab_netpol.cli.flow_input import FlowInput
    from homelab_netpol.diagnosis.groups import Groups
    from homelab_netpol.flows import Flow, FlowReader

_TOP = 30


@click.command(short_help="Why flows are dropped, and the one label that lets each pass.")
@click.argument("flows", metavar="[FILE|-]...", nargs=-1, shell_complete=complete_files)
@click.option("--follow", is_flag=True, help="Go on with what hubble observes, until Ctrl-C.")
@click.option(
    "--since",
    metavar="DURATION|TIME",
    help="Only flows since then, as in 5m or 2026-03-01T22:00:00Z. Of hubble without --follow the"
    " last 5m, if not given.",
)
@click.option(
    "--as",
    "as_labels",
    multiple=True,
    metavar="LABEL,...",
    shell_complete=complete_labels,
    help="Judge the flows that passed as if the Namespace of -n had these labels and no others of"
    " the operator's, as in profile=internal,postgres: what would be dropped.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Print the labels and resources that are missing as manifests to merge in git. Nothing is"
    " applied.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=_TOP,
    show_default=True,
    help="So many groups of flows are explained, those first that are most.",
)
@input_options(one_namespace=True)
@config_option
@output_option("table", "json", "markdown")
def diagnose(
    flows: tuple[str, ...],
    follow: bool,
    since: str | None,
    as_labels: tuple[str, ...],
    fix: bool,
    top: int,
    inputs: InputOptions,
    config: Path | None,
    output: str,
) -> None:
    """Say why flows are dropped, and the one label, annotation or resource that lets each pass.

    Each is proven by asking Cilium's rules again with it. FILE holds Hubble's JSON (hubble observe
    -o json) or Cilium's PacketDrop Events (kubectl get events -o json); without one, hubble is
    called. The policies are those of -f, -k or the cluster. With -n, only flows of that Namespace.
    Nothing is written to a cluster.

    \b
    hubble observe --verdict DROPPED --since 5m -o json | homelab-netpol diagnose -
    homelab-netpol diagnose drops.json -f cluster/ --fix
    homelab-netpol diagnose -n photos --follow
    homelab-netpol diagnose flows.json -n photos --as profile=internal,postgres

    Exit status: 0 no drop was found; 1 one was, or with --as would be; 2 when the command line, the
    settings or the input cannot be used; 3 when the cluster or hubble could not be read, or only in
    part.
    """  # click keeps the lines of a paragraph that begins with this character
    from homelab_netpol.cli.diagnose_view import View
    from homelab_netpol.cli.flow_input import FlowInput, hubble_command, moment_of
    from homelab_netpol.cli.inputs import read_model
    from homelab_netpol.diagnosis.diagnose import Diagnoser
    from homelab_netpol.diagnosis.groups import Groups
    from homelab_netpol.flows import FlowReader

    if follow and flows:
        raise InputError("--follow is for hubble itself: leave the file out, or pipe into -")
    if flows.count("-") + inputs.files.count("-") > 1:
        raise InputError("standard input (-) can be given once only: for flows or for manifests")
    if as_labels and inputs.namespace is None:
        raise InputError("--as says a Namespace's labels: name it with -n")
    if fix and output != "table":
        raise InputError("--fix prints manifests: leave -o out")
    cutoff = moment_of(since) if since is not None else None
    command: list[str] = []
    if not flows:
        verdicts = ["FORWARDED"] if as_labels else ["DROPPED", "AUDIT"]
        command = hubble_command(
            follow=follow, namespace=inputs.namespace, since=since, verdicts=verdicts
        )
    given = FlowInput(flows, command)
    # Routes say which DNS names are served by the cluster's own gateways.
    model = read_model(inputs, config, ["HTTPRoute"], calico=True)
    if as_labels:
        model = _with_labels(model, inputs.namespace or "", as_labels)
    reader = FlowReader(with_forwarded=bool(as_labels))
    diagnoser = Diagnoser(model)
    groups = Groups(diagnoser.platform)
    view = View(diagnoser, groups, reader.read, top, shadow=bool(as_labels))
    wanted = _Wanted(inputs.namespace, cutoff, shadow=bool(as_labels))
    _follow(given, reader, groups, view, wanted, live=given.is_live and output == "table")
    status = _end(view, given, reader, fix=fix, output=output)
    raise SystemExit(status)


class _Wanted:
    """Which flows are asked about."""

    def __init__(self, namespace: str | None, cutoff: datetime | None, *, shadow: bool) -> None:
        self._namespace = namespace
        self._cutoff = cutoff
        self._shadow = shadow

    def __call__(self, flow: Flow) -> Flow | None:
        """The flow as it is asked about; None: it is not."""
        from homelab_netpol.diagnosis.shadow import seen_from
        from homelab_netpol.flows import Verdict

        if self._cutoff is not None and flow.time is not None and flow.time < self._cutoff:
            return None
        if self._namespace not in (None, flow.source.namespace, flow.destination.namespace):
            return None
        passed = flow.verdict is Verdict.FORWARDED
        if not self._shadow:
            return None if passed else flow
        # A reply goes by the connection that it belongs to, so no policy is asked about it.
        return seen_from(flow, self._namespace or "") if passed and not flow.is_reply else None


def _follow(
    given: FlowInput,
    reader: FlowReader,
    groups: Groups,
    view: View,
    wanted: _Wanted,
    *,
    live: bool,
) -> None:
    """Reads to the end, or until it is interrupted."""
    from homelab_netpol.flows import documents
    from homelab_netpol.garbage import what_stays_left_alone

    with view.shown(live=live), what_stays_left_alone():
        try:
            for flow in reader.flows(documents(given.chunks())):
                if flow is None:
                    view.pause()
                    continue
                asked = wanted(flow)
                if asked is not None:
                    groups.add(asked)
                    view.tick()
        except KeyboardInterrupt:
            # The way to end a live view: what was seen until then is the answer.
            pass


def _end(view: View, given: FlowInput, reader: FlowReader, *, fix: bool, output: str) -> int:
    """Prints the answer; the exit status."""
    from homelab_netpol.cli.flow_input import no_flows
    from homelab_netpol.cli.inputs import remark

    read = reader.read
    if not read.flows and not read.events and read.unreadable + read.others:
        raise InputError(no_flows(read))
    gaps = list(view.gaps)
    if given.ended and not read.flows and not read.events:
        raise ClusterError(given.ended)  # an answer would look as if nothing were dropped
    if given.ended:
        gaps.append(given.ended)
        remark(given.ended)
    found = view.print(gaps, fix=fix, output=output)
    for note in read.notes():
        remark(note)
    if gaps:
        return INCOMPLETE
    return FOUND if found else OK


def _with_labels(model: ClusterModel, namespace: str, given: Sequence[str]) -> ClusterModel:
    from homelab_netpol.diagnosis.shadow import ShadowError, labels_of, model_with
    from homelab_netpol.policy.rendering import RenderError

    try:
        labels = labels_of(model.desired.catalogue.vocabulary, given)
        return model_with(model, namespace, labels)
    except (ShadowError, RenderError) as error:
        raise InputError(str(error)) from error
