"""Groups flows as they come, in memory that does not grow with their number. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from homelab_netpol.diagnosis.group_key import EndKey, GroupKey, group_key
from homelab_netpol.flows import Flow, FlowEnd

#: So many groups are kept; of more, those with the most flows.
MOST_GROUPS = 2_000
_MOST_EXAMPLES = 3
# A client that tries so many ports of one target, or one port of so many Namespaces or addresses.
SCANNED_PORTS = 20
SCANNED_TARGETS = 40
# So many ports of one target, of clients outside the cluster together.
SCANNED_FROM_OUTSIDE = 100
_MOST_PAIRS = 4_096
# Nodes speak for many: kubelets, clients of Services, pods on the host's network.
_NODES = ("host", "remote-node", "kube-apiserver", "health")

_Key = TypeVar("_Key")
_Value = TypeVar("_Value", int, str)


@dataclass(slots=True)
class Group:
    """Flows that have everything in common that policies look at.

    Attributes:
        key: what that is.
        drops: packets, or requests.
        verdicts: policies' verdicts, which Hubble shows beside the packets themselves.
        first: when the first was seen; None: not known.
        last: likewise the last.
        examples: some of their ends, in words.
    """

    key: GroupKey
    drops: int = 0
    verdicts: int = 0
    first: datetime | None = None
    last: datetime | None = None
    examples: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How often: a packet that Hubble shows twice counts once."""
        return max(self.drops, self.verdicts)

    def add(self, flow: Flow) -> None:
        """One more."""
        if flow.is_verdict:
            self.verdicts += flow.times
        else:
            self.drops += flow.times
        if flow.time is not None:
            self.first = min(self.first or flow.time, flow.time)
            self.last = max(self.last or flow.time, flow.time)
        if len(self.examples) < _MOST_EXAMPLES:
            words = f"{_shown(flow.source)} to {_shown(flow.destination)}"
            if words not in self.examples:
                self.examples.append(words)

    def join(self, other: Group) -> None:
        """All of another one."""
        self.drops += other.drops
        self.verdicts += other.verdicts
        moments = [each for each in (self.first, other.first) if each is not None]
        self.first = min(moments, default=None)
        moments = [each for each in (self.last, other.last) if each is not None]
        self.last = max(moments, default=None)
        more = [each for each in other.examples if each not in self.examples]
        self.examples = [*self.examples, *more][:_MOST_EXAMPLES]


class Groups:
    """The groups so far.

    Attributes:
        others: flows of groups that were given up, as there were too many of them.
    """

    def __init__(self, trusted: Collection[str] = (), most: int = MOST_GROUPS) -> None:
        """Begins with none.

        Args:
            trusted: namespaces from which many targets are reached by right: gateways, scrapers.
            most: groups that are kept.
        """
        self.others = 0
        self._trusted = trusted
        self._most = most
        self._groups: dict[GroupKey, Group] = {}
        self._ports: dict[tuple[EndKey, str, EndKey], set[int]] = {}
        self._targets: dict[tuple[EndKey, str, str, int], set[str]] = {}

    def add(self, flow: Flow) -> None:
        """One more flow."""
        key = group_key(flow)
        if key.reason.cause.is_policy and flow.port is not None:
            key = self._scanned(flow, key, flow.port)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= 2 * self._most:
                self._prune()
            group = self._groups[key] = Group(key)
        group.add(flow)

    def ranked(self) -> list[Group]:
        """The groups, those with the most flows first."""
        self._prune()
        return sorted(self._groups.values(), key=lambda each: -each.count)

    def __len__(self) -> int:
        """How many groups are kept in memory."""
        return len(self._groups)

    def _prune(self) -> None:
        if len(self._groups) <= self._most:
            return
        kept = sorted(self._groups.values(), key=lambda each: -each.count)
        self.others += sum(each.count for each in kept[self._most :])
        self._groups = {each.key: each for each in kept[: self._most]}

    def _scanned(self, flow: Flow, key: GroupKey, port: int) -> GroupKey:
        """The key, or that of the scan which the flow is a part of."""
        source = key.source
        if source.namespace in self._trusted or source.entity in _NODES:
            return key
        # Clients outside are one group, but each scans by itself.
        client = "" if source.namespace else flow.source.ip
        ports = _known(self._ports, (source, client, replace(key.destination, name="")))
        is_new = len(ports) < SCANNED_PORTS
        if is_new:
            ports.add(port)
        if len(ports) >= SCANNED_PORTS:
            scan = replace(key, port=None, is_scan=True)
            if is_new and source.namespace:
                self._fold(scan)
            return scan
        if client:
            tried = _known(self._ports, (source, "", replace(key.destination, name="")))
            is_new = len(tried) < SCANNED_FROM_OUTSIDE
            if is_new:
                tried.add(port)
            if len(tried) >= SCANNED_FROM_OUTSIDE:
                scan = replace(key, port=None, is_scan=True)
                if is_new:
                    self._fold(scan)
                return scan
        where = key.destination.namespace or key.destination.address
        targets = _known(self._targets, (source, client, key.protocol, port))
        is_new = len(targets) < SCANNED_TARGETS
        if where and is_new:
            targets.add(where)
        if len(targets) >= SCANNED_TARGETS:
            scan = replace(key, destination=EndKey(), is_scan=True)
            if is_new and source.namespace:
                self._fold(scan)
            return scan
        return key

    def _fold(self, scan: GroupKey) -> None:
        """Joins the groups that were the scan's beginning."""
        joined = Group(scan)
        for key in list(self._groups):
            port = None if scan.port is None else key.port
            destination = key.destination if scan.port is None else EndKey()
            if replace(key, port=port, destination=destination, is_scan=True) == scan:
                joined.join(self._groups.pop(key))
        self._groups[scan] = joined


def _known(table: dict[_Key, set[_Value]], key: _Key) -> set[_Value]:
    """The set of a key; the table forgets what it knew when it is full."""
    if key not in table:
        if len(table) >= _MOST_PAIRS:
            table.clear()
        table[key] = set()
    return table[key]


def _shown(end: FlowEnd) -> str:
    if end.namespace:
        return f"{end.namespace}/{end.pod}" if end.pod else end.namespace
    name = end.names[0] if end.names else ""
    words = name or (end.entities[0] if end.entities else "")
    return f"{end.ip} ({words})" if words and end.ip else end.ip or words or "?"
