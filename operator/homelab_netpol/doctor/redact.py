"""Puts stand-ins in the place of names and addresses, the same everywhere. Pure.

Names are matched as whole words, of which `-` and `.` may join several: `photos` is found in
`homelab-grant-photos`, and not in `telephotos`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

# Names that say nothing of a cluster, as all have them.
KEPT = frozenset(
    {
        *("default", "kube-system", "kube-public", "kube-node-lease", "cluster.local"),
        *("homelab-netpol", "network-policy.homelab", "cilium", "cilium-config", "cilium-agent"),
        *("cilium.io", "istio.io", "kubernetes.io", "k8s.io", "kubernetes"),
        *("app.kubernetes.io", "io.kubernetes.pod.namespace", "io.cilium.k8s"),
    }
)
# Blocks that policies name in every cluster: no address of anybody's.
_BLOCKS = frozenset(
    {
        *("127.0.0.1", "::1", "10.0.0.0", "172.16.0.0", "192.168.0.0"),
        *("100.64.0.0", "169.254.0.0", "224.0.0.0", "240.0.0.0", "fc00::", "fe80::", "ff00::"),
    }
)
_WORDS = re.compile(r"[A-Za-z0-9]+(?:[-.]+[A-Za-z0-9]+)*")
_PART = re.compile(r"[A-Za-z0-9]+")
# How the API server names who lacks a right.
_USER = re.compile(r'ser "[^"]*"')
_FOUR = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")
# What may be an IPv6 address; whether it is one, the parser says. Bounded: texts may be hostile.
_SIX = re.compile(r"(?<!\w)[0-9A-Fa-f:.]{2,50}+(?!\w)")
# A name of Kubernetes' has at most 253 characters, and so no more parts than this.
_MOST_PARTS = 127
# Below these keys the keys themselves are anybody's; elsewhere they are fields.
_FREE_KEYS = frozenset({"labels", "annotations", "matchLabels", "data", "podLabels", "selector"})


class Redactor:
    """Remembers which stand-in is whose."""

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        """Prepares.

        Args:
            names: by what they are (`ns`, `pod`), the word that stand-ins begin with.
        """
        self._stand_ins: dict[str, str] = {name: name for name in KEPT}
        self._addresses: dict[IPv4Address | IPv6Address, str] = {}
        for kind, of_kind in names.items():
            fresh = sorted({each.lower() for each in of_kind} - self._stand_ins.keys() - {""})
            for number, name in enumerate(fresh, 1):
                self._stand_ins[name] = f"{kind}-{number}"

    def redacted(self, data: Any, *, free: bool = False) -> Any:
        """Data of JSON types with stand-ins.

        Args:
            data: the data.
            free: its keys are no fields, and may be names.
        """
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {
                (self.text(str(key)) if free else key): self.redacted(
                    value, free=key in _FREE_KEYS and not free
                )
                for key, value in data.items()
            }
        return [self.redacted(each) for each in data] if isinstance(data, list | tuple) else data

    def text(self, text: str) -> str:
        """A text with stand-ins."""
        without_users = _USER.sub('ser "(left out)"', text)
        without_six = _SIX.sub(self._address, without_users)
        return _WORDS.sub(self._replaced, _FOUR.sub(self._address, without_six))

    def _address(self, found: re.Match[str]) -> str:
        core = found[0].strip(".")
        if core.endswith(":") and not core.endswith("::"):
            core = core[:-1]
        if core.startswith(":") and not core.startswith("::"):
            core = core[1:]
        try:
            address = ip_address(core)
        except ValueError:
            return found[0]
        if address.is_unspecified or str(address) in _BLOCKS:
            return found[0]
        stand_in = self._addresses.setdefault(address, f"address-{len(self._addresses) + 1}")
        return found[0].replace(core, stand_in)

    def _replaced(self, found: re.Match[str]) -> str:
        word = found[0]
        parts = list(_PART.finditer(word))
        return "".join(self._pieces(word, parts))

    def _pieces(self, word: str, parts: list[re.Match[str]]) -> Iterator[str]:
        """The longest names that begin at each part, and what is between them."""
        at, index = 0, 0
        while index < len(parts):
            start = parts[index].start()
            for last in range(min(len(parts), index + _MOST_PARTS) - 1, index - 1, -1):
                end = parts[last].end()
                stand_in = self._stand_ins.get(word[start:end].lower())
                if stand_in is not None:
                    known = word[start:end] if stand_in in KEPT else stand_in
                    yield word[at:start]
                    yield known
                    at, index = end, last
                    break
            index += 1
        yield word[at:]
