"""Whatever blinks, the operator acts as if it had not; what is gone for longer is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.label_grace import LabelGrace
from homelab_netpol.intent import Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CLUSTERWIDE
from homelab_netpol.policy.objects import Policy, as_object, read_live
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings

CATALOGUE = Catalogue(Settings())
D = "network-policy.homelab"
PROFILE, INTRA, HATCH = f"{D}/profile", f"{D}/intra-namespace", f"{D}/enforcement"
POSTGRES = f"access.{D}/postgres"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRACE = 1.0

_LABELS = st.fixed_dictionaries(
    {},
    optional={
        PROFILE: st.sampled_from(["isolated", "standard"]),
        INTRA: st.sampled_from(["allow", "deny"]),
        POSTGRES: st.sampled_from(["true", "false"]),
    },
)
# All that a person may say beside the hatch, with a profile that all of it refines.
_ALL_LABELS = st.fixed_dictionaries(
    {PROFILE: st.sampled_from(["internal-egress", "standard"])},
    optional={
        INTRA: st.sampled_from(["allow", "deny"]),
        POSTGRES: st.just("true"),
        f"access.{D}/gateway": st.sampled_from(["true", "internal", "external"]),
        f"{D}/webhooks": st.sampled_from(["allow", "deny"]),
    },
)
_ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        f"{D}/gateway-ports": st.sampled_from(["8080", "8080,9090"]),
        f"{D}/internet-ports": st.sampled_from(["80,443,UDP/443", "8000-8010"]),
        f"{D}/lan-ports": st.sampled_from(["1883,UDP/27015", "22"]),
        f"{D}/world-ports": st.sampled_from(["UDP/27000-27050", "53,UDP/53"]),
    },
)
_GAPS = st.sampled_from([0.1, 0.3, 0.8, 1.5, 4.0])


@dataclass
class Played:
    """A Namespace whose labels change, on a clock that only the test moves."""

    now: float = 100.0
    version: int = 0
    cache: ClusterCache = field(default_factory=lambda: ClusterCache(CATALOGUE))

    def __post_init__(self) -> None:
        self.cache.grace = LabelGrace(GRACE, HATCH, lambda: self.now)
        self.triggers = Triggers(self.cache, lambda: NOON + timedelta(seconds=self.now))

    def wait(self, seconds: float) -> None:
        """Time goes by, and what is due by then is done when it is."""
        end = round(self.now + seconds, 2)
        while self.now < end:
            self.now = round(self.now + 0.05, 2)
            self.triggers.grace_over()
            self.triggers.time_passed()

    def say(self, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> None:
        """A watch shows the Namespace with these labels."""
        self.version += 1
        metadata = {
            "name": "app",
            "uid": "app",
            "resourceVersion": str(self.version),
            "labels": dict(labels),
            "annotations": dict(annotations or {}),
        }
        self.triggers.namespace_observed(self.cache.namespaces.read({"metadata": metadata}))

    def start(self, standing: list[Policy]) -> None:
        """The operator comes while these policies stand, and the Namespace says nothing."""
        for number, policy in enumerate(standing):
            found = as_object(policy)
            metadata = found["metadata"] | {"labels": policy.labels}
            metadata |= {"annotations": policy.annotations, "uid": policy.key.name}
            metadata["resourceVersion"] = str(number + 1)
            self.triggers.policy_observed(
                read_live(policy.key.kind, {**found, "metadata": metadata})
            )
        self.version = len(standing) + 1
        metadata = {"name": "app", "uid": "app", "resourceVersion": str(self.version)}
        observed = self.cache.namespaces.read({"metadata": metadata})
        self.triggers.namespaces_listed({"app"}, [observed], self.version)

    @property
    def intent(self) -> Intent:
        """What the operator would act upon now."""
        intent = self.cache.intents.get("app")
        assert intent is not None
        return intent


@settings(max_examples=300)
@given(st.lists(st.tuples(_GAPS, _LABELS), min_size=1, max_size=12))
def test_a_label_counts_until_it_has_been_gone_for_the_grace(
    edits: list[tuple[float, dict[str, str]]],
) -> None:
    played = Played()
    counting: dict[str, str] = {}
    gone: dict[str, float] = {}
    for gap, labels in edits:
        played.wait(gap)
        for key in [key for key, since in gone.items() if played.now - since >= GRACE - 1e-6]:
            del gone[key], counting[key]
        played.say(labels)
        gone = {key: gone.get(key, played.now) for key in counting if key not in labels}
        counting |= labels
        intent = played.intent
        assert intent.profile == counting.get(PROFILE)
        assert intent.grants == (("postgres",) if counting.get(POSTGRES) == "true" else ())
        if intent.profile is not None:
            default = "deny" if intent.profile == "isolated" else "allow"
            assert intent.intra_namespace is (counting.get(INTRA, default) == "allow")


@settings(max_examples=200)
@given(_ALL_LABELS, _ANNOTATIONS)
def test_what_blinks_while_the_operator_starts_counts_as_what_stands_says(
    labels: dict[str, str], annotations: dict[str, str]
) -> None:
    before = Played()
    before.say(labels, annotations)
    standing = before.cache.planner.namespace(before.intent, lambda _: False).policies
    played = Played()
    played.start(standing)
    assert played.intent == before.intent
    played.wait(2)
    assert played.intent == Intent("app"), "it was meant after all"


@settings(max_examples=200)
@given(st.lists(st.tuples(_GAPS, st.sampled_from([0.1, 0.3, 0.8])), min_size=1, max_size=20))
def test_a_deadline_counts_from_when_the_hatch_was_first_open(
    blinks: list[tuple[float, float]],
) -> None:
    played = Played()
    annotations = {f"{D}/disabled-until": "10s"}
    played.say({HATCH: "disabled"}, annotations)
    first = played.now
    for on, off in blinks:
        played.wait(on)
        played.say({}, annotations)
        assert not played.intent.hatch_open, "a hatch closes at once"
        played.wait(off)
        played.say({HATCH: "disabled"}, annotations)
        assert played.intent.hatch_open is (played.now - first < 10)
        assert played.intent.hatch_expired is not played.intent.hatch_open
        assert ("app" in played.cache.expired_hatches()) is not played.intent.hatch_open


def test_a_hatch_that_is_opened_again_later_is_a_new_one() -> None:
    played = Played()
    annotations = {f"{D}/disabled-until": "10s"}
    played.say({HATCH: "disabled"}, annotations)
    played.wait(30)
    assert played.intent.hatch_expired
    played.say({}, annotations)
    assert "app" in played.cache.expired_hatches(), "until the grace is over it may come back"
    played.wait(2)
    assert played.cache.expired_hatches() == {}
    played.say({HATCH: "disabled"}, annotations)
    assert played.intent.hatch_open


# Cilium's defaults: identity-max-jitter 30 s and identity-change-grace-period 5 s.
IDENTITIES_SECONDS = 35


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from([0.3, 3, 20, 50]), st.booleans()), max_size=12))
def test_a_closed_hatch_is_left_out_until_identities_say_so(
    edits: list[tuple[float, bool]],
) -> None:
    played = Played()
    closed_at: float | None = None
    was_open = False
    for gap, is_open in edits:
        played.say({HATCH: "disabled"} if is_open else {})
        if is_open:
            closed_at = None
        elif was_open:
            closed_at = played.now
        was_open = is_open
        played.wait(gap)
        gone = None if closed_at is None else played.now - closed_at
        left_out = "app" in played.cache.grace.left_out
        if gone is None or gone > IDENTITIES_SECONDS + 2:
            assert not left_out
        elif gone < IDENTITIES_SECONDS:
            assert left_out


def test_a_namespace_that_goes_is_not_left_out_any_longer() -> None:
    played = Played()
    played.say({HATCH: "disabled"})
    played.say({})
    assert "app" in played.cache.grace.left_out
    requests = played.triggers.namespace_deleted("app", played.version + 1)
    assert CLUSTERWIDE in requests, "the net is to be written without it"
    assert not played.cache.grace.left_out


def test_a_deadline_that_blinks_does_not_open_the_hatch_for_ever() -> None:
    played = Played()
    played.say({HATCH: "disabled"}, {f"{D}/disabled-until": "10s"})
    played.wait(4)
    until = played.intent.hatch_until
    played.say({HATCH: "disabled"})
    assert played.intent.hatch_until == until is not None
    played.wait(0.3)
    played.say({HATCH: "disabled"}, {f"{D}/disabled-until": "10s"})
    assert played.intent.hatch_until == until
    played.say({HATCH: "disabled"})
    played.wait(2)
    assert played.intent.hatch_until is None, "its owner has taken the deadline off"


def test_what_is_said_aloud_is_not_held() -> None:
    played = Played()
    played.say({PROFILE: "standard", POSTGRES: "true"})
    played.say({PROFILE: "isolated", POSTGRES: "false"})
    assert played.intent.profile == "isolated"
    assert played.intent.grants == ()


def test_of_a_namespace_that_was_created_again_nothing_is_held() -> None:
    played = Played()
    played.say({PROFILE: "standard", POSTGRES: "true"})
    played.triggers.namespace_deleted("app", played.version + 1)
    played.version += 1
    played.say({})
    assert played.intent.profile is None
    assert played.intent.grants == ()
