"""Companions: pods that belong together across every governed namespace, whatever its profile."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.terms import (
    MAX_PORTS,
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    POD_ENTITIES,
)
from homelab_netpol.settings.peer import Peer
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Port, Selector

_OTHERWISE = (
    " (`matchLabels`, `In` or `Exists`), or it would be nearly every pod of some namespaces"
)
_TOO_WIDE = POD_ENTITIES | {"world"}

CompanionPeers = Annotated[tuple[Peer, ...], Field(max_length=32)]


class Companion(Section):
    """Pods of governed namespaces, and who reaches them, or whom they reach, on some ports."""

    pods: Selector = Field(
        description="Labels of the pods in the governed namespaces: `matchLabels`,"
        " `matchExpressions`. Never those of platform namespaces."
    )
    from_: CompanionPeers = Field(
        default=(),
        alias="from",
        description="Who reaches them, such as a database's operator: a list of peers. Pods need a"
        " label of theirs; `all`, `cluster` and `world` are refused.",
    )
    to: CompanionPeers = Field(
        default=(), description="Or whom they reach, such as a backup's store: likewise."
    )
    ports: tuple[Port, ...] = Field(
        min_length=1, max_length=MAX_PORTS, description="On which ports, 1 to 40."
    )

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The other ends, in whichever direction."""
        return self.from_ or self.to

    @model_validator(mode="after")
    def _opens_no_more_than_it_says(self) -> Self:
        if bool(self.from_) == bool(self.to):
            raise ValueError("needs either `from` or `to`, and not both")
        for key in self.pods.keys:
            if _is_of_namespace(key):
                raise ValueError(
                    f"pods: {key} is about Namespaces, and companions are of every governed one;"
                    " a SharedResource grants access to one"
                )
        if not self.pods.carried_keys:
            raise ValueError(f"pods: needs a label that the pods have{_OTHERWISE}")
        for index, peer in enumerate(self.peers):
            path = f"{'from' if self.from_ else 'to'}[{index}]"
            wide = sorted(_TOO_WIDE.intersection(peer.entities))
            if wide:
                raise ValueError(f"{path}: the entity {wide[0]} names no peer in particular")
            if peer.namespace is not None and not peer.pod_labels:
                raise ValueError(
                    f"{path}: names all pods of {peer.namespace}; say which by `podLabels`"
                )
            labels = peer.selector.carried_keys if peer.selector is not None else ()
            if peer.selector is not None and all(map(_is_of_namespace, labels)):
                raise ValueError(f"{path}.selector: needs a label that its pods have{_OTHERWISE}")
        return self


def _is_of_namespace(key: str) -> bool:
    return key == NAMESPACE_KEY or key.startswith(NAMESPACE_LABELS_PREFIX)
