"""An answer in words, for a terminal and for Markdown. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import yaml

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Ports
from homelab_netpol.access.explain_answer import Explanation, Part, Reason
from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.fixes import Setting
from homelab_netpol.access.fixes_effects import Effect, Fix
from homelab_netpol.access.reach import joined, ports_in_words
from homelab_netpol.cilium.evaluation import Direction, Outcome
from homelab_netpol.cilium.terms import LAST_PORT
from homelab_netpol.manifests import kinds

_MOST_PARTS = 6
_MOST_NAMES = 4
_MOST_POLICIES = 2
_MOST_EFFECTS = 6
_WORDS = {
    Outcome.ALLOWED: "may reach",
    Outcome.DENIED: "may not reach",
    Outcome.UNKNOWN: "perhaps may reach",
}
_REPLIES = {
    Outcome.ALLOWED: Reply.YES,
    Outcome.DENIED: Reply.NO,
    Outcome.UNKNOWN: Reply.UNKNOWN,
}


def first_line(answer: Explanation) -> str:
    """The answer, in one sentence after one word."""
    ruling = answer.ruling
    source, target = ruling.source.words, ruling.target.words
    if answer.reply is Reply.IN_PART:
        return f"in part: {source} may reach {target} with some of it:"
    if answer.beyond:
        return f"unknown: {answer.beyond}"
    ports = _listed_ports(ruling.asked)
    if answer.reply is Reply.UNKNOWN:
        doubts = {
            reason.cause
            for part in answer.parts
            for reason in part.reasons
            if reason.outcome is Outcome.UNKNOWN
        }
        because = "; ".join(sorted(doubts))
        return f"unknown: whether {source} may reach {target} on {ports}: {because}"
    verb = "may reach" if answer.reply is Reply.YES else "may not reach"
    return f"{answer.reply.value}: {source} {verb} {target} on {ports}"


def reasons_lines(answer: Explanation) -> Iterator[str]:
    """For each end a line, with the policies that decide."""
    several = len(answer.parts) > 1
    for part in answer.parts[:_MOST_PARTS]:
        if several:
            yield f"  {_REPLIES[part.outcome].value}: {_part_words(part)}"
        for reason in part.reasons:
            yield f"{'    ' if several else '  '}{_reason_words(reason)}"
    if len(answer.parts) > _MOST_PARTS:
        yield f"  and {len(answer.parts) - _MOST_PARTS} more groups of pairs (-o json has all)"


def fix_lines(model: ClusterModel, answer: Explanation) -> Iterator[str]:
    """What would let it pass, and what else that would do."""
    fixes = answer.fixes
    if not fixes.written:
        yield (
            "The labels already ask for it, and the policies that stand are not those that follow"
            " from them: see the Events on the Namespaces, and whether the operator runs."
        )
        return
    if fixes.best is not None:
        yield "To allow it:"
        yield from _indented(_one_fix(model, fixes.best, answer.ruling.asked))
    if fixes.narrower is not None:
        yield "Narrower, with more to write:"
        yield from _indented(_one_fix(model, fixes.narrower, answer.ruling.asked))
    if fixes.best is None and answer.reply in (Reply.NO, Reply.IN_PART) and not answer.beyond:
        ports = any(each.first != each.last for each in answer.ruling.asked)
        hint = "; name a --port to have one looked for" if ports else ""
        yield f"No label, annotation or resource was found that allows it{hint}."
    if fixes.hatch:
        key = model.desired.catalogue.vocabulary.enforcement_key
        names = " and ".join(fixes.hatch)
        yield f"The escape hatch would, for all traffic of {names}: {key}=disabled."


def markdown(model: ClusterModel, answer: Explanation) -> str:
    """The whole answer for a comment on a pull request."""
    head, _, rest = first_line(answer).partition(": ")
    lines = [f"**{head}**: {rest}", ""]
    for part in answer.parts[:_MOST_PARTS]:
        if len(answer.parts) > 1:
            lines += [f"**{_REPLIES[part.outcome].value}**: {_part_words(part)}", ""]
        lines += [f"- {_reason_words(reason)}" for reason in part.reasons]
        lines.append("")
    fixes = list(fix_lines(model, answer))
    if fixes:
        lines += ["```text", *fixes, "```", ""]
    lines += [f"> {note}" for note in answer.notes]
    return "\n".join(lines).rstrip()


def effect_words(effect: Effect, asked: Sequence[Ports] = ()) -> str:
    """What else a change opens or closes, in words; `asked` ports are no part of it."""
    ports = ports_in_words(effect.ports)
    rest = [each for each in joined((*effect.ports, *asked)) if each not in asked]
    if rest and joined(effect.ports) != tuple(rest) and all(map(_is_whole, rest)):
        ports = f"every other {'/'.join(each.protocol for each in rest)} port"
    if effect.peer == effect.namespace:
        return f"pods of {effect.namespace} to each other on {ports}"
    if effect.direction is Direction.EGRESS:
        return f"{effect.namespace} to {effect.peer} on {ports}"
    return f"{effect.peer} to {effect.namespace} on {ports}"


def _one_fix(model: ClusterModel, fix: Fix, asked: Sequence[Ports]) -> Iterator[str]:
    change = fix.change
    for ref in change.undenied:
        manifest = model.manifests.get(ref.kind, ref.name, ref.namespace)
        place = f" ({manifest.source})" if manifest is not None and manifest.source.line else ""
        where = f"{ref.namespace}/" if ref.namespace else ""
        yield f"narrow or delete the deny rules of {ref.kind} {where}{ref.name}{place}"
    for each in change.objects:
        yield from _yaml(each)
    for namespace in dict.fromkeys(each.namespace for each in change.settings):
        of_it = [each for each in change.settings if each.namespace == namespace]
        given = model.manifests.get(kinds.NAMESPACE, namespace)
        place = f" ({given.source})" if given is not None and given.source.line else ""
        yield f"on the Namespace {namespace}{place}, in git:"
        yield from _indented(_of_namespace(of_it))
        old = {**given.labels, **given.annotations} if given is not None else {}
        for command in commands(of_it, old):
            yield f"or on a cluster to try things on: {command}"
    yield f"Asked again with that: yes. {_side_effects(fix, asked)}"


def commands(settings: Iterable[Setting], old: Iterable[str] = ()) -> Iterator[str]:
    """The same by `kubectl`.

    Args:
        settings: labels and annotations of one Namespace.
        old: the keys that it has.
    """
    known = set(old)
    for annotation, verb in ((False, "label"), (True, "annotate")):
        mine = [each for each in settings if each.annotation is annotation]
        if mine:
            pairs = (f"{each.key}={each.value}" for each in mine)
            overwrite = ["--overwrite"] if any(each.key in known for each in mine) else []
            yield shlex.join(["kubectl", verb, "namespace", mine[0].namespace, *overwrite, *pairs])


def _of_namespace(settings: Sequence[Setting]) -> Iterator[str]:
    labels = {each.key: each.value for each in settings if not each.annotation}
    annotations = {each.key: each.value for each in settings if each.annotation}
    metadata = {"labels": labels, "annotations": annotations}
    yield from _yaml({"metadata": {key: value for key, value in metadata.items() if value}})


def _yaml(data: object) -> list[str]:
    text: str = yaml.safe_dump(data, sort_keys=False, width=100)
    return text.rstrip().splitlines()


def _side_effects(fix: Fix, asked: Sequence[Ports]) -> str:
    sentences = []
    for verb, effects in (("opens", fix.opens), ("closes", fix.closes)):
        if effects:
            words = [effect_words(each, asked) for each in effects[:_MOST_EFFECTS]]
            if len(effects) > _MOST_EFFECTS:
                words.append(f"{len(effects) - _MOST_EFFECTS} more")
            sentences.append(f"It also {verb}: {'; '.join(words)}.")
    return " ".join(sentences) or "It opens nothing else."


def _part_words(part: Part) -> str:
    source, target = _some(part.sources), _some(part.targets)
    return f"{source} {_WORDS[part.outcome]} {target} on {_listed_ports(part.ports)}"


def _reason_words(reason: Reason) -> str:
    if reason.outcome is Outcome.ALLOWED:
        return f"{_whose(reason)}: allowed{_by(reason)}"
    policies = _policies(reason)
    if reason.by_deny_rule:
        return f"{_whose(reason)}: denied by {policies}, {reason.cause}"
    if reason.outcome is Outcome.UNKNOWN:
        return f"{_whose(reason)}: unknown for {policies}: {reason.cause}"
    why = f", {reason.cause}" if reason.cause else ""
    return f"{_whose(reason)}: denied{why} (closed by {policies})"


def _whose(reason: Reason) -> str:
    return f"{reason.direction.value} of {reason.end}"


def _by(reason: Reason) -> str:
    if not reason.policies:
        return ", as no policy denies it"
    filtered = f", then only {_some(reason.requests) or 'some requests'}" if reason.filtered else ""
    return f" by {_policies(reason)}{filtered}"


def _policies(reason: Reason) -> str:
    closes = reason.outcome is Outcome.DENIED and not reason.by_deny_rule
    # The operator's are there to close: at which place would say nothing.
    named = [replace(each, places=()) if closes and each.own else each for each in reason.policies]
    return _some(list(map(str, named)), _MOST_POLICIES)


def _listed_ports(ports: Iterable[Ports]) -> str:
    return _some(list(dict.fromkeys(map(str, ports))))


def _some(words: Sequence[str], most: int = _MOST_NAMES) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _is_whole(ports: Ports) -> bool:
    return (ports.first, ports.last) == (1, LAST_PORT)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
