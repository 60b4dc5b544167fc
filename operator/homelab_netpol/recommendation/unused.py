"""Grants, and what else labels open, that no flow needed for some time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.fixes import NOTHING, Change, Setting
from homelab_netpol.intent import Intent, parse_moment
from homelab_netpol.recommendation.candidates import Candidates
from homelab_netpol.recommendation.frame import Coverage, framed
from homelab_netpol.recommendation.needs import Need, by_namespace
from homelab_netpol.recommendation.probes import Probes
from homelab_netpol.recommendation.search import Word, choose

# Exports may begin so much later than was asked.
_TOLERANCE = timedelta(hours=1)


class Use(StrEnum):
    """Whether something was used."""

    USED = "used"
    UNUSED = "unused"
    WIDER = "wider than used"
    TOO_YOUNG = "too young to say"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one label or annotation.

    Attributes:
        setting: which.
        use: whether it was used.
        flows: how many needed it.
        last: when the last did; None: that is not known.
        instead: the value that would have been enough, where one is narrower.
        since: of a Namespace that is too young, when it was made.
    """

    setting: Setting
    use: Use
    flows: int = 0
    last: datetime | None = None
    instead: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The time that flows really cover.

    Attributes:
        first: when the first was seen; None: none says.
        last: likewise the last.
        asked: since when they should be; None: as they are.
    """

    first: datetime | None
    last: datetime | None
    asked: datetime | None

    def is_short(self) -> bool:
        """They begin later than was asked, or say no time at all."""
        if self.first is None or self.asked is None:
            return self.first is None
        return self.first - self.asked > _TOLERANCE


def unused(model: ClusterModel, needs: Sequence[Need], span: Span) -> list[Finding]:
    """Judges every grant, and every annotation or label that opens something.

    Args:
        model: the cluster.
        needs: what was seen.
        span: over which time.

    Raises:
        RenderError: a template cannot be rendered.
    """
    intents = model.desired.intents
    scope = [name for name, each in intents.items() if not each.platform and each.profile]
    frame = framed(model, scope)
    probes = Probes(frame, EndFinder(frame))
    mine = by_namespace(needs)
    born = {each["metadata"]["name"]: _born(each) for each in model.manifests.namespaces()}
    found: list[Finding] = []
    for name, intent in sorted(intents.items()):
        settings = list(_said(model, intent))
        if not settings:
            continue
        of_it = mine.get(name, [])
        judge = _Judge(frame, name, of_it, probes)
        since = born[name]
        is_young = since is not None and span.first is not None and since > span.first
        found += [judge.of(each, too_young=since if is_young else None) for each in settings]
    return found


class _Judge:
    """Judges the words of one Namespace."""

    def __init__(
        self, frame: ClusterModel, namespace: str, needs: Sequence[Need], probes: Probes
    ) -> None:
        self._frame = frame
        self._namespace = namespace
        self._needs = needs
        self._coverage = Coverage(frame, needs, probes.of(namespace, needs))
        self._free, _ = self._coverage.of(NOTHING)

    def of(self, setting: Setting, too_young: datetime | None = None) -> Finding:
        """What is known of one of them.

        Args:
            setting: which.
            too_young: since when its Namespace is, if that is later than the flows begin.
        """
        covers, opens = self._coverage.of(Change((setting,)))
        helped = covers & ~self._free
        used = [each for number, each in enumerate(self._needs) if helped >> 2 * number & 0b11]
        flows = sum(each.count for each in used)
        last = max((each.last for each in used if each.last is not None), default=None)
        words = self._frame.desired.catalogue.vocabulary
        instead = ""
        if setting.key == words.profile_key:
            instead = self._narrower(setting, Word(Change((setting,)), covers, opens))
            if not instead:
                return Finding(setting, Use.USED, flows, last)
        elif used:
            return Finding(setting, Use.USED, flows, last)
        if too_young is not None:
            return Finding(setting, Use.TOO_YOUNG, flows, last, since=too_young)
        return Finding(setting, Use.WIDER if instead else Use.UNUSED, flows, last, instead)

    def _narrower(self, setting: Setting, now: Word) -> str:
        """Of a profile the narrowest that lets pass what it does of what was seen."""
        words = []
        for change in Candidates(self._frame, self._namespace, ()).profiles(narrow=False):
            words.append(Word(change, *self._coverage.of(change)))
        needs = [
            bits
            for number, bits in enumerate(self._coverage.all_bits)
            if now.covers >> 2 * number & 0b11
            for bits in [bits & now.covers]
        ]
        best = choose(words, (), needs).words[0]
        if best.opens.bit_count() >= now.opens.bit_count():
            return ""
        return next(each.value for each in best.change.settings if each.key == setting.key)


def _said(model: ClusterModel, intent: Intent) -> Iterator[Setting]:
    """The labels and annotations of a Namespace that open something, as they are in force."""
    words = model.desired.catalogue.vocabulary
    labels: Mapping[str, str] = model.namespaces.get(intent.namespace, {})
    if intent.hatch_open:
        return  # everything passes, whatever the labels say
    if intent.profile is not None:
        yield Setting(intent.namespace, words.profile_key, intent.profile)
    for name in intent.granted:
        key = f"{words.access_prefix}{name}"
        if key in labels:
            yield Setting(intent.namespace, key, labels[key])
    if intent.webhooks:
        yield Setting(intent.namespace, words.webhooks_key, "allow")
    for key, ports in (
        (words.lan_ports_key, intent.lan_ports),
        (words.world_ports_key, intent.world_ports),
    ):
        if ports:
            value = ",".join(map(str, ports))
            yield Setting(intent.namespace, key, value, annotation=True)


def _born(manifest: Mapping[str, object]) -> datetime | None:
    metadata = manifest["metadata"]
    made = metadata.get("creationTimestamp") if isinstance(metadata, Mapping) else None
    return parse_moment(made) if isinstance(made, str) else None
