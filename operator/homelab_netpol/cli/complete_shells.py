"""Completes words such as `profile=internal,postgres`, which click's scripts take apart."""

from __future__ import annotations

from typing import Any

from click.shell_completion import BashComplete as ClickBashComplete
from click.shell_completion import CompletionItem
from click.shell_completion import FishComplete as ClickFishComplete

_BREAK = "="


class BashComplete(ClickBashComplete):
    """Joins what bash takes apart at `=`, and answers with what is missing of the last word."""

    _typed = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and what is typed of that."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        joins = False
        for each in [*args, incomplete]:
            # After a break comes what is typed of the same word, if anything is.
            if words and (each == _BREAK or (joins and each)):
                words[-1] += each
            else:
                words.append(each)
            joins = each == _BREAK
        whole = words.pop()
        self._typed = whole[: len(whole) - len(incomplete)] if incomplete != _BREAK else whole
        return words, whole

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """One answer, which bash puts in the place of its last word."""
        return f"{item.type},{str(item.value).removeprefix(self._typed)}"


class FishComplete(ClickFishComplete):
    """Takes the first comma only for the one that comes after the kind of an answer."""

    source_template = ClickFishComplete.source_template.replace(
        'string split ","', 'string split --max 1 ","'
    )
