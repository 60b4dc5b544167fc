"""The commands of the documentation do what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.control_plane import Lab
from tests.docs.scenes import scene_of
from tests.docs.story import go_through, told


@pytest.mark.parametrize("page", told())
def test_each_command_of_a_page_does_what_the_page_says(
    page: str, lab: Lab, tmp_path: Path
) -> None:
    if missing := scene_of(page).missing:
        # `missing` names the program or the right that the page takes; in CI both are there.
        pytest.skip(missing)
    failures = go_through(page, lab, tmp_path)
    if failures:
        pytest.fail("\n".join(map(str, failures)), pytrace=False)
