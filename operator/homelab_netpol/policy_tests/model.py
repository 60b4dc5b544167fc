"""What a policy test says."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.access.ends import Ports


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test: each source may reach each target on each port, or may not.

    Attributes:
        name: what it promises.
        file: where it stands.
        line: of its first line, from 1.
        sources: who opens connections, as `access/ends_find.py` reads it.
        targets: to whom.
        ports: on which ports.
        allowed: what is expected of all of them.
    """

    name: str
    file: str
    line: int
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    ports: tuple[Ports, ...]
    allowed: bool

    @property
    def expected(self) -> str:
        """What is expected, in a word."""
        return "allowed" if self.allowed else "denied"

    @property
    def question(self) -> str:
        """What is asked, in words: `shop -> postgres 5432/TCP`."""
        ports = ", ".join(map(str, self.ports))
        return f"{', '.join(self.sources)} -> {', '.join(self.targets)} {ports}"
