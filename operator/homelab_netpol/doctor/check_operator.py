"""Does the operator run, in this version, with usable settings, and is it ready? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homelab_netpol.cluster.pods import is_ready
from homelab_netpol.doctor.fields import name, where
from homelab_netpol.doctor.installation import (
    DEPLOYMENT,
    OPERATOR_CONFIG,
    POD,
    Installation,
    Object,
    restarts,
)
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.shapes import mappings, number, text

CHECK = "operator"
_TAG = re.compile(r":v?(\d+\.\d+\.\d+[^@/]*)(@sha256:[0-9a-f]+)?$")
# A rollout of a node or two restarts it now and then.
_MANY_RESTARTS = 3


def check(found: Installation) -> Iterator[Result]:
    """By its Deployment, its pods and what they say of themselves."""
    listed = found.facts.of(DEPLOYMENT)
    if listed.refused:
        yield unreadable(CHECK, "Deployments", listed.refused)
    elif found.deployment is None:
        yield Result(
            Status.ERROR,
            CHECK,
            found.home,
            "No Deployment of the operator is there (app.kubernetes.io/name=homelab-netpol): labels"
            " have no effect, and what stands, stands.",
            "Install it (docs/install.md), or name its namespace (--operator-namespace).",
        )
    else:
        yield from _of_deployment(found, found.deployment)
        for other in listed.items[1:]:
            yield Result(
                Status.WARNING,
                CHECK,
                where(other),
                f"A second Deployment of the operator is there: {where(other)}.",
                "Keep one: two that write by different settings undo each other's work.",
            )
    yield from _of_settings(found)
    yield from _of_pods(found)


def _of_deployment(found: Installation, deployment: Object) -> Iterator[Result]:
    wanted, ready = (
        number(deployment, "spec", "replicas"),
        number(deployment, "status", "readyReplicas"),
    )
    place = where(deployment)
    logs = f"kubectl -n {found.home} logs deployment/{name(deployment)}"
    if not wanted:
        message = "It is scaled to 0: nothing is written any more."
        yield Result(Status.ERROR, CHECK, place, message, "Scale it up again.")
    elif ready < wanted:
        status = Status.WARNING if ready else Status.ERROR
        message = f"{ready} of {wanted} replicas are ready."
        yield Result(status, CHECK, place, message, f"See the Pods, and: {logs}")
    else:
        yield Result(Status.OK, CHECK, place, f"All {wanted} replicas are ready.")
    for container in mappings(deployment, "spec", "template", "spec", "containers"):
        image = text(container, "image")
        tag = _TAG.search(image)
        if text(container, "name") == "operator" and (tag is None or tag[1] != found.version):
            yield Result(
                Status.NOTE,
                CHECK,
                place,
                f"It runs the image {image}, and this command is version {found.version}.",
                "Where they differ, so may what is expected here: ask with the version that runs.",
            )


def _of_settings(found: Installation) -> Iterator[Result]:
    refused = found.facts.of(OPERATOR_CONFIG).refused
    if refused:
        yield unreadable(CHECK, f"the operator's settings, {found.settings_problem}", refused)
    elif found.settings_problem:
        yield Result(
            Status.ERROR,
            CHECK,
            "settings",
            f"The operator's settings cannot be used: {found.settings_problem.rstrip('.')}. The"
            " checks went by the defaults.",
            "Correct them; or pass the file (--config).",
        )
    elif not found.settings_from and found.deployment is not None:
        yield Result(
            Status.NOTE,
            CHECK,
            "settings",
            "Where the operator's settings are does not show; the checks went by the defaults.",
            "Pass its settings (--config).",
        )


def _of_pods(found: Installation) -> Iterator[Result]:
    listed = found.facts.of(POD)
    if listed.refused:
        yield unreadable(CHECK, f"the operator's Pods in {found.home}", listed.refused)
        return
    for pod in listed.items:
        place, again = where(pod), restarts(pod)
        log = f"kubectl -n {found.home} logs {name(pod)}"
        if again >= _MANY_RESTARTS:
            message = f"It was started again {again} times{_why(pod)}."
            yield Result(Status.WARNING, CHECK, place, message, f"{log} --previous")
        page = found.facts.pages.get(name(pod))
        if page is not None and page.status == 503 and page.text.startswith("not ready"):
            message = f"It says: {page.text.strip()}."
            yield Result(Status.ERROR, CHECK, place, message, "docs/health.md lists the reasons.")
        elif page is not None and page.status == 200:
            yield from _said(place, page.text)
        elif not is_ready(pod):
            yield Result(Status.WARNING, CHECK, place, f"It is not ready{_why(pod)}.", log)


def _said(place: str, page: str) -> Iterator[Result]:
    """A page that begins with `ok` may have lines on what keeps policies from having an effect."""
    first, *rest = page.strip().splitlines() or [""]
    for line in rest:
        message = f"It says: {line.strip().rstrip('.')}."
        yield Result(Status.WARNING, CHECK, place, message, "docs/alerts.md has a row for it.")
    if first == "ok" and not rest:
        yield Result(Status.OK, CHECK, place, "Its /readyz says ok.")


def _why(pod: Object) -> str:
    """What the kubelet says of a container that does not run."""
    for each in mappings(pod, "status", "containerStatuses"):
        for state in ("state", "lastState"):
            for kind in ("waiting", "terminated"):
                reason = text(each, state, kind, "reason")
                if reason:
                    return f": {reason}"
    return ""
