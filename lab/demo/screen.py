"""Renders the findings for a terminal. Nothing is decided here.

Colours are the terminal's own named ones, so that they can be read on dark and on light, and no
meaning depends on a colour alone: a difference also shows what was expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from homelab_netpol.policy.keys import Component
from lab.demo.findings import (
    GAUGE,
    Findings,
    NamespaceFinding,
    VerdictFinding,
    WarningFinding,
)

_ALLOWED, _DENIED, _WRONG, _NOTED = "green", "magenta", "bold red", "cyan"
_NOTHING = "-"
_MEASURED = "ms: from sending the labels until a watch showed the namespace's last policy."


def screen(findings: Findings, versions: Mapping[str, str], domain: str) -> RenderableType:
    """Everything, from top to bottom."""
    ran = ", ".join(f"{name.capitalize()} {version}" for name, version in versions.items())
    return Group(
        Text.assemble(("homelab-netpol", "bold"), f" on a real API server ({ran})"),
        _section("1  Namespaces are labelled; their Cilium policies follow"),
        _namespaces(findings, domain),
        _section("2  Who may talk to whom now, says Cilium's own policy engine"),
        _verdicts(findings),
        _section("3  What Prometheus sees of the open escape hatch"),
        _gauge(findings),
        _section("4  What the owners are told, as Events"),
        _warnings(findings),
        Text(),
        verdict_on(findings),
    )


def verdict_on(findings: Findings) -> RenderableType:
    """The last line: whether all is as expected, and if not, what is not."""
    differences = findings.differences()
    if not differences:
        return Text(f"All {findings.count()} things shown are as expected.", style="bold green")
    lines = [Text(f"{len(differences)} not as expected:", style=_WRONG)]
    return Group(*lines, *(Text(f"  ✗ {line}", style="red") for line in differences))


def _section(title: str) -> Text:
    return Text(f"\n{title}", style="bold")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column)
    table.columns[0].no_wrap = True
    return table


def _namespaces(findings: Findings, domain: str) -> RenderableType:
    table = _table("namespace", "profile", "grants", "policies")
    table.add_column("ms", justify="right", no_wrap=True)
    table.columns[1].no_wrap = True
    for finding in findings.namespaces:
        table.add_row(
            Text(finding.namespace.name, style="bold"),
            _profile(finding),
            Text(", ".join(sorted(finding.in_force.grants)) or _NOTHING),
            Text(_policies(finding) or _NOTHING),
            _milliseconds(finding.latency.labels),
        )
    note = f"{_MEASURED}\nLabels: {domain}/profile, access.{domain}/<grant>."
    return Group(table, Text(note, style="dim"))


def _profile(finding: NamespaceFinding) -> Text:
    asked, in_force = finding.asked, finding.in_force.profile
    if asked == in_force:
        text = Text(in_force or ("(platform)" if finding.namespace.platform else "(none)"))
    elif in_force is None:
        text = Text.assemble((f"{asked}", "strike"), (": refused", _NOTED))
    else:
        text = Text.assemble((f"{asked}", "strike"), (f": {in_force} kept", _NOTED))
    if finding.in_force.hatch:
        text.append(", hatch open", style=_NOTED)
    if any(finding.differences()):
        text.append(" ✗", style=_WRONG)  # the last lines of the screen say what it is
    return text


def _policies(finding: NamespaceFinding) -> str:
    counted = sorted(Counter(finding.in_force.components).items(), key=_profile_first)
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in counted)


def _profile_first(counted: tuple[str, int]) -> tuple[bool, str]:
    return counted[0] != Component.PROFILE, counted[0]


def _milliseconds(measured: float | None) -> str:
    return _NOTHING if measured is None else f"{measured:.0f}"


def _verdicts(findings: Findings) -> RenderableType:
    table = _table("from → to", "verdict", "because")
    for finding in findings.verdicts:
        table.add_row(str(finding.expected.question), _verdict(finding), finding.expected.because)
    return table


def _verdict(finding: VerdictFinding) -> Text:
    words = ("denied", "allowed")
    if not finding.as_expected:
        wanted = words[finding.expected.allowed]
        return Text(f"✗ {words[finding.got.allowed]}, expected {wanted}", style=_WRONG)
    return Text(words[finding.got.allowed], style=_ALLOWED if finding.got.allowed else _DENIED)


def _gauge(findings: Findings) -> RenderableType:
    wrong = any(findings.gauge.differences())
    hatches = {f.namespace.name: f.latency.hatch for f in findings.namespaces}
    lines = []
    for name, value in findings.gauge.values.items():
        line = Text(f'{GAUGE}{{namespace="{name}"}} {value:g}', style=_WRONG if wrong else "")
        if (measured := hatches.get(name)) is not None:
            line.append(f"  (open after {measured:.0f} ms)", style="dim")
        lines.append(line)
    return Group(*lines or [Text(f"{GAUGE}: no series", style=_WRONG if wrong else "")])


def _warnings(findings: Findings) -> RenderableType:
    table = _table("namespace", "event")
    for finding in findings.warnings:
        table.add_row(Text(finding.namespace, style="bold"), _warning(finding))
    return table


def _warning(finding: WarningFinding) -> Text:
    if finding.message is None:
        return Text(f"✗ no Event {finding.reason}", style=_WRONG)
    unexpected = "" if finding.expected else "✗ unexpected: "
    return Text.assemble(
        (f"{unexpected}{finding.reason}", _NOTED if finding.expected else _WRONG),
        f"  {finding.message}",
    )


def suggestions(kubeconfig: str, domain: str) -> Iterator[str]:
    """What to try in a second terminal while the demo stays up, one command a line."""
    yield f"export KUBECONFIG={kubeconfig}"
    yield f"kubectl get cnp -A -L {domain}/profile"
    yield f"kubectl label ns wiki {domain}/profile=standard --overwrite"
    yield f"kubectl label ns blog {domain}/enforcement=disabled"
    yield f"kubectl label ns blog {domain}/enforcement-"
    yield "kubectl delete cnp -n blog homelab-profile"
