"""The vocabulary's decision tree: three questions, and the profile that follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homelab_netpol.intent import WHOLE, Vocabulary


@dataclass(frozen=True, slots=True)
class Answers:
    """What an app does.

    Attributes:
        from_internet: it is reached from the internet.
        from_inside: it is reached from the home or office network, by the internal gateway.
        calls_out: it calls the internet, over HTTPS.
    """

    from_internet: bool
    from_inside: bool
    calls_out: bool


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Labels for a Namespace, and why.

    Attributes:
        profile: the profile's name.
        ingress: whom the profile lets in, in words.
        egress: what it lets out to, in words.
        labels: all labels.
        notes: what to know beside, in sentences.
    """

    profile: str
    ingress: str
    egress: str
    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()


# The vocabulary's table of profiles.
_PROFILES = {
    "isolated": ("none", "DNS only"),
    "internal": ("internal gateway", "DNS only"),
    "internal-egress": ("internal gateway", "DNS + HTTPS"),
    "standard": ("internal and external gateway", "DNS + HTTPS"),
}
_ONLY_OUT = (
    "No profile only calls out. internal-egress does, and lets the internal gateway in as well,"
    " which leads to the app only by a route of yours. Narrower: isolated, and a SharedResource"
    " (fqdns) for the names that it calls."
)
_WIDER_OUT = "standard also opens HTTPS to the internet; no narrower profile is reached from there."


def recommend(answers: Answers, grants: Mapping[str, str], words: Vocabulary) -> Recommendation:
    """Follows the tree.

    Args:
        answers: to the three questions.
        grants: shared resources that the app needs, each with the access label's value.
        words: of the labels.
    """
    profile, notes = _profile(answers)
    ingress, egress = _PROFILES[profile]
    labels = {words.profile_key: profile}
    labels |= {f"{words.access_prefix}{name}": value for name, value in sorted(grants.items())}
    return Recommendation(profile, ingress, egress, labels, notes)


def _profile(answers: Answers) -> tuple[str, tuple[str, ...]]:
    if answers.from_internet:
        return "standard", () if answers.calls_out else (_WIDER_OUT,)
    if answers.from_inside:
        return "internal-egress" if answers.calls_out else "internal", ()
    return ("internal-egress", (_ONLY_OUT,)) if answers.calls_out else ("isolated", ())


def read_grant(text: str) -> tuple[str, str]:
    """A grant as people write it: `postgres`, or `databases=shop` for a part of a resource."""
    name, equals, value = text.partition("=")
    return name.strip(), value.strip() if equals else WHOLE
