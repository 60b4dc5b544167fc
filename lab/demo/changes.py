"""Describes a burst of changes in plain words: what was changed, and what followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from homelab_netpol.policy.objects import FIELD_MANAGER
from lab.demo.informer import POLICIES, Change, Collection, Key, labels_of


def describe(changes: Sequence[Change], domain: str) -> Iterator[Text]:
    """One line for each Namespace whose labels or policies changed, then its warning Events.

    Args:
        changes: in the order in which they were seen.
        domain: the label domain; changes of other labels are left out.
    """
    labelled = [change for change in changes if change.key.collection is Collection.NAMESPACE]
    for namespace in dict.fromkeys(change.key.namespace for change in changes):
        own = [change for change in changes if change.key.namespace == namespace]
        about = _labels(
            [change for change in own if change.key.collection is Collection.NAMESPACE], domain
        )
        policies = [change for change in own if change.key.collection in POLICIES]
        if not about and not policies:
            continue
        line = Text.assemble((namespace or "clusterwide", "bold"), ": ", ", ".join(about))
        if policies:
            fates = ", ".join(_fates(policies, by_hand=not labelled))
            began = min(change.at for change in (*labelled, *policies))
            milliseconds = (max(change.at for change in policies) - began) * 1000
            line.append(f"{'; ' if about else ''}{fates}")
            if milliseconds >= 0.5:
                line.append(f" after {milliseconds:.0f} ms", style="cyan")
        yield line
    yield from _warnings(changes)


def _labels(changes: Sequence[Change], domain: str) -> list[str]:
    """How a Namespace's labels differ from before."""
    if not changes:
        return []
    first, last = changes[0].before, changes[-1].after
    if last is None:
        return ["deleted"]
    old = labels_of(first) if first else {}
    new = labels_of(last)
    words = ["created"] if first is None else []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key) or not key.partition("/")[0].endswith(domain):
            continue
        name = key.rpartition("/")[2]
        was = f" (was {old[key]})" if key in old else ""
        words.append(f"{name}={new[key]}{was}" if key in new else f"{name} removed{was}")
    return words


def _fates(changes: Sequence[Change], *, by_hand: bool) -> Iterator[str]:
    """What happened to each policy."""
    histories: dict[Key, list[Change]] = {}
    for change in changes:
        histories.setdefault(change.key, []).append(change)
    for key, history in histories.items():
        first, last = history[0].before, history[-1].after
        gone_between = any(change.after is None for change in history)
        if first is None:
            yield f"{key.name} came"
        elif last is None:
            yield f"{key.name} went"
        elif by_hand and len(history) > 1:
            verb = "deleted" if gone_between else "changed"
            yield f"{key.name} {verb} by hand, put back"
        else:
            yield f"{key.name} changed"


def _warnings(changes: Sequence[Change]) -> Iterator[Text]:
    seen = set()
    for change in changes:
        event = change.after
        if change.key.collection is not Collection.EVENT or event is None:
            continue
        ours = event.get("reportingComponent") == FIELD_MANAGER
        if ours and event.get("type") == "Warning" and change.key not in seen:
            seen.add(change.key)
            yield Text.assemble(
                (event["reason"], "cyan"), f"  {change.key.namespace}: {event['message']}"
            )
