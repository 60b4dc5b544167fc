"""`homelab-netpol watch-change`: what passed before a change of labels, and is dropped since."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_namespaces
from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option
from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, ClusterError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta

    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cli.change_view import ChangeView
    from homelab_netpol.cli.flow_input import FlowInput
    from homelab_netpol.diagnosis.change import ChangeWatch
    from homelab_netpol.diagnosis.change_report import ChangeReport
    from homelab_netpol.flows import Flow

_FOR, _HISTORY = "5m", "15m"
_FLOWS = click.Path()


@click.command(short_help="What passed before a change of labels, and is dropped since.")
@click.argument("watched", metavar="NAMESPACE", shell_complete=complete_namespaces)
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    help=f"Watch so long; of hubble {_FOR}, if not given, of --after to its end.",
)
@click.option(
    "--since",
    metavar="DURATION|TIME",
    help="When the labels changed. Without it, as the cluster says, if that was in the last hour;"
    " else now.",
)
@click.option(
    "--history",
    metavar="DURATION",
    default=_HISTORY,
    show_default=True,
    help="What passed so long before the change is compared with.",
)
@click.option("--before", type=_FLOWS, metavar="FILE", help="Flows of before, not of hubble.")
@click.option("--after", type=_FLOWS, metavar="FILE|-", help="Flows since, not of hubble.")
@click.option(
    "--fail-on",
    type=click.Choice(["broken", "new-drops"]),
    default="broken",
    show_default=True,
    help="What status 1 is for; new-drops: also for drops of what was not seen before.",
)
@input_options()
@config_option
@output_option("table", "json", "markdown")
def watch_change(
    watched: str,
    duration: str | None,
    since: str | None,
    history: str,
    before: str | None,
    after: str | None,
    fail_on: str,
    inputs: InputOptions,
    config: Path | None,
    output: str,
) -> None:
    """Watch a Namespace whose labels changed: what passed before and is dropped since, and why.

    Flows come from hubble, which is called, or from two files of hubble observe -o json. Compared
    is who talks to whom on which port, not single pods. What is dropped is explained as diagnose
    does, by the policies of -f, -k or the cluster. Nothing is written to a cluster.

    \b
    homelab-netpol watch-change photos
    homelab-netpol watch-change photos --since 10m --for 2m -o markdown >> "$GITHUB_STEP_SUMMARY"
    homelab-netpol watch-change photos --before before.json --after after.json -f cluster/

    Exit status: 0 nothing that passed before is dropped; 1 something is; 2 when the command line,
    the settings or the input cannot be used; 3 when nothing certain can be said: no flow was seen,
    flows were lost, hubble ended early, it was interrupted, or the cluster could not be read.
    """  # click keeps the lines of a paragraph that begins with this character
    from homelab_netpol.cli.change_view import ChangeView
    from homelab_netpol.cli.flow_input import FlowInput, hubble_command
    from homelab_netpol.cli.inputs import read_model
    from homelab_netpol.diagnosis.change import ChangeWatch
    from homelab_netpol.diagnosis.diagnose import Diagnoser
    from homelab_netpol.garbage import what_stays_left_alone

    if (before is None) != (after is None):
        raise InputError("--before and --after belong together; without them hubble is called")
    if before is not None and since is not None:
        raise InputError("--since is for hubble: --before and --after say what was when")
    if before == "-" or (after == "-" and "-" in inputs.files):
        raise InputError("standard input (-) is for --after or for manifests, once")
    length = _length("--for", duration or _FOR) if duration or before is None else None
    reach = _length("--history", history)
    files = [FlowInput([each]) for each in (before, after) if each is not None]
    if not files:
        hubble_command(follow=True)  # whether it is there is said before the cluster is read
    model = read_model(inputs, config, ["HTTPRoute"], calico=True)
    if watched not in model.namespaces:
        raise InputError(f"there is no Namespace {watched} in what is given")
    changed = None
    if before is None:
        changed = _moment_of_change(model, watched, since, inputs)
    watch = ChangeWatch(Diagnoser(model).platform)
    view = ChangeView(watched, changed, watch, length)
    run = _Run(watched, watch, view)
    with view.shown(), _ended_by_term(), what_stays_left_alone():
        if files:
            run.of_files(files, length.total_seconds() if length is not None else None)
        elif changed is not None and length is not None:
            run.of_hubble(changed, reach, length.total_seconds())
    if inputs.from_cluster and before is None:
        # The operator may have followed the label while flows were watched.
        model = read_model(inputs, config, ["HTTPRoute"], calico=True)
    report = _report(run, model, watched, changed, watch)
    view.print(report, model, run.reader.read, output=output)
    raise SystemExit(_status(report, fail_on))


def _report(
    run: _Run,
    model: ClusterModel,
    namespace: str,
    changed: datetime | None,
    watch: ChangeWatch,
) -> ChangeReport:
    from homelab_netpol.cli.flow_input import no_flows
    from homelab_netpol.diagnosis.change_report import change_report
    from homelab_netpol.diagnosis.diagnose import Diagnoser

    read = run.reader.read
    if not read.flows and not read.events and read.unreadable + read.others:
        raise InputError(no_flows(read))
    if run.gaps and not read.flows and not read.events:
        raise ClusterError(run.gaps[0])
    gaps = list(run.gaps)
    if read.lost:
        gaps.append(f"Hubble lost {read.lost:,} flows, which may have been drops")
    return change_report(
        namespace, changed, watch, Diagnoser(model), [*gaps, *model.manifests.gaps]
    )


class _Run:
    """Reads flows to their end, or as long as is wanted."""

    def __init__(self, namespace: str, watch: ChangeWatch, view: ChangeView) -> None:
        from homelab_netpol.flows import FlowReader

        self.reader = FlowReader(with_forwarded=True)
        self.gaps: list[str] = []
        self._namespace = namespace
        self._watch = watch
        self._view = view

    def of_files(self, files: Sequence[FlowInput], seconds: float | None) -> None:
        """Two files, or one and standard input."""
        before, after = files
        if self._read(before, lambda _: False, None):
            self._read(after, lambda _: True, seconds)

    def of_hubble(self, changed: datetime, history: timedelta, seconds: float) -> None:
        """What hubble has of before, and goes on with."""
        from homelab_netpol.cli.flow_input import FlowInput, hubble_command
        from homelab_netpol.intent.deadline import format_moment

        try:
            since = format_moment(changed - history)
        except OverflowError:
            raise InputError("--history reaches back before all time") from None
        given = FlowInput((), hubble_command(follow=True, namespace=self._namespace, since=since))
        began = time.monotonic()
        ended = self._read(given, lambda flow: flow.time is None or flow.time >= changed, seconds)
        if ended and not given.ended:
            lasted = f"{time.monotonic() - began:.0f}s of {seconds:.0f}s"
            self.gaps.append(f"hubble ended early, after {lasted}")

    def _read(
        self, given: FlowInput, is_after: Callable[[Flow], bool], seconds: float | None
    ) -> bool:
        """Reads on; whether it came to the input's end."""
        from homelab_netpol.flows import documents

        end = time.monotonic() + seconds if seconds is not None else None
        chunks = given.chunks()
        try:
            for flow in self.reader.flows(documents(chunks)):
                if flow is not None and self._is_asked(flow):
                    after = is_after(flow)
                    if self._watch.add(flow, after=after):
                        self._view.broken(flow)
                self._view.tick()
                if end is not None and time.monotonic() >= end:
                    return False
        except KeyboardInterrupt:
            self.gaps.append("it was interrupted before its end")
            return False
        finally:
            chunks.close()
        if given.ended:
            self.gaps.append(given.ended)
        return True

    def _is_asked(self, flow: Flow) -> bool:
        return self._namespace in (flow.source.namespace, flow.destination.namespace)


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Meanwhile SIGTERM, as of `timeout` and of pipelines, is as Ctrl-C: what is known is said."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not in the main thread, which alone may ask for signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _moment_of_change(
    model: ClusterModel, namespace: str, since: str | None, inputs: InputOptions
) -> datetime:
    """When the labels changed: as is said, as the cluster knows, or now."""
    from datetime import UTC, datetime, timedelta

    from homelab_netpol.cli.flow_input import moment_of
    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.diagnosis.change_moment import changed_at
    from homelab_netpol.intent.deadline import format_moment

    now = datetime.now(UTC)
    if since is not None:
        said = moment_of(since)
        if said is None or said > now:
            raise InputError(f"--since {since}: that is not a moment of the past")
        return said
    known = changed_at(model, namespace) if inputs.from_cluster else None
    if known is None or not now - timedelta(hours=1) <= known <= now:
        return now
    remark(
        f"the labels of {namespace}, or its policies, changed at {format_moment(known)}: flows"
        " since then count as after the change (--since says otherwise)"
    )
    return known


def _length(option: str, text: str) -> timedelta:
    from datetime import UTC, datetime

    from homelab_netpol.intent.deadline import parse_deadline, parse_moment

    now = datetime.now(UTC)
    end = parse_deadline(text, now) if parse_moment(text) is None else None
    if end is None:
        raise InputError(f"{option} {text}: write a duration, as in 5m or 1h30m")
    return end - now


def _status(report: ChangeReport, fail_on: str) -> int:
    if report.broken or (fail_on == "new-drops" and report.new):
        return FOUND
    return INCOMPLETE if report.gaps else OK
