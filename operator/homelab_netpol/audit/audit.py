"""The whole audit: asks each part, and joins what they say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.access.edge_ends import ANY_POD
from homelab_netpol.access.edges import access_graph
from homelab_netpol.access.ends import EVERY_PORT
from homelab_netpol.access.open_ports import allowed
from homelab_netpol.access.reach import beyond
from homelab_netpol.audit.costs import IDENTITIES_MAX, CostReader
from homelab_netpol.audit.enforcing import enforcing, not_known
from homelab_netpol.audit.given import Given
from homelab_netpol.audit.mesh import MeshReader
from homelab_netpol.audit.outside import pods_outside
from homelab_netpol.audit.result import Audit, Limits, NamespaceAudit, Wider
from homelab_netpol.audit.rights import RightsReader
from homelab_netpol.audit.states import States
from homelab_netpol.audit.tasks import Tasks
from homelab_netpol.audit.wider import wider_rules
from homelab_netpol.cilium.agent_config import DEFAULT_POLICY_MAP_MAX
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Entity, Pod
from homelab_netpol.intent import Intent
from homelab_netpol.manifests import kinds

_ANYBODY: tuple[Endpoint, ...] = (ANY_POD, Entity("world"))


def audit(given: Given) -> Audit:
    """Audits what is given.

    Raises:
        ManifestError: an object is not described as it must be.
    """
    return _Auditor(given).audit()


class _Auditor:
    """Keeps what the parts have in common."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._costs = CostReader(given.model, given.open_ports)
        self._mesh = MeshReader(given)
        self._states = States(given)
        self._wider = wider_rules(given)

    def audit(self) -> Audit:
        """Asks all parts."""
        given = self._given
        intents = given.model.desired.intents
        namespaces = [self._namespace(intents[name]) for name in sorted(intents)]
        config = given.model.config
        entries = [each.costs.map_entries for each in namespaces if each.costs is not None]
        is_blind = given.policies_unread or given.pods_unread
        limits = Limits(
            config.policy_map_max if config is not None else DEFAULT_POLICY_MAP_MAX,
            max(entries, default=0) if not is_blind else None,
            IDENTITIES_MAX,
            self._costs.identities if not given.pods_unread else None,
        )
        rights = RightsReader(given)
        may_change = rights.all() if rights.is_known else None
        enforced = enforcing(given)
        wider = self._wider_in("")
        tasks = Tasks(given).all(namespaces, wider, enforced, limits, may_change or ())
        return Audit(
            given.now,
            given.source,
            namespaces,
            wider,
            None if given.policies_unread else len(given.model.in_force),
            None if is_blind else access_graph(given.model, given.open_ports),
            enforced,
            limits,
            may_change,
            tasks,
            list(self._not_seen(rights)),
            given.is_inspected,
        )

    def _namespace(self, intent: Intent) -> NamespaceAudit:
        name = intent.namespace
        given = self._given.model.workloads.get(name, ())
        return NamespaceAudit(
            name,
            self._states.of(intent),
            self._is_closed(name, Direction.INGRESS),
            self._is_closed(name, Direction.EGRESS),
            self._mesh.of(name),
            None if self._given.pods_unread else len(given),
            tuple(pods_outside(given)),
            None if self._given.policies_unread else self._costs.of(name),
            self._wider_in(name),
        )

    def _is_closed(self, name: str, direction: Direction) -> bool | None:
        """Default deny for all pods, unless a rule lets everybody through on every port.

        None: not known, as a policy that closes may be unread.
        """
        pods = self._given.model.pods(name)
        closed = all(self._denies(pod, direction) for pod in pods)
        return None if not closed and self._given.policies_unread else closed

    def _denies(self, pod: Pod, direction: Direction) -> bool:
        known = self._given.open_ports
        if not known.is_closed(pod, direction):
            return False
        return any(
            beyond(EVERY_PORT, allowed(known.of(pod, direction, (peer,)))) for peer in _ANYBODY
        )

    def _wider_in(self, name: str) -> Sequence[Wider]:
        return tuple(dict.fromkeys(self._wider.get(name, ())))

    def _not_seen(self, rights: RightsReader) -> Iterator[str]:
        given = self._given
        yield from given.manifests.gaps
        cilium = not_known(given)
        if cilium:
            yield cilium
        if not rights.is_known and given.manifests.unread.isdisjoint(kinds.RBAC):
            yield "no roles and bindings are given: who may change labels is not known"
        yield from rights.missing
        terminating = {
            each["metadata"]["name"]
            for each in given.manifests.namespaces()
            if each["metadata"].get("deletionTimestamp")
        }
        for name in sorted(terminating):
            yield f"the Namespace {name} is being deleted, and left out"
        if given.policies_unread:
            yield (
                "not all policies could be read: where default deny is not certain it is null, and"
                " who may talk to whom is not said"
            )
        if not given.is_inspected:
            yield (
                "what the operator checks needs all policies, pods and Services: rules that are"
                " wider than a profile, and grants that lead nowhere, are not looked for"
            )
