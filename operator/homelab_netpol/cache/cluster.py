"""What is known of the whole cluster: one cache a kind, and what is defined by them now."""

from __future__ import annotations

from homelab_netpol.cache.deadlines import Deadlines
from homelab_netpol.cache.definitions import DefinitionCache
from homelab_netpol.cache.intents import IntentCache
from homelab_netpol.cache.label_grace import LabelGrace
from homelab_netpol.cache.last_good import LastGoodCache
from homelab_netpol.cache.namespaces import NamespaceCache
from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.cilium.agent_config import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_JITTER_SECONDS,
    AgentConfig,
)
from homelab_netpol.cilium.enforcement import CiliumState, Enforcement, Needs, assess
from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.own_cluster import OwnCluster, own_cluster
from homelab_netpol.cilium.terms import CLUSTER_KEY
from homelab_netpol.definitions import DefinitionKind, settings_labels
from homelab_netpol.intent import Intent, LastGood
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import (
    CLUSTERWIDE_HATCH,
    GATEWAY_KEYS,
    WAYPOINTS,
    Component,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
    policy_name,
)
from homelab_netpol.policy.notes import ExpiredHatch
from homelab_netpol.policy.objects import LabelKeys, Policy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.policy.plan_clusterwide import PlatformNamespaces
from homelab_netpol.settings import DefaultDeny, namespaces_of_peers

# What an agent needs to give a pod its new identity, after the delays that it is told to keep.
_IDENTITY_SECONDS = 1.0


class ClusterCache:
    """All caches. Handlers, the reflectors, lists and our own writes fill them.

    Attributes:
        catalogue: what is defined now; another one after each change of a custom resource.
        planner: plans by this catalogue.
        label_keys: the keys of the operator's own labels.
        namespaces: the Namespaces.
        intents: what they want.
        policies: the operator's policies as they stand.
        definitions: the custom resources.
        last_good: what was last in force in each Namespace.
        deadlines: when open hatches close by themselves.
        grace: the labels that were lost a moment ago, and still count.
        scope: where default deny is in force now; never `auto`.
        istio_installed: Istio's CRDs are there.
        cilium: what is known of the Cilium that runs here.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.scope = catalogue.settings.default_deny.in_the_end
        self.planner = Planner(catalogue)
        self.label_keys = LabelKeys(catalogue.settings.label_domain)
        self.namespaces = NamespaceCache(catalogue.vocabulary)
        targets = [WorkKey(Scope.TARGET, name) for name in catalogue.vocabulary.resources]
        self.intents = IntentCache([*targets, *GATEWAY_KEYS, WAYPOINTS])
        self.policies = PolicyCache()
        self.definitions = DefinitionCache()
        self.last_good = LastGoodCache(self.policies, self.label_keys)
        self.deadlines = Deadlines()
        self.grace = LabelGrace(
            catalogue.settings.label_grace_seconds, catalogue.vocabulary.enforcement_key
        )
        self.istio_installed = True
        where = catalogue.settings.cilium
        self.cilium = CiliumState(f"{where.namespace}/{where.config_map}")
        # What was known last: which cluster this is does not change when the right to read it goes.
        self._config: AgentConfig | None = None
        self._is_unreadable = False

    def set_istio_installed(self, installed: bool) -> bool:
        """Plans with or without Istio's policies from now on; whether that is a change."""
        if installed == self.istio_installed:
            return False
        self.istio_installed = installed
        self._plan_anew()
        return True

    def set_scope(self, scope: DefaultDeny) -> None:
        """Plans with default deny in force there from now on."""
        self.scope = scope
        self._plan_anew()

    def _plan_anew(self) -> None:
        self.planner = Planner(self.catalogue, istio=self.istio_installed, scope=self.scope)

    def set_cilium(self, state: CiliumState) -> bool:
        """Takes in what is known of Cilium; whether selectors mean others than before."""
        self.cilium = state
        if state.config is not None or state.unknown_because:
            self._config = state.config or self._config
            self._is_unreadable = self._config is None
        return (
            self._identity_labels() != self.catalogue.identity_labels
            or self._own_cluster() != self.catalogue.own_cluster
        )

    def enforcement(self) -> Enforcement:
        """Whether Cilium enforces what the operator writes."""
        config = self.cilium.config
        needs = Needs(
            labels=frozenset(label.key for label in settings_labels(self.catalogue.settings)),
            layer_7=config is not None and not config.layer_7 and self._uses_layer_7(),
            cluster=self.catalogue.settings.cluster.name,
        )
        return assess(self.cilium, needs)

    def _uses_layer_7(self) -> bool:
        catalogue = self.catalogue
        if catalogue.settings.dns.proxy:
            return True
        return any(
            catalogue.resource(name).fqdns and self.intents.holding_grant(name)
            for name in catalogue.vocabulary.resources
        ) or any(catalogue.profiles.needs_layer_7(intent.profile or "") for intent in self.intents)

    def redefine(self) -> Catalogue:
        """Works out what the custom resources define now; the catalogue before that."""
        before = self.catalogue
        definitions = self.definitions.definitions()
        self.catalogue = before.with_definitions(
            definitions, self._identity_labels(), self._own_cluster()
        )
        self._plan_anew()
        return before

    def _identity_labels(self) -> IdentityLabels:
        config = self.cilium.config
        return config.identity_labels if config is not None else DEFAULT

    def _own_cluster(self) -> OwnCluster:
        wanted = self.catalogue.settings.cluster.name
        return own_cluster(wanted, self._config, refused=self._is_unreadable)

    def cluster_of_identities(self) -> str | None:
        """The cluster's name, as selectors see it on this cluster's pods; None: not known."""
        if self._config is not None and self._config.identity_labels.keeps(CLUSTER_KEY) is not True:
            return None
        return self.catalogue.own_cluster.name

    def applied(self, namespace: str) -> LastGood:
        """What was last in force in a Namespace."""
        return self.last_good.last_good(namespace, self.namespaces.uid(namespace))

    def record_applied(self, intent: Intent) -> None:
        """Keeps an intent whose policies are all written as the last good one."""
        if self.namespaces.exists(intent.namespace):
            self.last_good.record_applied(intent)

    def expired_hatches(self) -> dict[str, ExpiredHatch]:
        """The hatches that have closed by themselves though their labels are still there.

        Or were a moment ago: a label that comes back must not open one of them anew.
        """
        return self.grace.expired_hatches() | {
            intent.namespace: ExpiredHatch(
                intent.hatch_since, self.namespaces.uid(intent.namespace)
            )
            for intent in self.intents
            if intent.hatch_expired and intent.hatch_since is not None
        }

    def hatch_closed(self, before: Intent) -> None:
        """The label of a hatch went; `before` is what the Namespace wanted until then."""
        if before.hatch_since is not None:
            name, since = before.namespace, before.hatch_since
            uid = self.namespaces.uid(name)
            self.grace.hatch_closed(name, uid, since, expired=before.hatch_expired)
            self._leave_out(name)

    def hatch_found(self, namespace: str) -> None:
        """The operator starts: a hatch may have closed a moment ago, by what still stands."""
        intent, net = self.intents.get(namespace), self.policies.get(CLUSTERWIDE_HATCH)
        hatch = PolicyKey(Kind.CNP, namespace, policy_name(Component.HATCH))
        noted = namespace in self.label_keys.noted_closed(net)
        was_open = noted or self.policies.get(hatch) is not None
        if was_open and not (intent is not None and intent.hatch_open):
            self._leave_out(namespace)

    def _leave_out(self, namespace: str) -> None:
        """The hatch's clusterwide policy leaves a Namespace out until Cilium has caught up."""
        config = self._config
        jitter, grace = (
            (DEFAULT_JITTER_SECONDS, DEFAULT_GRACE_SECONDS)
            if config is None
            else (config.identity_jitter_seconds, config.identity_grace_seconds)
        )
        self.grace.leave_out(namespace, jitter + grace + _IDENTITY_SECONDS)

    def clusterwide_policies(self) -> list[Policy]:
        """The clusterwide policies that should stand.

        Raises:
            RenderError: a template cannot be rendered.
        """
        return self.planner.clusterwide(
            self.expired_hatches(), self._platform(), self.grace.left_out
        )

    def _platform(self) -> PlatformNamespaces:
        """The platform Namespaces there are, and those that are leaving it.

        One that leaves is spared until its own policies stand: closed before that, it would be
        denied what it was allowed before and is allowed after.
        """
        names = {intent.namespace for intent in self.intents if intent.platform}
        for name in self.policies.spared():
            intent = self.intents.get(name)
            if intent is not None and not self._has_own_policies(intent):
                names.add(name)
        by_label = {
            intent.namespace: self.namespaces.uid(intent.namespace)
            for intent in self.intents
            if intent.platform_label
        }
        denied = [name for name in names if self.has_profile(name)]
        return PlatformNamespaces(names, denied, by_label)

    def _has_own_policies(self, intent: Intent) -> bool:
        """All policies that a Namespace should have for itself stand there, in some version."""
        namespaces = self.namespaces
        plan = self.planner.namespace(intent, namespaces.is_meshed, namespaces.waypoint_of)
        return not plan.failed and all(self.policies.get(each.key) for each in plan.policies)

    def has_profile(self, namespace: str) -> bool:
        """The policy of a profile stands in a Namespace."""
        key = PolicyKey(Kind.CNP, namespace, policy_name(Component.PROFILE))
        return self.policies.get(key) is not None

    def profile_users(self, profile: str) -> list[str]:
        """The Namespaces that use a profile, or one that extends it."""
        extending = {
            name
            for name in self.definitions.names(DefinitionKind.PROFILE)
            if profile in self.catalogue.definitions.lineage(name)
        }
        return self.intents.using_profile({profile, *extending})

    def resource_namespace(self, resource: str) -> str | None:
        """The namespace of a shared resource's pods here; None: it has none, or is not known."""
        if resource not in self.catalogue.vocabulary.resources:
            return None
        return self.catalogue.resource(resource).home

    def resources_led_by(self, namespace: str) -> list[str]:
        """The shared resources in the mesh that are reached by way of waypoints in a namespace."""
        listed = namespace in namespaces_of_peers(self.catalogue.settings.mesh.waypoints)
        own = self.namespaces.waypoint_of(namespace)
        is_own = own is not None and own.namespace == namespace
        if not (listed or is_own or self.intents.serves_others(namespace)):
            return []
        found = []
        for name in self.catalogue.vocabulary.resources:
            home = self.catalogue.resource(name).home
            if home is not None and self.namespaces.is_meshed(home):
                waypoint = self.namespaces.waypoint_of(home)
                if listed or (waypoint is not None and waypoint.namespace == namespace):
                    found.append(name)
        return found

    def serving_waypoints(self) -> list[Policy]:
        """The policies of the waypoints that serve other namespaces.

        Raises:
            RenderError: a template cannot be rendered.
        """
        served = (self.intents.get(name) for name in self.intents.consumers(WAYPOINTS))
        intents = [intent for intent in served if intent is not None]
        return self.planner.waypoints.serving(intents, self.namespaces.is_meshed)

    def shared_keys(self) -> list[WorkKey]:
        """The keys whose policies list other Namespaces, those with policies left over included."""
        left_over = [key for key in self.policies.owners() if key.scope is Scope.TARGET]
        return list({*self.intents.shared_keys(), *left_over})
