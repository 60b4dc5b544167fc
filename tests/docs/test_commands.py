"""Every command of the documentation is run by a test, or stands in a list with its reason."""

from __future__ import annotations

from tests.docs.not_run import exceptions
from tests.docs.pages import commands, pages
from tests.docs.scenes import scene_of, scenes


def test_every_exception_is_still_shown_by_some_page() -> None:
    shown = [command for page in pages() for command in commands(page)]
    idle = [each.pattern for each in exceptions() if not any(map(each.covers, shown))]
    assert not idle, "take these off not_run.yaml, as no page shows them any more"


def test_every_scene_is_of_a_page_that_has_something_to_run() -> None:
    idle = [page for page in scenes() if page not in pages() or not scene_of(page).runs]
    assert not idle, "take these off scenes.yaml"


def test_every_interlude_is_before_a_command_that_is_run() -> None:
    for page in scenes():
        scene = scene_of(page)
        assert scene.interludes.keys() <= {command.text for command in scene.runs}, page
