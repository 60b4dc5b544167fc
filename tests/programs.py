"""Programs of others that some tests run; where one is absent, these are skipped and say so.

What can be built from Go modules is in tests/tools instead, and never absent.
"""

from __future__ import annotations

import shutil

import pytest

from lab.control_plane import Cluster

# Where each comes from. `.ci/packages` installs those of Debian.
SOURCES = {
    "bash": "apt-get install bash",
    "chromium": "apt-get install chromium",
    "curl": "apt-get install curl",
    "fish": "apt-get install fish",
    "jq": "apt-get install jq",
    "kubectl": "see https://kubernetes.io/docs/tasks/tools/",
    "prometheus": "apt-get install prometheus",
    "prometheus-alertmanager": "apt-get install prometheus-alertmanager",
    "promtool": "apt-get install prometheus",
    "yq": "apt-get install yq",
    "zsh": "apt-get install zsh",
}


def program(name: str) -> str:
    """Where a program is; skips the test if it is not here."""
    found = shutil.which(name)
    if found is None:
        # `make test` asks for no system packages; `.ci/run` installs them first.
        pytest.skip(f"{name} is not installed: {SOURCES[name]}")
    return found


def kubectl(cluster: Cluster) -> list[str]:
    """The beginning of a kubectl command line for a cluster; skips the test if there is none."""
    access = [f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"]
    return [program("kubectl"), *access]
