"""The cluster as labels find it: bare Namespaces that deny everything, and what a word lets pass.

What is asked is always the model of the cluster with the word said (access/fixes.py). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.access.changed_cluster import changed_cluster
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.explain_judge import Judge
from homelab_netpol.access.fixes import Change, Trials, moved_member
from homelab_netpol.cilium.evaluation import Direction, Outcome
from homelab_netpol.cilium.terms import CNP, NETWORK_POLICY
from homelab_netpol.intent import Vocabulary
from homelab_netpol.manifests import Manifest
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.policy.objects import is_managed
from homelab_netpol.recommendation.needs import Need
from homelab_netpol.settings import DefaultDeny

#: The profile of which every other one opens more; of it only default deny and baselines matter.
NARROWEST = "isolated"


@dataclass(frozen=True, slots=True)
class Probe:
    """A connection that nobody needs, by which it shows what a word opens.

    Attributes:
        direction: out of the pod, or into it.
        own: the pod.
        peer: the other end.
        ports: a single port.
    """

    direction: Direction
    own: Member
    peer: Member
    ports: Ports


def framed(
    model: ClusterModel, scope: Collection[str], *, without_policies: bool = False
) -> ClusterModel:
    """The cluster in which each Namespace of the scope has the narrowest profile and nothing more.

    Args:
        model: the cluster.
        scope: the Namespaces that will be labelled.
        without_policies: their own policies, by hand, are taken away.

    Raises:
        RenderError: a template cannot be rendered.
    """
    words = model.desired.catalogue.vocabulary
    namespaces = [
        _bare(each, words) if each["metadata"]["name"] in scope else each
        for each in model.manifests.namespaces()
    ]
    kept = [
        each
        for each in model.manifests.manifests
        if not (without_policies and each.namespace in scope and is_by_hand(each))
    ]
    return changed_cluster(model, namespaces, kept)


def as_today(model: ClusterModel) -> ClusterModel:
    """The cluster before anything is labelled.

    Where the operator's policies are not given, they deny only what has a profile.

    Raises:
        RenderError: a template cannot be rendered.
    """
    if model.is_written:
        return model
    desired = desired_state(
        model.desired.catalogue,
        model.manifests.namespaces(),
        datetime.now(UTC),
        scope=DefaultDeny.LABELLED,
    )
    return ClusterModel(model.manifests, desired, model.config, read=model.read)


def is_by_hand(manifest: Manifest) -> bool:
    """It is a policy of a Namespace that somebody else than the operator wrote."""
    return manifest.kind in (CNP, NETWORK_POLICY) and not is_managed(manifest.labels)


def _bare(namespace: Mapping[str, Any], words: Vocabulary) -> Mapping[str, Any]:
    """A Namespace with no word of the vocabulary but the narrowest profile."""
    metadata = namespace["metadata"]
    own = (f"{words.domain}/", words.access_prefix)
    kept = {
        field: {
            key: value
            for key, value in (metadata.get(field) or {}).items()
            if not key.startswith(own)
        }
        for field in ("labels", "annotations")
    }
    profile = NARROWEST if NARROWEST in words.profiles else min(words.profiles)
    return {
        **namespace,
        "metadata": {
            **metadata,
            "labels": {**kept["labels"], words.profile_key: profile},
            "annotations": kept["annotations"],
        },
    }


class Coverage:
    """What of some needs a change covers, and which of some probes it opens."""

    def __init__(
        self, frame: ClusterModel, needs: Sequence[Need], probes: Sequence[Probe] = ()
    ) -> None:
        """Prepares.

        Args:
            frame: the bare cluster.
            needs: what is asked about; need number n has the bits 2n (egress) and 2n+1 (ingress).
            probes: bit n is that of probe number n.
        """
        self._needs = needs
        self._probes = probes
        self._names = {name for need in needs for name in need.namespaces}
        self._names |= {each.own.pod.namespace for each in probes if each.own.pod is not None}
        self._trials = Trials(frame, self._names)

    @property
    def all_bits(self) -> list[int]:
        """Of each need the bits of both of its halves."""
        return [0b11 << 2 * number for number in range(len(self._needs))]

    def of(self, change: Change) -> tuple[int, int]:
        """The bits of what passes with a change: of the needs, and of the probes.

        Raises:
            RenderError: a template cannot be rendered with it.
        """
        asked = Asked(self._trials.after(change), self._names)
        covers = 0
        for number, need in enumerate(self._needs):
            covers |= asked.halves(need) << 2 * number
        opens = 0
        for number, probe in enumerate(self._probes):
            opens |= asked.opens(probe) << number
        return covers, opens


class Asked:
    """Answers for one model."""

    def __init__(self, model: ClusterModel, names: Iterable[str]) -> None:
        self.model = model
        self.judge = Judge(model)
        self.judge.consider(names)
        self._moved: dict[int, Member] = {}
        self._kept: list[Member] = []  # so that no id is given twice

    def moved(self, member: Member) -> Member:
        """The same member as it is here."""
        found = self._moved.get(id(member))
        if found is None:
            self._kept.append(member)
            found = self._moved[id(member)] = moved_member(member, self.model)
        return found

    def halves(self, need: Need) -> int:
        """Which halves pass, for certain and on all ports: 1 egress, 2 ingress."""
        found = 0b11
        source, target = self.moved(need.source), self.moved(need.target)
        if need.ports.first == need.ports.last:  # as nearly all are
            for bit, direction, own, peer in (
                (1, Direction.EGRESS, source, target),
                (2, Direction.INGRESS, target, source),
            ):
                half = self.judge.half(direction, own, peer, need.ports)
                if half is not None and half.outcome is not Outcome.ALLOWED:
                    found &= ~bit
            return found
        for case in self.judge.cases(source, target, need.ports):
            for bit, half in ((1, case.egress), (2, case.ingress)):
                if half is not None and half.outcome is not Outcome.ALLOWED:
                    found &= ~bit
        return found

    def opens(self, probe: Probe) -> bool:
        """Whether one half of a connection passes."""
        half = self.judge.half(
            probe.direction, self.moved(probe.own), self.moved(probe.peer), probe.ports
        )
        return half is None or half.outcome is Outcome.ALLOWED
