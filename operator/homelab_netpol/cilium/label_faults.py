"""Labels of pods that change what Cilium enforces on them, in versions with such faults. Pure.

Cilium looks some labels of its own up by their keys, without asking where a label comes from: a
pod's label of that key counts as well. Read in its source, versions 1.16 to 1.20.1, and where the
engine can be asked (`host`, `init`) found there:

- `host`, `init`: `pkg/policy/repository.go`, `computePolicyEnforcementAndRules`;
  github.com/cilium/cilium/issues/48027 reports the first;
- `remote-node`, `ingress`: `pkg/identity/identity.go`, `ScopeForLabels`; the second was mended by
  github.com/cilium/cilium/pull/40791;
- `io.cilium.fixed-identity`: `LookupReservedIdentityByLabels` there; meant so, for whom the
  cluster's owner has listed (`fixed-identity-mapping`);
- the labels of Cilium's own on a pod: CVE-2023-39347 (GHSA-gj2r-phwg-6rww).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.cilium.version import Version

_FIXED_IDENTITY = "io.cilium.fixed-identity"
_OWNED_PREFIX = "io.cilium.k8s."


@dataclass(frozen=True, slots=True)
class LabelFault:
    """A label that changes what is enforced on the pods that carry it.

    Attributes:
        key: of the label.
        effect: what Cilium does to these pods, as half a sentence.
        versions: which versions do it.
    """

    key: str
    effect: str
    versions: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A fault, by the label's key and the versions that have it.

    Attributes:
        fault: what it is.
        since: the first version of those that were looked at.
        mended: the first version without it; None: none is known.
        always: it is reported where the version is not known.
    """

    fault: LabelFault
    since: Version
    mended: Version | None = None
    always: bool = True

    def is_in(self, versions: Collection[Version]) -> bool:
        """Whether agents of these versions have it, or may: a later one than was looked at."""
        if not versions:
            return self.always
        return any(
            self.since <= each and (not self.mended or each < self.mended) for each in versions
        )


_OF_THE_NODE = (
    "an identity of their node takes its place, which policies on other nodes do not know"
)
_KNOWN = (
    _Known(
        LabelFault(
            "host",
            "they are taken for the node itself, and no policy is enforced on them",
            "1.16 to 1.20, issue 48027",
        ),
        since=Version(1, 16, 0),
    ),
    _Known(
        LabelFault(
            "init",
            "they are taken for pods without labels yet: in both directions all is denied that no"
            " policy allows",
            "1.16 to 1.20",
        ),
        since=Version(1, 16, 0),
    ),
    _Known(
        LabelFault("remote-node", _OF_THE_NODE, "1.17 to 1.20"),
        since=Version(1, 17, 0),
    ),
    _Known(
        LabelFault("ingress", _OF_THE_NODE, "1.18.0, mended in 1.18.1"),
        since=Version(1, 18, 0),
        mended=Version(1, 18, 1),
        always=False,
    ),
)


def label_faults(
    labels: Mapping[str, str], config: AgentConfig, versions: Collection[Version]
) -> Iterator[LabelFault]:
    """Which of a pod's labels change what is enforced on it.

    Args:
        labels: of the pod.
        config: of the agents.
        versions: of the agents, as far as they are known.
    """
    for known in _KNOWN:
        key = known.fault.key
        if key not in labels or not known.is_in(versions):
            continue
        # What is not in the identity cannot be mistaken there.
        if config.identity_labels.keeps(key) and not (key == "host" and config.host_firewall):
            yield known.fault
    if labels.get(_FIXED_IDENTITY) in config.fixed_identities:
        yield LabelFault(
            _FIXED_IDENTITY,
            "a fixed identity without any other label takes the place of theirs"
            " (fixed-identity-mapping), so policies of their Namespace are not enforced on them",
            "all",
        )
    if any(map(_believes_pods, versions)):
        for key in sorted(labels):
            if key == NAMESPACE_KEY or key.startswith(_OWNED_PREFIX):
                yield LabelFault(
                    key,
                    "it is believed, so policies of another Namespace or account are enforced on"
                    " them, or none",
                    "before 1.14.2, CVE-2023-39347",
                )


def _believes_pods(version: Version) -> bool:
    """CVE-2023-39347: fixed in 1.12.14, 1.13.7 and 1.14.2."""
    fixed = {12: (1, 12, 14), 13: (1, 13, 7)}.get(version.minor, (1, 14, 2))
    return version < fixed
