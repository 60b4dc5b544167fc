"""How `diff` lists ports: each once, and all of them as such."""

from __future__ import annotations

from homelab_netpol.access.diff.ports import PortRange, is_every_port, joined_ranges


def test_ranges_with_ports_in_common_are_one() -> None:
    ranges = [PortRange("TCP", *each) for each in ((80, 90), (85, 95), (86, 88), (97, 97))]
    assert joined_ranges(ranges) == (PortRange("TCP", 80, 95), PortRange("TCP", 97, 97))


def test_two_parts_that_overlap_may_be_every_port() -> None:
    halves = ((1, 40_000), (30_000, 65_535))
    ranges = [PortRange(protocol, *each) for protocol in ("TCP", "UDP", "SCTP") for each in halves]
    assert is_every_port(ranges)
    assert not is_every_port(ranges[:-1])
