"""Leaves out what settings cannot say, such as the name of a Namespace that can be none. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from homelab_netpol.detect.found import Detected, Entry, Setting
from homelab_netpol.settings import Settings, problem_in_words


def without_unusable(detected: Detected) -> Detected:
    """The same with only what the operator takes; the rest becomes questions.

    A list keeps those of its entries that can be used.
    """
    paths = [each.path for each in detected.settings]
    if len(set(paths)) == len(paths) and not _problem(detected.data):
        return detected
    settings: list[Setting] = []
    questions = list(detected.questions)
    for setting in detected.settings:
        usable, problems = _usable(setting)
        questions += problems
        if usable is None:
            continue
        if any(each.path == usable.path for each in settings):
            questions.append(f"{_said(usable)} was found twice; the second: {usable.plain}")
            continue
        together = replace(detected, settings=[*settings, usable])
        if problem := _problem(together.data):
            questions.append(
                f"{_said(usable)} was left out, as it does not fit the rest: {problem}"
            )
        else:
            settings.append(usable)
    return replace(detected, settings=settings, questions=questions)


def _usable(setting: Setting) -> tuple[Setting | None, list[str]]:
    problem = _problem(_nested(setting))
    if not problem:
        return setting, []
    if isinstance(setting.value, Entry):
        return None, [f"{_said(setting)} cannot be set as it was found: {problem}"]
    kept: list[Entry] = []
    problems: list[str] = []
    for entry in setting.value:
        wrong = _problem(_nested(replace(setting, value=(entry,))))
        if wrong:
            problems.append(f"{_said(setting)}: one was left out ({entry.because}): {wrong}")
        else:
            kept.append(entry)
    usable = replace(setting, value=tuple(kept))
    if not kept or _problem(_nested(usable)):
        return None, [*problems, f"{_said(setting)} cannot be set as it was found: {problem}"]
    return usable, problems


def _nested(setting: Setting) -> dict[str, Any]:
    return Detected([setting]).data


def _problem(data: dict[str, Any]) -> str:
    """Why the operator would not take these settings; "": it would."""
    try:
        Settings.model_validate(data)
    except ValidationError as error:
        return problem_in_words(error.errors(include_url=False)[0])
    return ""


def _said(setting: Setting) -> str:
    return ".".join(setting.path)
