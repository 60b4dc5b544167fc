"""From what differs to the sentences that say it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from homelab_netpol.access.diff.answers import View
from homelab_netpol.access.diff.difference import Comparison, Difference, joined
from homelab_netpol.access.diff.ports import is_among, ports_of
from homelab_netpol.access.diff.result import Line
from homelab_netpol.access.diff.rules import OWN, Atom, atoms_of
from homelab_netpol.access.diff.side import Side
from homelab_netpol.access.diff.words import PeerNames, join, port_words, subject_words
from homelab_netpol.cilium.evaluation import Direction, Network, Pod, PolicyRef
from homelab_netpol.policy.keys import CILIUM_KINDS, Component, Kind, PolicyKey, parse_policy_name
from homelab_netpol.policy.objects import is_managed

# Of those that are allowed on the same ports the first ones are named.
_MOST_PEERS = 4


class Lines:
    """Says what a comparison found of a Namespace."""

    def __init__(self, before: Side, after: Side) -> None:
        self._sides = (before, after)
        self._names = PeerNames(side.desired.catalogue for side in self._sides)

    def lines(self, name: str, comparison: Comparison, after: View) -> tuple[Line, ...]:
        """Its gains and losses, gains first.

        Args:
            name: of the Namespace.
            comparison: what differs.
            after: what its policies will say.
        """
        found = [self._line(name, each, after) for each in joined(comparison.differences)]
        return tuple(sorted(found, key=lambda each: (not each.gain, each.direction, each.peer)))

    def beside(self, name: str, comparison: Comparison, views: Sequence[View]) -> tuple[str, ...]:
        """The resources' ends of grants, where nothing is denied with or without them.

        Args:
            name: of the Namespace.
            comparison: what differs.
            views: what its policies say before and after.
        """
        found: dict[tuple[bool, str, str], list[Atom]] = {}
        for came, atom, refs in comparison.without_effect:
            if atom.direction is Direction.EGRESS:
                continue
            for ref in refs:
                if _is_listed(views[0 if came else 1], ref, atom):
                    continue
                why = self._why(ref, name)
                if why.startswith("grant "):
                    peer = self._names.of(atom.peer, atom.direction)
                    found.setdefault((came, why.removeprefix("grant "), peer), []).append(atom)
        return tuple(
            f"{resource} {'lets in' if came else 'no longer lists'} {peer} on"
            f" {port_words(ports_of(atoms))}, which changes no connection"
            for (came, resource, peer), atoms in found.items()
        )

    def _line(self, name: str, found: Difference, after: View) -> Line:
        by = dict.fromkeys(self._why(ref, name) for ref in found.policies)
        peer, one = self._names.of(found.peer, found.direction, gain=found.gain), found.example.peer
        if found.part and isinstance(one, Network):
            peer = f"a part of {peer} (such as {one.network.network_address})"
        made = Line(
            found.gain,
            found.direction.value,
            peer,
            port_words(found.ports),
            subject_words(found.subject),
            tuple(by),
            found.certain,
            found.filtered,
            (),
            found,
        )
        if not made.closes:
            return made
        return dataclasses.replace(made, still=tuple(self._what_stays(after, found)))

    def _why(self, ref: PolicyRef, name: str) -> str:
        """What a policy is there for; of a policy of others, which it is."""
        real = ref._replace(namespace=name) if ref.namespace == OWN else ref
        if not self._is_own(real):
            return f"{ref.kind} {ref.name}"
        parsed = parse_policy_name(PolicyKey(Kind(ref.kind), real.namespace, ref.name))
        match parsed.component if parsed is not None else None:
            case Component.HATCH:
                return "escape hatch"
            case Component.PROFILE:
                return "profile"
            case Component.ACCESS | Component.GRANT if parsed is not None:
                return f"grant {parsed.about or 'gateway'}"
            case Component.INGRESS if parsed is not None:
                return f"ingress {parsed.about}"
            case Component.MESH:
                return "mesh"
            case _:
                return ref.name

    def _is_own(self, ref: PolicyRef) -> bool:
        return ref.kind in CILIUM_KINDS and any(
            is_managed(side.policies[ref]["metadata"].get("labels") or {})
            for side in self._sides
            if ref in side.policies
        )

    def _what_stays(self, view: View, lost: Difference) -> Iterator[str]:
        """What is allowed where everything else no longer is."""
        direction, pod = lost.direction, Pod(OWN, view.labels.get(OWN), lost.example.pod)
        found: dict[str, list[Atom]] = {}
        for each in view.rules:
            is_about = each.rule.direction is direction and each.rule.allows
            if is_about and each.rule.subject.matches(pod) is not False:
                for atom in atoms_of(each.rule):
                    if atom.peer is not None:
                        found.setdefault(self._names.of(atom.peer, direction), []).append(atom)
        alike: dict[str, list[str]] = {}
        for peer, atoms in found.items():
            alike.setdefault(port_words(ports_of(atoms)), []).append(peer)
        for ports, peers in alike.items():
            if len(peers) > _MOST_PEERS:
                peers = [*peers[: _MOST_PEERS - 1], f"{len(peers) - _MOST_PEERS + 1} more"]
            yield f"{join(peers)} on {ports}"


def _is_listed(view: View, ref: PolicyRef, atom: Atom) -> bool:
    """Whether a policy lets a peer in on these ports, with whatever other ports and pods."""
    listed = [
        ports_of([each])
        for said in view.rules
        if said.ref == ref
        for each in atoms_of(said.rule)
        if each.direction is atom.direction and each.allows and each.peer == atom.peer
    ]
    wanted = ports_of([atom])
    return all(is_among(each, listed) for each in wanted) if wanted else () in listed
