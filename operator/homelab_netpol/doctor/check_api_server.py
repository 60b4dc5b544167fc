"""Is the API server one that the operator works with? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Result, Status
from homelab_netpol.shapes import text

CHECK = "api-server"
# The oldest release that the operator is tested with.
_OLDEST = (1, 31)
_VERSION = re.compile(r"v(\d+)\.(\d+)")


def check(found: Installation) -> Iterator[Result]:
    """By what /version says."""
    said = text(found.facts.version, "gitVersion")
    read = _VERSION.match(said)
    if read is None:
        yield Result(
            Status.WARNING,
            CHECK,
            "/version",
            f"The API server answers, and does not say which version of Kubernetes it is: {said!r}",
            "Is it a Kubernetes API server? See the kubeconfig's `server`.",
        )
    elif (int(read[1]), int(read[2])) < _OLDEST:
        yield Result(
            Status.ERROR,
            CHECK,
            said,
            f"Kubernetes {said} is older than {_OLDEST[0]}.{_OLDEST[1]}, the oldest that the"
            " operator is made for.",
            "Upgrade the cluster.",
        )
    else:
        yield Result(Status.OK, CHECK, said, f"The API server answers: Kubernetes {said}.")
