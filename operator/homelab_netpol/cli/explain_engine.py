"""Asks Cilium's own policy engine the same question; in a checkout only.

The engine is part of the lab, which no installed package holds: it is imported if it is there.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Ports
from homelab_netpol.access.explain_judge import Half, Ruling
from homelab_netpol.cilium.evaluation import Endpoint, Entity, Name, Network, Outcome, Pod
from homelab_netpol.cilium.terms import SERVICE_ACCOUNT_KEY
from homelab_netpol.cli.status import InputError

_MISSING = (
    "--engine cilium: Cilium's engine is there only in a checkout, after `make lab`; leave"
    " --engine out"
)
_SHOWN = 5
# The label that an agent gives to whatever the API server runs on.
_API_SERVER = ("reserved:kube-apiserver=",)
_RESOLVED_BY_AGENTS = ("toServices", "cidrGroupRef", "cidrGroupSelector")


@dataclass(frozen=True, slots=True)
class Compared:
    """The engine's answer beside ours.

    Attributes:
        lines: both, in words.
        data: the same for programs.
        differs: where ours is certain, the engine's is another.
    """

    lines: tuple[str, ...]
    data: dict[str, Any]
    differs: bool


@dataclass
class _Identities:
    """The ends of the cases, by names of the engine's."""

    lab: Any
    model: ClusterModel
    named: dict[str, Any] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)

    def name(self, endpoint: Endpoint) -> str:
        """The name of an end, made known on first use."""
        if id(endpoint) not in self._names:
            name = f"{len(self._names)}"
            self._names[id(endpoint)] = name
            self.named[name] = self._identity(endpoint)
        return self._names[id(endpoint)]

    def _identity(self, endpoint: Endpoint) -> Any:
        make = self.lab.Identity
        match endpoint:
            case Pod():
                account = endpoint.service_account
                return make.pod(
                    endpoint.namespace,
                    {**endpoint.labels, **({SERVICE_ACCOUNT_KEY: account} if account else {})},
                    dict(endpoint.namespace_labels or {}),
                    {each.name: f"{each.number}/{each.protocol}" for each in endpoint.ports or ()},
                )
            case Entity(place="host"):
                return make.entity("host", _API_SERVER)
            case Entity(place="world", addresses=[address, *_]):
                return make.address(str(address), _API_SERVER)
            case Entity():
                return make.entity(endpoint.name, _API_SERVER if endpoint.with_api_server else ())
            case Network():
                first = endpoint.network.network_address
                return make.address(f"{first}/{endpoint.network.max_prefixlen}")
            case Name():
                return make.dns_name(endpoint.name)


def ask_engine(model: ClusterModel, ruling: Ruling) -> Compared:
    """Asks about every case, at its first port and for a network's first address.

    Raises:
        InputError: the engine is not there, or cannot be asked.
    """
    try:
        lab = importlib.import_module("lab.control_plane")
    except ImportError as error:
        raise InputError(_MISSING) from error
    identities = _Identities(lab, model)
    asked = list(_questions(ruling, identities))
    names = {namespace for end in (ruling.source, ruling.target) for namespace in end.namespaces}
    policies = [dict(each) for each in model.manifests_for(names)]
    if any(word in str(policies) for word in _RESOLVED_BY_AGENTS):
        line = (
            "Cilium's engine: not asked, as an agent resolves toServices and CIDR groups before it"
        )
        return Compared((line,), {"same": None, "verdicts": 0, "differences": []}, False)
    try:
        with lab.Engine() as engine:
            engine.identities(identities.named)
            rejected = engine.policies(policies)
            flows = [
                lab.Flow(source, target, ports.first, ports.protocol)
                for _, source, target, ports in asked
            ]
            verdicts = engine.verdicts(flows)
    except lab.LocalClusterError as error:
        raise InputError(f"--engine cilium: {error}") from error
    differing: list[str] = []
    answers: list[str] = []
    for (half, _, _, ports), verdict in zip(asked, verdicts, strict=True):
        said = getattr(verdict, half.direction.value)
        answers.append(said)
        if half.outcome is not Outcome.UNKNOWN and said != half.outcome.value:
            differing.append(
                f"Cilium's engine differs: {half.direction.value} of {half.own.words} with"
                f" {half.peer.words} on {ports}: {said}, and not {half.outcome.value}"
            )
    lines = [*differing[:_SHOWN]]
    if not differing:
        count = len(answers)
        lines.append(f"Cilium's engine: the same ({count} verdict{'s' if count != 1 else ''})")
    lines += [f"Cilium rejects {each.kind} {each.name}: {each.error}" for each in rejected]
    data = {"same": not differing, "verdicts": len(answers), "differences": differing}
    return Compared(tuple(lines), data, bool(differing))


def _questions(ruling: Ruling, identities: _Identities) -> Iterator[tuple[Half, str, str, Ports]]:
    """Each half of each case, as the engine can be asked: by two ends."""
    for case in ruling.cases:
        for half in case.halves:
            own, peer = identities.name(half.own.endpoint), identities.name(half.asked)
            out = half is case.egress
            yield half, own if out else peer, peer if out else own, case.ports
