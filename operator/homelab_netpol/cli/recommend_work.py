"""Does what `recommend` is asked: reads, asks the cluster in memory, prints."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homelab_netpol.cli.flow_input import FlowInput, hubble_command, moment_of, no_flows
from homelab_netpol.cli.inputs import read_model
from homelab_netpol.cli.options import InputOptions
from homelab_netpol.cli.recommend_questions import refuse_platform
from homelab_netpol.cli.recommend_view import PlanView, print_findings, show_progress
from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, ClusterError, InputError
from homelab_netpol.diagnosis.elsewhere import with_namespaces
from homelab_netpol.flows import FlowReader, documents
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.recommendation.from_policies import needs_of_policies
from homelab_netpol.recommendation.needs import SeenNeeds, by_namespace
from homelab_netpol.recommendation.recommend import recommend
from homelab_netpol.recommendation.scope import Scope, open_ways, scope_of
from homelab_netpol.recommendation.unused import Span, Use, unused

if TYPE_CHECKING:
    from datetime import datetime

    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.recommendation.needs import Need


@dataclass
class Work:
    """One call of the command.

    Attributes:
        flows: files of flows; none: hubble is called.
        source: `flows` or `policies`.
        since: only flows since then.
        inputs: where the cluster is read from.
        config: the operator's settings.
        output: the format.
    """

    flows: Sequence[str]
    source: str
    since: str | None
    inputs: InputOptions
    config: Path | None
    output: str

    def recommend(
        self,
        namespace: str | None,
        *,
        narrow: bool,
        without_policies: bool,
        output_dir: Path | None,
    ) -> int:
        """Recommends labels for a Namespace, or for all; the exit status.

        Raises:
            InputError: something given cannot be used.
            ClusterError: the cluster or hubble cannot be read.
        """
        if output_dir is not None:
            _must_be_free(output_dir)
        from_policies = self.source == "policies"
        given = None if from_policies else self._flow_input(namespace)
        model = read_model(self.inputs, self.config, ["HTTPRoute"])
        gaps = list(model.manifests.gaps)
        if namespace is not None:
            _must_be_there(model, namespace)
        notes: list[str] = []
        seen = None
        if given is not None:
            seen = self._seen(given, namespace, gaps, notes)
            model = _with_namespaces(model, seen)
        without = without_policies or from_policies
        scope = scope_of(model, namespace, from_policies=from_policies, without_policies=without)
        try:
            model, needs = self._needs(model, scope, seen, notes)
            if not needs and namespace is not None:
                raise InputError(_nothing(namespace, from_policies=from_policies))
            if seen is not None and namespace is None:
                scope = scope.only(by_namespace(needs))
            notes += scope.notes()
            plan = recommend(
                model,
                needs,
                scope.names,
                without_policies=without,
                narrow=narrow,
                progress=show_progress,
            )
        except RenderError as error:
            raise InputError(str(error)) from error
        view = PlanView(plan, namespace, notes, gaps, seen)
        view.print(self.output)
        if output_dir is not None:
            view.write(output_dir)
        if gaps:
            return INCOMPLETE
        return FOUND if plan.unmet else OK

    def unused(self, namespace: str | None) -> int:
        """Says which grants nobody used; the exit status.

        Raises:
            InputError: something given cannot be used.
            ClusterError: the cluster or hubble cannot be read.
        """
        given = self._flow_input(namespace)
        model = read_model(self.inputs, self.config, ["HTTPRoute"])
        if namespace is not None:
            _must_be_there(model, namespace)
        gaps, notes = list(model.manifests.gaps), list[str]()
        seen = self._seen(given, namespace, gaps, notes)
        model = _with_namespaces(model, seen)
        needs = seen.needs(model)
        notes += seen.left_out.notes()
        span = Span(seen.first, seen.last, self._cutoff)
        try:
            found = unused(model, needs, span)
        except RenderError as error:
            raise InputError(str(error)) from error
        if namespace is not None:
            found = [each for each in found if each.setting.namespace == namespace]
        if span.is_short():
            gaps.append(_short(span))
        print_findings(found, span, notes, gaps, self.output)
        if gaps:
            return INCOMPLETE
        return FOUND if any(each.use in (Use.UNUSED, Use.WIDER) for each in found) else OK

    @property
    def _cutoff(self) -> datetime | None:
        return moment_of(self.since) if self.since is not None else None

    def _flow_input(self, namespace: str | None) -> FlowInput:
        command: list[str] = []
        if not self.flows:
            command = hubble_command(
                follow=False, namespace=namespace, since=self.since, verdicts=["FORWARDED", "AUDIT"]
            )
        return FlowInput(self.flows, command)

    def _seen(
        self, given: FlowInput, namespace: str | None, gaps: list[str], notes: list[str]
    ) -> SeenNeeds:
        reader = FlowReader(with_forwarded=True)
        seen = SeenNeeds(namespace, self._cutoff)
        try:
            for flow in reader.flows(documents(given.chunks())):
                if flow is not None:
                    seen.add(flow)
        except KeyboardInterrupt:
            gaps.append("interrupted: the answer is of what was read until then")
        read = reader.read
        older = seen.left_out.older
        if older and seen.first is None:
            raise InputError(f"all {older:,} flows are older than --since {self.since}")
        if not read.flows and not read.events and read.unreadable + read.others:
            raise InputError(no_flows(read))
        if given.ended and not read.flows:
            raise ClusterError(given.ended)
        if given.ended:
            gaps.append(given.ended)
        notes += read.notes()
        return seen

    def _needs(
        self, model: ClusterModel, scope: Scope, seen: SeenNeeds | None, notes: list[str]
    ) -> tuple[ClusterModel, list[Need]]:
        if seen is not None:
            needs = seen.needs(model)
            notes += seen.left_out.notes()
            if seen.first is not None and seen.last is not None:
                notes.append(
                    f"seen from {seen.first:%Y-%m-%d %H:%M} to {seen.last:%Y-%m-%d %H:%M} UTC: what"
                    " runs more rarely is not among what is needed"
                )
            return model, needs
        read = needs_of_policies(model, scope.names)
        notes += read.notes()
        notes += open_ways(model, scope.names)
        return with_namespaces(model, read.missing), read.needs


def _with_namespaces(model: ClusterModel, seen: SeenNeeds) -> ClusterModel:
    """Those as well that flows name and no file does; of a cluster, these are gone."""
    try:
        return with_namespaces(model, seen.namespaces)
    except RenderError as error:
        raise InputError(str(error)) from error


def _must_be_there(model: ClusterModel, namespace: str) -> None:
    if namespace not in model.namespaces:
        near = difflib.get_close_matches(namespace, list(model.namespaces), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"no Namespace {namespace} is given{hint}")
    refuse_platform(model.desired.catalogue, namespace)
    intent = model.desired.intents.get(namespace)
    if intent is not None and intent.platform:
        raise InputError(
            f"{namespace} is a platform namespace, which has policies by hand and no profile: see"
            f" homelab-netpol scaffold platform {namespace}"
        )


def _must_be_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--output-dir {folder}: name a folder that is new or empty")


def _nothing(namespace: str, *, from_policies: bool) -> str:
    if from_policies:
        return (
            f"{namespace}: no rule of a policy by hand allows anything to or from it, so what it"
            " needs is not known; recommend from flows"
        )
    return (
        f"{namespace}: no flow that passed was seen at either end, so what it needs is not known;"
        " look longer (--since), or at more nodes"
    )


def _short(span: Span) -> str:
    if span.first is None or span.last is None:
        return "no flow says when it was seen: for how long nobody used a grant is not known"
    days = (span.last - span.first).total_seconds() / 86_400
    return (
        f"the flows cover {days:.1f} days, from {span.first:%Y-%m-%d %H:%M} to"
        f" {span.last:%Y-%m-%d %H:%M} UTC, and not all since {span.asked:%Y-%m-%d %H:%M}: unused"
        " means only in that time"
    )
