"""What an audit says, before it is put into words for a screen, a program or a page. Pure.

None stands for what could not be read: `Audit.not_seen` says why. It is never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from homelab_netpol.access.edge import AccessGraph


class State(StrEnum):
    """What holds in a Namespace."""

    ENFORCED = "enforced"
    HATCH = "hatch"
    UNLABELLED = "unlabelled"
    PLATFORM = "platform"
    PLATFORM_INCOMPLETE = "platformIncomplete"
    INVALID = "invalid"
    #: It is labelled, but the operator's policies do not stand there.
    PENDING = "pending"
    #: Whether they stand could not be read.
    UNKNOWN = "unknown"


class Risk(StrEnum):
    """How urgent something is, the most urgent first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class MtlsMode(StrEnum):
    """Which connections a Namespace's pods take, by Istio's PeerAuthentications."""

    STRICT = "STRICT"
    PERMISSIVE = "PERMISSIVE"
    DISABLE = "DISABLE"
    #: It is not in a mesh.
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do.

    Attributes:
        risk: how urgent it is.
        rule: what sort it is, a word that stays the same.
        namespace: where; None: in the whole cluster.
        object: which object, as `Kind/namespace/name`; None: none in particular.
        what: what is so.
        why: what comes of it.
        do: the command, the label or the document.
    """

    risk: Risk
    rule: str
    namespace: str | None
    object: str | None
    what: str
    why: str
    do: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the labels of a Namespace come to.

    Attributes:
        state: what holds there.
        since: when its hatch was opened, as far as the cluster remembers it.
        until: when it closes by itself.
        profile: in force, or asked for.
        grants: on which shared resources.
        problems: what of the labels could not be followed, in sentences.
        lacking: of a platform namespace, what its policies lack, in sentences.
    """

    state: State
    since: datetime | None = None
    until: datetime | None = None
    profile: str | None = None
    grants: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mtls:
    """Mutual TLS in a Namespace.

    Attributes:
        mode: of its pods, unless a PeerAuthentication of some pods says otherwise.
        source: what sets it, in words.
        authorization_policies: how many AuthorizationPolicies are in the Namespace; None: not read.
    """

    mode: MtlsMode = MtlsMode.NONE
    source: str = ""
    authorization_policies: int | None = 0


@dataclass(frozen=True, slots=True)
class Costs:
    """What the policies that select a Namespace's pods cost Cilium.

    Attributes:
        count: how many policies.
        bytes: of those, as JSON.
        rules: how many rules they have.
        identities: that the peers of one pod's rules select, the most for any of its pods.
        map_entries: of one endpoint's policy map, estimated: the most for any of its pods.
    """

    count: int = 0
    bytes: int = 0
    rules: int = 0
    identities: int = 0
    map_entries: int = 0


@dataclass(frozen=True, slots=True)
class OutsidePod:
    """Pods that policies do not hold, or not on every interface.

    Attributes:
        pod: `Kind name`.
        why: in words.
    """

    pod: str
    why: str


@dataclass(frozen=True, slots=True)
class Wider:
    """A rule that is wider than its words, or than the profile.

    Attributes:
        object: the policy, as `Kind/namespace/name`.
        what: in a sentence.
        rule: who says so: a reason of the operator's findings, or an id of the linter.
    """

    object: str
    what: str
    rule: str


@dataclass(frozen=True, slots=True)
class NamespaceAudit:
    """All that is said of one Namespace.

    Attributes:
        name: its name.
        labelled: what its labels come to.
        ingress_closed: what no rule allows is denied to come in, for all of its pods; None: not
            known.
        egress_closed: likewise to go out.
        mtls: mutual TLS.
        pods: how many there are, or objects that make some; None: not read.
        outside: those of them that policies do not hold.
        costs: of its policies; None: not read.
        wider: the rules that are wider than their words.
    """

    name: str
    labelled: Labelled
    ingress_closed: bool | None = None
    egress_closed: bool | None = None
    mtls: Mtls = field(default_factory=Mtls)
    pods: int | None = None
    outside: Sequence[OutsidePod] = ()
    costs: Costs | None = None
    wider: Sequence[Wider] = ()


@dataclass(frozen=True, slots=True)
class Enforcing:
    """Whether anything enforces policies.

    Attributes:
        enforcing: packets that policies forbid are dropped; None: not known.
        problems: what keeps policies from being enforced, in sentences.
    """

    enforcing: bool | None
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Cilium's limits, and what of them is used.

    Attributes:
        policy_map_max: entries that one endpoint's policy map has room for.
        map_entries: the most that any endpoint is estimated to have; None: not known.
        identities_max: numbers that a cluster has for identities.
        identities: those that its pods are estimated to have; None: not known.
    """

    policy_map_max: int
    map_entries: int | None
    identities_max: int
    identities: int | None


@dataclass(frozen=True, slots=True)
class MayChange:
    """Who may change what decides about access.

    Attributes:
        subject: as RBAC has it: `Group platform`, `ServiceAccount flux-system/flux`.
        kind: User, Group or ServiceAccount.
        namespace: only there; None: everywhere.
        may: what, as `namespaces: patch, update`.
        through: by which binding, as `ClusterRoleBinding/x`.
        system: it is Kubernetes' own.
    """

    subject: str
    kind: str
    namespace: str | None
    may: tuple[str, ...]
    through: str
    system: bool = False


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole audit.

    Attributes:
        at: when it was made.
        source: `cluster NAME`, or `files`.
        namespaces: by name.
        wider: rules of clusterwide policies that are wider than their words.
        policies: how many there are in all; None: not read.
        graph: who may talk to whom; None: policies could not be read.
        enforcing: whether anything enforces.
        limits: Cilium's.
        may_change: who may change labels and policies; None: not read.
        tasks: what to do first, the most urgent first.
        not_seen: what could not be read, and why, in sentences.
        is_inspected: all that rules are compared with could be read.
    """

    at: datetime
    source: str
    namespaces: Sequence[NamespaceAudit]
    wider: Sequence[Wider]
    policies: int | None
    graph: AccessGraph | None
    enforcing: Enforcing
    limits: Limits
    may_change: Sequence[MayChange] | None
    tasks: Sequence[Task]
    not_seen: Sequence[str]
    is_inspected: bool = True

    @property
    def states(self) -> dict[State, int]:
        """How many Namespaces are in each state."""
        found = Counter(each.labelled.state for each in self.namespaces)
        return {state: found[state] for state in State}

    @property
    def pods(self) -> int | None:
        """How many pods there are; None: not all could be read."""
        counts = [each.pods for each in self.namespaces]
        known = [each for each in counts if each is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def pods_outside(self) -> int | None:
        """How many of them policies do not hold, or not on every interface."""
        if self.pods is None:
            return None
        return sum(len(each.outside) for each in self.namespaces)

    def count(self, risk: Risk) -> int:
        """How many tasks are of a risk."""
        return sum(each.risk is risk for each in self.tasks)
