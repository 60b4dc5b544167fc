"""What is found to be wrong between namespaces, in words for the owner of one of them. Pure.

The same facts always give the same text, so that a known finding is not reported again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from homelab_netpol.cilium.evaluation.policy import PolicyRef

# The longest text of a finding, in characters.
LONGEST = 400
_NAMED = 2
_LONGEST_NAME = 63


class FindingReason(StrEnum):
    """What sort of finding it is; the reason of its Event."""

    TARGET_NAMESPACE_MISSING = "TargetNamespaceMissing"
    TARGET_NAMESPACE_TERMINATING = "TargetNamespaceTerminating"
    TARGET_HAS_NO_PODS = "TargetHasNoPods"
    TARGET_DENIES = "TargetDenies"
    TARGET_FILTERS = "TargetFilters"
    TARGET_ON_HOST_NETWORK = "TargetOnHostNetwork"
    TARGET_BEHIND_WAYPOINT = "TargetBehindWaypoint"
    TARGET_TUNNEL_CLOSED = "TargetTunnelClosed"
    TARGET_IS_OWN_ADDRESS = "TargetIsOwnAddress"
    SERVICE_PORT_OPENED = "ServicePortOpened"
    CONSUMER_DENIES = "ConsumerDenies"
    CLIENTS_SEEN_AS_NODES = "ClientsSeenAsNodes"
    NAMES_NOT_LEARNED = "NamesNotLearned"
    HATCH_DENIED = "HatchDenied"
    PROFILE_WIDENED = "ProfileWidened"
    LABEL_NOT_IN_IDENTITY = "LabelNotInIdentity"
    POD_LABEL_UNSAFE = "PodLabelUnsafe"
    PLATFORM_POLICY_INCOMPLETE = "PlatformPolicyIncomplete"
    TAKE_OVER_IGNORED = "TakeOverIgnored"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the owner of a namespace should put right.

    Attributes:
        reason: what sort it is.
        subject: that namespace; "" where it is about a clusterwide policy, or the whole cluster.
        message: what is wrong, where, and what to do; at most `LONGEST` characters.
        about: the clusterwide policy.
        policy: whose policy makes it so, where it is one.
    """

    reason: FindingReason
    subject: str
    message: str
    about: PolicyRef | None = None
    policy: PolicyRef | None = None

    def __post_init__(self) -> None:
        if len(self.message) > LONGEST:
            object.__setattr__(self, "message", self.message[: LONGEST - 1] + "…")


def name_policies(refs: Sequence[PolicyRef]) -> str:
    """Names policies: the first of them, and how many more there are."""
    names = [str(ref._replace(name=_clip(ref.name))) for ref in refs[:_NAMED]]
    if len(refs) > _NAMED:
        names.append(f"{len(refs) - _NAMED} more")
    return join_words(names)


def join_words(words: Sequence[str]) -> str:
    """Joins words as in a sentence: `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def name_namespaces(names: Iterable[str]) -> str:
    """Namespaces in a sentence: the first of them, and that there are others."""
    first, *others = sorted(names)
    return f"namespace {first} and others" if others else f"namespace {first}"


def name_labels(labels: Mapping[str, str]) -> str:
    """Labels as kubectl's `-l` takes them."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def name_ports(ports: Iterable[tuple[str, int, int | None]]) -> str:
    """Ports, each given by protocol, number, and the last number if it is a range: `TCP 5432`."""
    return join_words(
        [
            f"{protocol} {number}" if end is None or end == number else f"{protocol} {number}-{end}"
            for protocol, number, end in ports
        ]
    )


def fit(head: str, middle: str, tail: str) -> str:
    """Joins the parts of a message; what there is too much of is cut out of the middle."""
    room = LONGEST - len(head) - len(tail)
    return f"{head}{middle if len(middle) <= room else f'{middle[: room - 1]}…'}{tail}"


def _clip(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
