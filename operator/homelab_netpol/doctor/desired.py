"""What the operator would have written by now, and what stands instead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.cache.last_good import standing_last_good
from homelab_netpol.cilium.agent_config import AgentConfig, read_agent_config
from homelab_netpol.cilium.identity_labels import DEFAULT
from homelab_netpol.cilium.own_cluster import own_cluster
from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.cilium.version import agent_versions
from homelab_netpol.definitions import Definitions, read_profile, read_resource
from homelab_netpol.doctor.fields import name, namespace
from homelab_netpol.doctor.installation import (
    AGENT,
    CILIUM_CONFIG,
    FROM_OPTION,
    Installation,
    Object,
)
from homelab_netpol.intent import Intent
from homelab_netpol.manifests.kinds import NAMESPACE, NETWORK_PROFILE, SHARED_RESOURCE
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import DesiredState, desired_state
from homelab_netpol.policy.diff import Change, Delete, diff
from homelab_netpol.policy.keys import (
    CLUSTERWIDE_HATCH,
    Kind,
    PolicyKey,
    owner_of,
    parse_policy_name,
)
from homelab_netpol.policy.objects import (
    LabelKeys,
    LivePolicy,
    is_managed,
    read_live,
    written_by_us,
)
from homelab_netpol.settings import DefaultDeny
from homelab_netpol.shapes import mapping, text, texts

_CILIUM_KINDS = (CCNP, CNP)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand, beside what does.

    Attributes:
        state: what the operator would do; None: what it goes by could not be read.
        standing: the policies that are the operator's.
        taken: names that it needs, under which policies of others stand.
        changes: what it has still to do, without what it leaves as it is.
        unread: in words, what could not be read, without which nothing is compared; and why.
    """

    state: DesiredState | None = None
    standing: Mapping[PolicyKey, LivePolicy] = field(default_factory=dict)
    taken: Sequence[PolicyKey] = ()
    changes: Sequence[Change] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def intents(self) -> Mapping[str, Intent]:
        """What each Namespace wants."""
        return self.state.intents if self.state is not None else {}

    @property
    def uses_layer_7(self) -> bool:
        """Policies that should stand have DNS names or HTTP rules."""
        policies = self.state.policies if self.state is not None else ()
        return any(_has_layer_7(policy.body) for policy in policies)


def compare(found: Installation) -> Wanted:
    """Works out both.

    Raises:
        RenderError: a template cannot be rendered.
    """
    facts, settings = found.facts, found.settings
    kinds = (NAMESPACE, *_CILIUM_KINDS, NETWORK_PROFILE, SHARED_RESOURCE)
    unread = {
        f"objects of the kind {kind}": facts.of(kind).refused
        for kind in kinds
        if facts.of(kind).refused
    }
    if settings.templates is not None and found.settings_from != FROM_OPTION:
        # A path in the operator's pod; here it may lead to anything.
        unread[f"the templates in {settings.templates}"] = (
            "they are in the operator's Pod; give its settings (--config), with `templates` leading"
            " to a copy"
        )
    keys = LabelKeys(settings.label_domain)
    ours, others = _standing(found, keys)
    standing = {live.key: live for _, live in ours}
    if unread or facts.of(NAMESPACE).absent:
        return Wanted(standing=standing, unread=unread)
    namespaces = [_stamped(each) for each in facts.of(NAMESPACE).items]
    uids = {name(each): text(each, "metadata", "uid") for each in namespaces}
    of_cilium = [item for item, live in ours if live.key.kind.value in _CILIUM_KINDS]
    state = desired_state(
        _catalogue(found),
        namespaces,
        found.now,
        istio=settings.mesh.writes_istio,
        last_good=standing_last_good(of_cilium, uids, keys),
        scope=_scope(found, standing),
        closed=keys.noted_closed(standing.get(CLUSTERWIDE_HATCH)),
    )
    compared = [
        policy
        for policy in state.policies
        if not facts.of(policy.key.kind.value).refused
        and not facts.of(policy.key.kind.value).absent
    ]
    taken = [policy.key for policy in compared if policy.key in others]
    changes = [
        change
        for change in diff(
            [policy for policy in compared if policy.key not in others],
            {key: live for key, live in standing.items() if owner_of(key) is not None},
        )
        if not (isinstance(change, Delete) and _is_kept(change.live.key, state))
    ]
    return Wanted(state, standing, taken, changes)


def _standing(
    found: Installation, keys: LabelKeys
) -> tuple[list[tuple[Object, LivePolicy]], set[PolicyKey]]:
    """The operator's own policies, each with its object; and the names of those of others."""
    ours: list[tuple[Object, LivePolicy]] = []
    others: set[PolicyKey] = set()
    for kind in Kind:
        for item in found.facts.of(kind.value).items:
            if is_managed(texts(item, "metadata", "labels")) or written_by_us(item, keys.component):
                ours.append((item, read_live(kind, item)))
            else:
                others.add(PolicyKey(kind, namespace(item), name(item)))
    return ours, others


def _catalogue(found: Installation) -> Catalogue:
    facts, settings = found.facts, found.settings
    profiles = [read_profile(_defined(each)) for each in facts.of(NETWORK_PROFILE).items]
    resources = [read_resource(_defined(each)) for each in facts.of(SHARED_RESOURCE).items]
    definitions = Definitions(
        {each.name: each for each in profiles}, {each.name: each for each in resources}
    )
    agents = agent_config(found)
    refused = bool(facts.of(CILIUM_CONFIG).refused)
    return Catalogue(
        settings,
        definitions,
        own_namespace=found.home if found.deployment is not None else None,
        identity_labels=agents.identity_labels if agents is not None else DEFAULT,
        own_cluster=own_cluster(settings.cluster.name, agents, refused=refused),
    )


def agent_config(found: Installation) -> AgentConfig | None:
    """How Cilium's agents are configured; None: that is not known."""
    data = found.cilium_data
    if data is None:
        return None
    return read_agent_config(data, agent_versions(found.facts.of(AGENT).items))


def _scope(found: Installation, standing: Mapping[PolicyKey, LivePolicy]) -> DefaultDeny | None:
    """Under `auto`, a baseline that closes the cluster says that it has been decided."""
    if found.settings.default_deny is not DefaultDeny.AUTO:
        return None
    closes = any(live.spared is not None for live in standing.values())
    return DefaultDeny.WORKLOAD if closes else DefaultDeny.LABELLED


def _is_kept(key: PolicyKey, state: DesiredState) -> bool:
    """The operator leaves it as it stands, as a label or a definition cannot be understood."""
    named = parse_policy_name(key)
    about = named.about if named is not None else ""
    intent = state.intents.get(key.namespace)
    mine = intent is not None and (
        intent.retained_profile is not None
        or about in intent.retained_grants
        or about in intent.retained_ingress
    )
    return mine or any(about in each.retained_grants for each in state.intents.values() if about)


def _stamped(item: Object) -> dict[str, Any]:
    metadata = mapping(item, "metadata")
    labels, annotations = texts(metadata, "labels"), texts(metadata, "annotations")
    return {**item, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def _defined(item: Object) -> dict[str, Any]:
    """A custom resource by its name and spec: the rest of its metadata may hold anything."""
    return {**item, "metadata": {"name": name(item)}}


def _has_layer_7(body: Any) -> bool:
    if isinstance(body, Mapping):
        ports = any(key in body for key in ("toFQDNs", "http", "dns", "l7proto"))
        return ports or any(map(_has_layer_7, body.values()))
    return isinstance(body, list) and any(map(_has_layer_7, body))
