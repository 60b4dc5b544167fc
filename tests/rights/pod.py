"""A process that finds itself in a Pod: a service account's files, and a DNS that never answers.

    with in_pod(token, authority, "policies") as pod:
        with running_operator(None, within=pod.within, environment=pod.environment(plane)):
            ...
        assert not pod.lookups()

It has a mount namespace of its own, for which it takes root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.control_plane import Cluster

# Of the loopback network, and nobody else's.
_NAMESERVER = "127.53.0.53"
_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
# /var/run is /run, and what is mounted here is gone with the process. A Pod's /etc/hosts would know
# its own name; where nothing does, a lookup of that one is seen as well.
_ENTER = f"""
set -e
mount -t tmpfs none /run
mkdir -p {_ACCOUNT}
cp "$1"/token "$1"/ca.crt "$1"/namespace {_ACCOUNT}/
mount --bind "$1"/resolv.conf /etc/resolv.conf
mount --bind /dev/null /etc/hosts
shift
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Pod:
    """Such surroundings.

    Attributes:
        within: the command that enters them.
    """

    within: tuple[str, ...]
    _nameserver: socket.socket

    def environment(self, cluster: Cluster) -> dict[str, str]:
        """What a Pod of a cluster has in its environment."""
        host, _, port = cluster.server.rpartition("/")[2].partition(":")
        at = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        return {**at, "HOME": "/nonexistent", "KUBECONFIG": ""}

    def lookups(self) -> list[bytes]:
        """The queries that have come to the nameserver so far, and will never be answered."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._nameserver.recv(512))
        return found


@contextlib.contextmanager
def in_pod(token: str, authority: Path, namespace: str) -> Iterator[Pod]:
    """Makes a Pod's surroundings; skips the test where that is not possible.

    Args:
        token: of the service account.
        authority: the file of the cluster's certificate authority.
        namespace: that the Pod is in.
    """
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        # `make test` runs without root; `.ci/run` has it, and skips nothing.
        pytest.skip("a Pod's files need a mount namespace: run as root, with unshare (util-linux)")
    with (
        tempfile.TemporaryDirectory(prefix="homelab-netpol-pod-") as name,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nameserver,
    ):
        nameserver.bind((_NAMESERVER, 53))
        nameserver.setblocking(False)
        folder = Path(name)
        (folder / "token").write_text(token, encoding="utf-8")
        (folder / "ca.crt").write_bytes(authority.read_bytes())
        (folder / "namespace").write_text(namespace, encoding="utf-8")
        resolver = f"nameserver {_NAMESERVER}\noptions timeout:1 attempts:1\n"
        (folder / "resolv.conf").write_text(resolver, encoding="utf-8")
        unshare = ("unshare", "--mount", "--propagation", "private")
        yield Pod((*unshare, "sh", "-c", _ENTER, "pod", name), nameserver)
