"""Three-valued answers: yes, no, or a doubt that says why neither can be said.

Pure. A doubt never becomes a yes or a no by itself: only a certain answer beside it can settle it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Doubt(Enum):
    """Why a question has no certain answer; the value says it in words."""

    POD_LABELS = "the labels of the pods are not known"
    NAMESPACE_LABELS = "the labels of the namespace are not known"
    IGNORED_LABEL = "Cilium leaves this label out of identities, unless it is set up otherwise"
    CILIUM_LABEL = "the cluster's name or the service account is not known"
    LABEL_SOURCE = "a selector asks for labels of another source"
    AGGREGATE = "a selector that leaves out who has a reserved label may mean them all the same"
    ADDRESS = "the address is not known well enough"
    PART = "only a part of the addresses is meant"
    NAMED_PORT = "a port is given by its name"
    ODD_PORT = "a range of ports begins at 0"
    AUTHENTICATION = "a rule asks for mutual authentication"
    GROUPS = "fromGroups or toGroups"
    CIDR_GROUP = "a CIDR group that is not known"
    SERVICES = "toServices, and which Services there are is not known, or they select nothing"
    NODES = "fromNodes or toNodes"
    REQUIRES = "fromRequires or toRequires"
    UNREADABLE = "something in the policy is not understood"
    PRECEDENCE = "rules of one tier and priority say different things"
    REJECTED_EDIT = "Cilium rejects the policy, and an earlier version may still be in force"


# Ask with `is True` and `is False`: a Doubt is neither.
Answer = bool | Doubt


def all_of(answers: Iterable[Answer]) -> Answer:
    """No if one is no, else the first doubt, else yes."""
    result: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if result is True:
            result = answer
    return result


def not_(answer: Answer) -> Answer:
    """Yes for no, and no for yes; a doubt remains one."""
    return answer if isinstance(answer, Doubt) else not answer


def any_of(answers: Iterable[Answer]) -> Answer:
    """Yes if one is yes, else the first doubt, else no."""
    result: Answer = False
    for answer in answers:
        if answer is True:
            return True
        if result is False:
            result = answer
    return result
