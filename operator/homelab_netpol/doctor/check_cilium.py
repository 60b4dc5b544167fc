"""Do Cilium's agents run, and in which version? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.cilium.version import agent_versions
from homelab_netpol.cluster.pods import has_ended, is_ready
from homelab_netpol.doctor.fields import name
from homelab_netpol.doctor.installation import AGENT, Installation, Object
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.findings.finding import name_labels

CHECK = "cilium"
_OLDEST = (1, 16)
_NAMED = 3


def check(found: Installation) -> Iterator[Result]:
    """By the agents' pods."""
    listed, settings = found.facts.of(AGENT), found.settings.cilium
    labels = name_labels(settings.agent_labels)
    where = settings.namespace
    if listed.refused:
        yield unreadable(CHECK, f"the Pods of Cilium's agents in {where}", listed.refused)
        return
    pods = [each for each in listed.items if not has_ended(each)]
    if not pods:
        yield Result(
            Status.ERROR,
            CHECK,
            where,
            f"No agent of Cilium runs in {where} (Pods labelled {labels}), so nothing enforces"
            " policies.",
            "Install Cilium, or set cilium.namespace and cilium.agentLabels to where it is.",
        )
        return
    waiting = [name(pod) for pod in pods if not is_ready(pod)]
    if waiting:
        named = ", ".join(waiting[:_NAMED])
        yield Result(
            Status.WARNING,
            CHECK,
            where,
            f"{len(waiting)} of {len(pods)} agents of Cilium are not ready ({named}), and follow no"
            " change on their nodes.",
            f"kubectl -n {where} describe pod {waiting[0]}; pods there keep their old policies.",
        )
    yield from _versions(pods, where)


def _versions(pods: list[Object], where: str) -> Iterator[Result]:
    versions = sorted(agent_versions(pods))
    said = " and ".join(map(str, versions))
    old = [each for each in versions if each[:2] < _OLDEST]
    if not versions:
        yield Result(
            Status.NOTE,
            CHECK,
            where,
            f"{len(pods)} agents of Cilium run; their images do not say in which version.",
            "It must be 1.16 or newer.",
        )
    elif old:
        yield Result(
            Status.ERROR,
            CHECK,
            where,
            f"Cilium {said} runs; before {_OLDEST[0]}.{_OLDEST[1]} it does not know"
            " `enableDefaultDeny`, so baselines would close what they should only open.",
            "Upgrade Cilium before you install the operator.",
        )
    elif len({each[:2] for each in versions}) > 1:
        yield Result(
            Status.NOTE,
            CHECK,
            where,
            f"Agents of Cilium {said} run side by side.",
            "Finish the upgrade: what differs between the two differs from node to node.",
        )
    else:
        yield Result(Status.OK, CHECK, where, f"Cilium {said} runs: {len(pods)} agents.")
