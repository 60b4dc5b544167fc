"""SharedResources that would name what no word of the vocabulary names yet. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.ends_known import INTERNET, name_of
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.access.fixes_objects import TELLING, free_name, own_object, port_data
from homelab_netpol.access.reach import joined
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.cilium.identity_labels import DEFAULT
from homelab_netpol.cilium.terms import LAST_PORT, MAX_PORTS
from homelab_netpol.manifests.workloads import OF_REPLICAS
from homelab_netpol.recommendation.needs import Need

# The limits of a SharedResource's lists.
_MOST_TARGETS = 64
_EVERYWHERE = "0.0.0.0/0"
# So many ports tell two resources apart in their names.
_MOST_NAMED = 3
_Spec = Mapping[str, Any]


@dataclass
class NewResources:
    """Makes SharedResources, of which two that say the same are one.

    Attributes:
        model: the cluster.
    """

    model: ClusterModel
    _names: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(init=False)

    def __post_init__(self) -> None:
        words = self.model.desired.catalogue.vocabulary
        self._taken = {*words.grantable(), *words.unusable_resources, *words.unusable_settings}

    def changes(self, namespace: str, needs: Sequence[Need]) -> Iterator[Change]:
        """Each SharedResource that may serve some needs of a Namespace, with a grant on it."""
        prefix = self.model.desired.catalogue.vocabulary.access_prefix
        made: set[str] = set()
        for words, what, ports in self._targets(namespace, needs):
            few = listed(ports)
            spec = {**what, "ports": [port_data(each) for each in few]}
            name = self._named(spec, words, few)
            if name not in made:
                made.add(name)
                yield Change(
                    (Setting(namespace, f"{prefix}{name}", "true"),),
                    (own_object("SharedResource", name, spec),),
                )

    def _named(self, spec: _Spec, words: str, ports: Sequence[Ports]) -> str:
        key = json.dumps(spec, sort_keys=True)
        if key not in self._names:
            # The same name may be another Namespace's, or on other ports: these tell which.
            numbers = "-".join(str(each.first) for each in ports[:_MOST_NAMED])
            home = spec.get("namespace", "")
            long = f"{home}-{words}" if home and home != words else words
            tried = (free_name(each, set()) for each in (words, long))
            name = next((each for each in tried if each not in self._taken), "")
            name = name or free_name(f"{long}-{numbers}", self._taken)
            self._taken.add(name)
            self._names[key] = name
        return self._names[key]

    def _targets(
        self, namespace: str, needs: Sequence[Need]
    ) -> Iterator[tuple[str, _Spec, set[Ports]]]:
        """Each with words for its name, what it is, and the ports."""
        pods: defaultdict[str, dict[str, tuple[Member, set[Ports]]]] = defaultdict(dict)
        outside: defaultdict[str, dict[str, set[Ports]]] = defaultdict(dict)
        for need in needs:
            endpoint, ports = need.target.endpoint, need.ports
            if isinstance(endpoint, Pod):
                if endpoint.namespace != namespace:
                    known = pods[endpoint.namespace].setdefault(
                        need.target.words, (need.target, set())
                    )
                    known[1].add(ports)
            elif isinstance(endpoint, Name):
                outside["fqdns"].setdefault(_as_written(need.target, endpoint), set()).add(ports)
            elif isinstance(endpoint, Network):
                outside["cidrs"].setdefault(str(endpoint.network), set()).add(ports)
            elif endpoint.name == "world":
                outside["world"].setdefault(INTERNET, set()).add(ports)
            else:
                outside["entities"].setdefault(endpoint.name, set()).add(ports)
        for name, targets in pods.items():
            yield from self._of_pods(name, targets)
        for kind, by_target in outside.items():
            yield from self._of_outside(namespace, kind, by_target)

    def _of_pods(
        self, namespace: str, targets: Mapping[str, tuple[Member, set[Ports]]]
    ) -> Iterator[tuple[str, _Spec, set[Ports]]]:
        for member, ports in targets.values():
            labels = self._telling(member)
            words = name_of(member.workload) if member.workload is not None else namespace
            what: dict[str, Any] = {"namespace": namespace}
            if labels:
                what["podLabels"] = labels
            yield words, what, ports
        if len(targets) > 1:
            together = {port for _, ports in targets.values() for port in ports}
            yield namespace, {"namespace": namespace}, together

    def _of_outside(
        self, namespace: str, kind: str, by_target: Mapping[str, set[Ports]]
    ) -> Iterator[tuple[str, _Spec, set[Ports]]]:
        alike: defaultdict[frozenset[Ports], list[str]] = defaultdict(list)
        for target, ports in by_target.items():
            alike[frozenset(ports)].append(target)
        groups = [(targets, set(ports)) for ports, targets in alike.items()]
        if len(groups) > 1:
            groups.append((list(by_target), {port for each in alike for port in each}))
        for targets, ports in groups:
            for start in range(0, len(targets), _MOST_TARGETS):
                some = sorted(targets[start : start + _MOST_TARGETS])
                words = some[0].removesuffix("/32") if len(some) == 1 else ""
                words = words or f"{namespace}-{_KIND_WORDS[kind]}"
                yield words, self._what(kind, some), ports

    def _what(self, kind: str, targets: Sequence[str]) -> _Spec:
        if kind == "fqdns":
            return {
                kind: [{"matchPattern" if "*" in each else "matchName": each} for each in targets]
            }
        if kind != "world":
            return {kind: list(targets)}
        excepted = self.model.desired.catalogue.settings.internet.except_cidrs
        v4 = [str(each) for each in excepted if ":" not in str(each)]
        return {"cidrSets": [{"cidr": _EVERYWHERE, **({"except": v4} if v4 else {})}]}

    def _telling(self, member: Member) -> dict[str, str]:
        """The fewest labels that tell these pods from the others of their Namespace."""
        pod = member.pod
        if pod is None or not pod.labels:
            return {}
        kept = pod.identity_labels or DEFAULT
        own = {
            key: value
            for key, value in pod.labels.items()
            if kept.keeps(key) and key not in OF_REPLICAS
        }
        others = [
            each.labels
            for each in self.model.workloads.get(pod.namespace, ())
            if not own.items() <= each.labels.items()
        ]
        telling = [key for key in TELLING if key in own]
        for size in range(1, len(telling) + 1):
            for keys in combinations(telling, size):
                some = {key: own[key] for key in keys}
                if not any(some.items() <= each.items() for each in others):
                    return some
        return own


_KIND_WORDS = {
    "fqdns": "names",
    "cidrs": "addresses",
    "entities": "nodes",
    "world": "internet",
}


def listed(ports: Iterable[Ports], most: int = MAX_PORTS) -> list[Ports]:
    """Ports as a list takes them: of more than it takes, neighbours as ranges, or every port."""
    single = sorted(set(ports))
    if len(single) <= most:
        return single
    ranges = list(joined(single))
    if len(ranges) <= most:
        return ranges
    return [Ports(each, 1, LAST_PORT) for each in dict.fromkeys(port.protocol for port in ranges)]


def _as_written(member: Member, endpoint: Name) -> str:
    """A pattern, where a rule named one; else the name."""
    return member.words if "*" in member.words else endpoint.name


def is_entity(member: Member, *names: str) -> bool:
    """It is one of these entities of Cilium's."""
    return isinstance(member.endpoint, Entity) and member.endpoint.name in names
