"""Reads a Namespace's labels and annotations.

The rule for all of them: what cannot be understood changes nothing. What stood before stays, and a
message says what is in force and which word was probably meant; nothing opens by accident.
"""

from __future__ import annotations

from datetime import datetime

from homelab_netpol.intent.model import Intent, LastGood, NamespaceFacts, Problem, Reason
from homelab_netpol.intent.platform import Platform, read_platform
from homelab_netpol.intent.ports import MAX_PORTS, parse_ports
from homelab_netpol.intent.read_grants import read_grants
from homelab_netpol.intent.read_hatch import read_hatch
from homelab_netpol.intent.read_ports import read_ports
from homelab_netpol.intent.vocabulary import Vocabulary, cannot_be_used, did_you_mean
from homelab_netpol.intent.waypoint import INGRESS_USE_WAYPOINT, waypoint_of_facts


def read_intent(
    facts: NamespaceFacts, last_good: LastGood, vocabulary: Vocabulary, now: datetime
) -> Intent:
    """Reads what a Namespace wants; it never fails, as problems are part of the intent.

    For a label that cannot be understood `last_good` stands in; a hatch whose deadline is not after
    `now` is closed.
    """
    return _Reader(facts, last_good, vocabulary, now).read()


class _Reader:
    """Collects the problems while it goes through the labels of one Namespace."""

    def __init__(
        self, facts: NamespaceFacts, last_good: LastGood, vocabulary: Vocabulary, now: datetime
    ) -> None:
        self._facts = facts
        self._last_good = last_good
        self._words = vocabulary
        self._now = now
        self._problems: list[Problem] = []

    def read(self) -> Intent:
        platform = read_platform(self._facts, self._last_good, self._words)
        if platform.problem is not None:
            self._problems.append(platform.problem)
        profile, retained = self._profile(platform)
        grants = read_grants(self._facts, self._last_good, self._words)
        self._problems += grants.problems
        remedy = (
            "a platform namespace has none: remove it"
            if platform.is_platform
            else f"it needs a profile: set {self._words.profile_key} as well"
        )
        missing = None if profile or retained else remedy
        intra_namespace = self._intra_namespace(profile, missing=missing)
        gateway_ports = self._gateway_ports(missing=missing)
        ports = read_ports(self._facts, self._last_good, self._words, profile, missing=missing)
        self._problems += ports.problems
        hatch = read_hatch(self._facts, self._last_good, self._words, self._now)
        self._problems += hatch.problems
        self._unknown_keys()
        mesh_key, mesh_value = self._words.mesh_label
        labels = self._facts.labels
        meshed = labels.get(mesh_key) == mesh_value
        waypoint = waypoint_of_facts(labels) if meshed else None
        return Intent(
            namespace=self._facts.name,
            platform=platform.is_platform,
            platform_label=platform.by_label,
            profile=profile,
            retained_profile=retained,
            intra_namespace=intra_namespace,
            gateway_ports=gateway_ports,
            internet_ports=ports.internet,
            lan_ports=ports.lan,
            world_ports=ports.world,
            retained_ingress=ports.retained,
            webhooks=self._webhooks(),
            gateway_access=grants.gateways,
            grants=grants.granted,
            grant_values=grants.values,
            retained_grants=grants.retained,
            refused_grants=grants.refused,
            may_not_ask=grants.may_not_ask,
            hatch_open=hatch.is_open,
            hatch_since=hatch.since,
            hatch_until=hatch.until,
            meshed=meshed,
            waypoint=waypoint,
            ingress_by_waypoint=waypoint is not None and INGRESS_USE_WAYPOINT in labels,
            problems=tuple(self._problems),
        )

    def _report(self, reason: Reason, key: str, message: str) -> None:
        self._problems.append(Problem(reason, key, message))

    def _profile(self, platform: Platform) -> tuple[str | None, str | None]:
        """The profile in force, and the one whose policy is retained."""
        key = self._words.profile_key
        value = self._facts.labels.get(key)
        if value is None:
            return None, None
        if platform.is_platform:
            refusal = self._refusal(f"{key}={value}", platform)
            self._report(Reason.PROFILE_REFUSED, key, refusal)
            return None, None
        if value in self._words.profiles:
            return value, None
        kept = self._last_good.profile
        stands = f"the profile {kept!r} stays in force" if kept else "no profile is in force"
        if kept == value:
            stands = "the policy that stands is kept as it is"
        why = self._words.unusable_profiles.get(value)
        if why is None:
            choice = did_you_mean(value, self._words.profiles)
            message = f"There is no profile {value!r}; {stands}. {choice}"
            self._report(Reason.PROFILE_UNKNOWN, key, message)
        else:
            message = cannot_be_used(f"profile {value!r}", why, stands, f"networkprofile {value}")
            self._report(Reason.PROFILE_NOT_READY, key, message)
        if kept is None or kept in self._words.profiles:
            return kept, None
        return None, kept

    def _refusal(self, label: str, platform: Platform) -> str:
        name = self._facts.name
        if name == self._words.own_namespace:
            return (
                f"{name} is the namespace that this operator runs in, and a profile could cut it"
                f" off from the API server: the label {label} is refused. Remove the label."
            )
        return (
            f"{name} is a platform namespace, as {platform.why}: it keeps its hand-written"
            f" policies, and the label {label} is refused. Remove the label; or, if the"
            f" namespace should have a profile, {platform.remedy}."
        )

    def _intra_namespace(self, profile: str | None, *, missing: str | None) -> bool:
        key = self._words.intra_namespace_key
        value = self._facts.labels.get(key)
        if value is not None and missing is not None:
            self._report(
                Reason.INTRA_NAMESPACE_REFUSED,
                key,
                f"{key}={value} refines a profile, and has no effect without one; {missing}.",
            )
            return False
        default = self._words.profiles.get(profile, False) if profile is not None else False
        if value is None:
            return default
        if value in ("allow", "deny"):
            return value == "allow"
        kept = self._last_good.intra_namespace
        in_force = default if kept is None else kept
        self._report(
            Reason.INTRA_NAMESPACE_INVALID,
            key,
            f"The value of {key} must be 'allow' or 'deny', not {value!r}; traffic within the"
            f" namespace stays {'allowed' if in_force else 'denied'}.",
        )
        return in_force

    def _gateway_ports(self, *, missing: str | None) -> tuple[int, ...] | None:
        key = self._words.gateway_ports_key
        value = self._facts.annotations.get(key)
        if value is None:
            return ()
        if missing is not None:
            self._report(
                Reason.GATEWAY_PORTS_REFUSED,
                key,
                f"The annotation {key} refines a profile, and has no effect without one;"
                f" {missing}.",
            )
            return ()
        ports = parse_ports(value)
        if ports is not None:
            return ports
        kept = self._last_good.gateway_ports
        if kept is None:
            in_force = "the gateways may reach nothing until it is corrected"
        elif kept:
            in_force = f"the gateways may still reach {', '.join(map(str, kept))}"
        else:
            in_force = "the gateways may still reach every TCP port"
        self._report(
            Reason.GATEWAY_PORTS_INVALID,
            key,
            f"The annotation {key} must list 1 to {MAX_PORTS} TCP ports, such as"
            f' "8080,9090", not {value[:80]!r}; {in_force}.',
        )
        return kept

    def _webhooks(self) -> bool:
        key = self._words.webhooks_key
        value = self._facts.labels.get(key, "deny")
        if value in ("allow", "deny"):
            return value == "allow"
        stands = "webhooks" in self._last_good.ingress
        self._report(
            Reason.WEBHOOKS_INVALID,
            key,
            f"The value of {key} must be 'allow' or 'deny', not {value!r}; calls of the API server"
            f" stay {'allowed' if stands else 'as the other policies have it'}.",
        )
        return stands

    def _unknown_keys(self) -> None:
        """Reports a mistyped key, such as `network-policy.homelab/profil`, which has no effect."""
        words, prefix = self._words, f"{self._words.domain}/"
        known = {
            words.profile_key,
            words.enforcement_key,
            words.intra_namespace_key,
            words.webhooks_key,
            words.platform_key,
        }
        for key in sorted(self._facts.labels):
            if key.startswith(prefix) and key not in known:
                short = [name.removeprefix(prefix) for name in known]
                choice = did_you_mean(key.removeprefix(prefix), short)
                message = f"There is no label {key}; it has no effect. {choice}"
                self._report(Reason.LABEL_UNKNOWN, key, message)
