"""`homelab-netpol recommend --questions`: which labels a Namespace should have."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.options import InputOptions

if TYPE_CHECKING:
    from homelab_netpol.policy.catalogue import Catalogue
    from homelab_netpol.recommendation.decision_tree import Answers, Recommendation

_QUESTIONS = {
    "from_internet": ("--from-internet", "Is it reached from the internet?"),
    "from_inside": ("--from-inside", "Is it reached from your own network (internal gateway)?"),
    "calls_out": ("--calls-out", "Does it call the internet (HTTPS)?"),
}
_SOME_NAMESPACE = "my-app"


@dataclass(frozen=True, slots=True)
class Given:
    """What options answer.

    Attributes:
        answers: to the three questions, by their names; None: to be asked.
        grants: shared resources, as people write them.
    """

    answers: Mapping[str, bool | None]
    grants: Sequence[str]


def ask(given: Given, inputs: InputOptions, config: Path | None, output: str) -> None:
    """Recommends labels by the answers.

    What options do not answer is asked for, on a terminal. No cluster is read; SharedResources
    beside those of the settings come from -f and -k.

    Raises:
        InputError: an answer cannot be followed.
    """
    from homelab_netpol.cli.inputs import desired_state_of, read_manifests, read_settings
    from homelab_netpol.manifests import ManifestSet
    from homelab_netpol.recommendation.decision_tree import recommend as follow

    settings = read_settings(config)
    manifests = ManifestSet() if inputs.from_cluster else read_manifests(inputs)
    catalogue = desired_state_of(settings, manifests).catalogue
    refuse_platform(catalogue, inputs.namespace)
    answers = _answers(given.answers)
    wanted = _grants(catalogue, given.grants, asked=None in given.answers.values())
    found = follow(answers, wanted, catalogue.vocabulary)
    _must_be_followed(catalogue, inputs.namespace or _SOME_NAMESPACE, found)
    _print(found, inputs.namespace, output)


def _answers(given: Mapping[str, bool | None]) -> Answers:
    from homelab_netpol.recommendation.decision_tree import Answers

    missing = [_QUESTIONS[name][0] for name, answer in given.items() if answer is None]
    if missing and not _is_interactive():
        raise click.UsageError(
            "No terminal to ask on: answer with"
            f" {', '.join(f'{each} or {_negated(each)}' for each in missing)}."
        )
    found = {
        name: answer if answer is not None else click.confirm(_QUESTIONS[name][1], err=True)
        for name, answer in given.items()
    }
    return Answers(**found)


def _negated(option: str) -> str:
    return f"--no-{option.removeprefix('--')}"


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def _grants(catalogue: Catalogue, given: Sequence[str], *, asked: bool) -> dict[str, str]:
    """The grants that are given, or asked for where the questions are."""
    from homelab_netpol.recommendation.decision_tree import read_grant

    words = catalogue.vocabulary.grantable()
    if not given and asked and words:
        names = [
            f"{name}={'|'.join(word.listed())}" if word.has_parts else name
            for name, word in sorted(words.items())
        ]
        click.echo(f"Shared resources: {', '.join(names)}", err=True)
        text = click.prompt(
            "Which does it need (names, with commas between; none: Enter)",
            default="",
            show_default=False,
            err=True,
        )
        given = [each for each in text.split(",") if each.strip()]
    return dict(read_grant(each) for each in given)


def refuse_platform(catalogue: Catalogue, namespace: str | None) -> None:
    """A platform namespace has no profile.

    Raises:
        InputError: it is one by its name.
    """
    from homelab_netpol.cli.status import InputError
    from homelab_netpol.intent import LastGood
    from homelab_netpol.intent.platform import read_platform

    words = catalogue.vocabulary
    if namespace is None:
        return
    found = read_platform(words.facts(namespace, None, None, terminating=False), LastGood(), words)
    if found.is_platform:
        raise InputError(
            f"{namespace} is a platform namespace ({found.why}), which has policies by hand and no"
            f" profile: see homelab-netpol scaffold platform {namespace}"
        )


def _must_be_followed(catalogue: Catalogue, namespace: str, found: Recommendation) -> None:
    """Has the labels read as the operator reads them; what it would not follow is an error."""
    from datetime import UTC, datetime

    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.cli.status import InputError
    from homelab_netpol.intent import LastGood, Reason, read_intent

    words = catalogue.vocabulary
    facts = words.facts(namespace, dict(found.labels), None, terminating=False)
    problems = read_intent(facts, LastGood(), words, datetime.now(UTC)).problems
    for each in problems:
        # The Namespace may have the labels that a resource asks for; here it has only these.
        if each.reason is Reason.ACCESS_REFUSED:
            remark(each.message)
    problems = tuple(each for each in problems if each.reason is not Reason.ACCESS_REFUSED)
    if problems:
        raise InputError("\n".join(each.message for each in problems))


def _print(found: Recommendation, namespace: str | None, output: str) -> None:
    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.cli.output import print_json, print_yaml

    name = namespace or _SOME_NAMESPACE
    labels = [f"{key}={value}" for key, value in found.labels.items()]
    command = f"kubectl label namespace {name} {' '.join(labels)}"
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": dict(found.labels)},
    }
    if output == "json":
        print_json(
            {
                "namespace": namespace,
                "profile": found.profile,
                "ingress": found.ingress,
                "egress": found.egress,
                "labels": dict(found.labels),
                "command": command,
                "notes": list(found.notes),
            }
        )
        return
    for note in found.notes:
        remark(note)
    if output == "yaml":
        print_yaml([manifest])
        return
    click.echo(f"Profile {found.profile}: ingress {found.ingress}; egress {found.egress}.\n")
    click.echo("In git, in the Namespace's manifest:\n")
    print_yaml([manifest])
    click.echo(f"\nOn a cluster that is for trying things out:\n\n  {command}")
