"""Refuses YAML that is nested so deeply that to read it would end the process. Pure."""

from __future__ import annotations

import re
from typing import Any

import yaml

# The loader goes down by recursion in C, which ends the process when its stack is full.
_MAX_DEPTH = 500
# Each level of block style begins further to the right than the one before, but for lists.
_FAR_TO_THE_RIGHT = re.compile(rf"^[ ?:\t-]{{{_MAX_DEPTH // 2},}}", re.MULTILINE)


def refuse_deep(text: str) -> None:
    """Goes through a text before it is loaded.

    Raises:
        MarkedYAMLError: it is nested too deeply, and where; or it is no YAML.
    """
    openings = text.count("[") + text.count("{")
    if openings < _MAX_DEPTH // 2 and not _FAR_TO_THE_RIGHT.search(text):
        return
    depth = 0
    # Its events come one by one, without recursion.
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
