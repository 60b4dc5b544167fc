"""DNS as far as a name and its IPv4 address: who asks for one, and who answers."""

import socket
import struct
from collections.abc import Mapping

from lab.datapath.host import Host

_PORT = 53
_WAIT_SECONDS = 2.0
_HEADER = struct.Struct("!HHHHHH")
_RECURSE, _ANSWERED, _NO_SUCH_NAME = 0x0100, 0x8180, 0x0003
_ADDRESS_OF = struct.pack("!HH", 1, 1)  # type A, class IN
_TTL_SECONDS = 3600
# A pointer to the name of the question, which is always at the same place.
_SAME_NAME = struct.pack("!H", 0xC000 | _HEADER.size)


class Zone:
    """The names that a server answers for.

    Args:
        names: Their addresses.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._addresses = {_encoded(name): address for name, address in names.items()}

    def answer(self, query: bytes) -> bytes:
        """What to say to a query; of a name that is not known, that there is none."""
        identifier = _HEADER.unpack_from(query)[0]
        # Case means nothing in a name, and some who ask vary it.
        name = query[_HEADER.size : query.index(0, _HEADER.size) + 1].lower()
        question = query[_HEADER.size : _HEADER.size + len(name) + len(_ADDRESS_OF)]
        address = self._addresses.get(name)
        if address is None or question[len(name) :] != _ADDRESS_OF:
            flags = _ANSWERED if address else _ANSWERED | _NO_SUCH_NAME
            return _HEADER.pack(identifier, flags, 1, 0, 0, 0) + question
        record = _SAME_NAME + _ADDRESS_OF + struct.pack("!IH", _TTL_SECONDS, 4)
        header = _HEADER.pack(identifier, _ANSWERED, 1, 1, 0, 0)
        return header + question + record + socket.inet_aton(address)


def look_up(source: Host, server: Host, name: str) -> str | None:
    """Asks a server, as a program in a pod would.

    Returns:
        The name's address; None if it has none.

    Raises:
        TimeoutError: Nobody answers.
        OSError: It cannot be asked.
    """
    with source.network.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_WAIT_SECONDS)
        asking.bind((source.address, 0))
        asking.connect((server.address, _PORT))
        header = _HEADER.pack(asking.getsockname()[1], _RECURSE, 1, 0, 0, 0)
        asking.send(header + _encoded(name) + _ADDRESS_OF)
        answer = asking.recv(512)
    return socket.inet_ntoa(answer[-4:]) if _HEADER.unpack_from(answer)[3] else None


def _encoded(name: str) -> bytes:
    parts = (part.encode("ascii") for part in name.lower().split("."))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
