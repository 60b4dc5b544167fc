"""Which API server, and with which account: a kubeconfig's, or the Pod's service account."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes.aio import config
from kubernetes.aio.client import Configuration

# A peer that is gone without a word is noticed after idle + 3 probes: 15 + 3 * 5 seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConnectionFailed(Exception):
    """There are no usable credentials. The message says what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach the API server; each call of a method reads the credentials again.

    Attributes:
        kubeconfig: the file, or None for what kubectl would use, else the service account.
        context: a context of it, or None for the current one.
    """

    kubeconfig: Path | None = None
    context: str | None = None

    @property
    def in_cluster(self) -> bool:
        """No kubeconfig is found, so the Pod's service account is used."""
        return self.kubeconfig is None and self._default_kubeconfig() is None

    @property
    def own_namespace(self) -> str | None:
        """The namespace that the operator runs in, of the cluster that it is for.

        POD_NAMESPACE says so, or the service account does. A kubeconfig may lead out of the Pod's
        cluster, so beside one only the variable counts.
        """
        named = os.environ.get("POD_NAMESPACE")
        if named or not self.in_cluster:
            return named or None
        try:
            return (_SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        except OSError:
            return None

    async def configuration(self) -> Configuration:
        """Reads the credentials.

        Raises:
            ConnectionFailed: there are none, or they cannot be read.
        """
        configuration = Configuration()
        path = self.kubeconfig or self._default_kubeconfig()
        remedy = "Pass --kubeconfig, set KUBECONFIG, or run in a Pod with a service account."
        if path is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
            raise ConnectionFailed(f"no kubeconfig was found, and this is not a Pod. {remedy}")
        if path is not None and not path.is_file():
            raise ConnectionFailed(f"the kubeconfig {path} does not exist. {remedy}")
        try:
            if path is None:
                config.load_incluster_config(client_configuration=configuration)
            else:
                await config.load_kube_config(
                    config_file=str(path),
                    context=self.context,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except Exception as error:
            # On a malformed file the loader fails with whatever it stumbles over first.
            raise ConnectionFailed(
                f"cannot read how to reach the API server from {path or 'the service account'}:"
                f" {str(error).rstrip('.')}. {remedy}"
            ) from error
        if _is_loopback(configuration.host):
            # As kubectl does: a proxy in the environment is never meant for this machine.
            configuration.proxy = None
        return configuration

    @staticmethod
    def _default_kubeconfig() -> Path | None:
        named = os.environ.get("KUBECONFIG")
        if named:
            return Path(named.split(os.pathsep)[0]).expanduser()
        default = Path("~/.kube/config").expanduser()
        return default if default.is_file() else None


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices when its peer is gone without a word."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):  # not every system has them all
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
