"""Sockets in the network namespaces of a node and its pods, made by this process.

A socket belongs for its life to the namespace in which it was made, whoever uses it: so a test
sends packets as a pod without a program in the pod, and with one clock for all.
"""

import ctypes
import os
import socket
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class NetworkNamespace:
    """One network namespace, for as long as it is not closed.

    Args:
        path: A file that stands for it, e.g. `/proc/7/ns/net`.

    Raises:
        OSError: There is no such namespace.
    """

    def __init__(self, path: Path) -> None:
        self._namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """A new socket there; of an ICMP kind if it is raw.

        Raises:
            OSError: It cannot be made.
        """
        protocol = socket.IPPROTO_ICMP if kind == socket.SOCK_RAW else 0
        # Of this thread alone, which is back before anybody else runs in it.
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self._namespace)
            try:
                return socket.socket(family, kind, protocol)
            finally:
                _enter(here)
        finally:
            os.close(here)

    def close(self) -> None:
        """Lets go of it; its sockets stay."""
        os.close(self._namespace)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
