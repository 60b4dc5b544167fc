"""What is recommended, as data and as rows of tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.access.fixes import Setting
from homelab_netpol.access.reach import ports_in_words
from homelab_netpol.recommendation.plan import Labels, Plan, Unmet
from homelab_netpol.recommendation.tree import namespace_manifest
from homelab_netpol.recommendation.widening import Opening, Wider

NAMESPACE_CELLS = ("Namespace", "Labels and annotations", "Words", "Needed", "Dropped", "Wider")
UNMET_CELLS = ("Flows", "From", "To", "Port", "Dropped at", "Why")
OPENING_CELLS = ("Direction", "Peer", "Ports", "Pods")
_MOST_PEERS = 6
_MOST_PORTS = 12


def namespace_cells(plan: Plan, labels: Labels, wider: Wider) -> tuple[str, ...]:
    """A Namespace's line."""
    name = labels.namespace
    needed = sum(each.count for each in plan.needs if name in each.namespaces)
    dropped = sum(each.need.count for each in plan.unmet if name in each.need.namespaces)
    words = ", ".join(short(plan, each) for each in labels.settings)
    size = f"{labels.size}" if labels.is_smallest else f"{labels.size} (perhaps fewer)"
    return name, words, size, f"{needed:,}", f"{dropped:,}", f"{wider.ways:,}"


def short(plan: Plan, setting: Setting) -> str:
    """A label or an annotation as `--as` of diagnose writes it: `profile=internal`, `postgres`."""
    words = plan.after.desired.catalogue.vocabulary
    if setting.key.startswith(words.access_prefix):
        name = setting.key.removeprefix(words.access_prefix)
        return name if setting.value == "true" else f"{name}={setting.value}"
    return f"{setting.key.removeprefix(f'{words.domain}/')}={setting.value}"


def unmet_cells(unmet: Unmet) -> tuple[str, ...]:
    """A need's line that is not covered."""
    need = unmet.need
    return (
        f"{need.count:,}",
        need.source.words,
        need.target.words,
        str(need.ports),
        unmet.end,
        unmet.cause or "no rule allows it",
    )


def opening_cells(opening: Opening) -> tuple[str, ...]:
    """An opening's line."""
    peers = ", ".join(opening.peers[:_MOST_PEERS])
    if len(opening.peers) > _MOST_PEERS:
        peers += f" and {len(opening.peers) - _MOST_PEERS} more"
    ports = ports_in_words(opening.ports[:_MOST_PORTS])
    if len(opening.ports) > _MOST_PORTS:
        ports += f" and {len(opening.ports) - _MOST_PORTS} more"
    pods = "all" if opening.pods == opening.of else f"{opening.pods} of {opening.of}"
    return opening.direction.value, peers, ports, pods


def totals(plan: Plan, wider: Sequence[Wider], *, by_policies: bool) -> str:
    """All of it in a sentence.

    Args:
        plan: what is recommended.
        wider: what each Namespace may do beyond what is needed.
        by_policies: what is needed is what policies allow; else what was seen.
    """
    covered = plan.needed - plan.dropped
    share = f"{100 * covered / plan.needed:.1f}%" if plan.needed else "100%"
    if covered != plan.needed and share == "100.0%":
        share = "nearly all"
    ways, new = sum(each.ways for each in wider), sum(each.new for each in wider)
    words = "connections that rules allow" if by_policies else "needed flows"
    spaces = "1 Namespace" if len(plan.labels) == 1 else f"{len(plan.labels)} Namespaces"
    said = "1 word" if plan.size == 1 else f"{plan.size:,} words"
    closed = f", {new:,} of them closed today" if by_policies else ""
    return (
        f"{covered:,} of {plan.needed:,} {words} pass ({share}), with {said} on"
        f" {spaces}; {ways:,} connections are open beyond that{closed}."
    )


def plan_data(
    plan: Plan, wider: Sequence[Wider], notes: Sequence[str], gaps: Sequence[str]
) -> dict[str, Any]:
    """All of it, for programs."""
    by_name = {each.namespace: each for each in wider}
    return {
        "needed": plan.needed,
        "dropped": plan.dropped,
        "words": plan.size,
        "wider": sum(each.ways for each in wider),
        "newlyOpen": sum(each.new for each in wider),
        "namespaces": [
            _namespace_data(plan, labels, by_name.get(name, Wider(name)))
            for name, labels in sorted(plan.labels.items())
        ],
        "objects": list(plan.change.objects),
        "unmet": [_unmet_data(each) for each in plan.unmet],
        "notes": list(notes),
        "gaps": list(gaps),
    }


def _namespace_data(plan: Plan, labels: Labels, wider: Wider) -> dict[str, Any]:
    name = labels.namespace
    return {
        "namespace": name,
        "manifest": namespace_manifest(name, labels.settings),
        "words": labels.size,
        "provenSmallest": labels.is_smallest,
        "needed": sum(each.count for each in plan.needs if name in each.namespaces),
        "dropped": sum(e.need.count for e in plan.unmet if name in e.need.namespaces),
        "wider": wider.ways,
        "newlyOpen": wider.new,
        "openings": [_opening_data(each) for each in wider.openings],
    }


def _opening_data(opening: Opening) -> Mapping[str, Any]:
    return {
        "direction": opening.direction.value,
        "peers": list(opening.peers),
        "ports": [str(each) for each in opening.ports],
        "pods": opening.pods,
        "ofPods": opening.of,
    }


def _unmet_data(unmet: Unmet) -> Mapping[str, Any]:
    return {
        "from": unmet.need.source.words,
        "to": unmet.need.target.words,
        "port": str(unmet.need.ports),
        "flows": unmet.need.count,
        "droppedAt": unmet.end,
        "cause": unmet.cause,
        "by": list(unmet.need.by),
    }
