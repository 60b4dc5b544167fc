"""Networks, and what is left out of them."""

from __future__ import annotations

from collections.abc import Sequence

from homelab_netpol.cilium.terms import IpNetwork, parse_cidr


def contains(outer: IpNetwork, inner: IpNetwork) -> bool:
    """Whether all of a network is part of another one, or is that one."""
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


def exceptions_problem(cidr: str, exceptions: Sequence[str]) -> str | None:
    """What is wrong with networks that are left out of another one; None: nothing.

    Cilium itself refuses only what is not inside. Where all is left out, or a part twice, it does
    as it is written, but that is not what was meant.

    Args:
        cidr: the network, a valid one.
        exceptions: what is left out of it, valid ones too.
    """
    outer, seen = parse_cidr(cidr), list[tuple[str, IpNetwork]]()
    for text in exceptions:
        inner = parse_cidr(text)
        if outer is None or inner is None:
            continue
        if not contains(outer, inner):
            return f"{text} is not inside {cidr}: except only parts of it"
        if inner.prefixlen == outer.prefixlen:
            return f"{text} is all of {cidr}, so that nothing is left: except only parts of it"
        for other, network in seen:
            if contains(network, inner) or contains(inner, network):
                return f"{other} and {text} overlap: name each part once"
        seen.append((text, inner))
    return None
