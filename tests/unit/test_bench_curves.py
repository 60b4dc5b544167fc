"""The picture shows what was measured."""

from __future__ import annotations

from typing import Any

from bench.contenders import BARE
from bench.curves.drawing import draw
from bench.curves.series import PANELS, read_series
from bench.subjects import OURS
from tests.pictures import SVG, parsed


def record(contender: str, namespaces: int, seconds: float, number: int = 1) -> dict[str, Any]:
    burst = {"delays": [0.1] * namespaces, "seconds": seconds}
    result: dict[str, Any] = {"burst": burst, "cpu": {"API server": 1.0}}
    if contender != BARE:
        result["cpu"]["operator"] = 0.5
        result["memory"] = {"resident": 80.0, "peak": 90.0}
        result["restart"] = {"seconds": 1.25}
    return {
        **{"scenario": "at-once", "contender": contender, "namespaces": namespaces},
        **{"round": number, "result": result},
    }


DOCUMENT = {
    "machine": {},
    "records": [
        *(record(OURS, 100, seconds, number) for number, seconds in enumerate((0.5, 0.4, 1.0))),
        record(OURS, 500, 1.0),
        record(BARE, 100, 0.25),
        {"scenario": "at-once", "contender": OURS, "namespaces": 250, "error": "nothing came"},
        {"scenario": "steady", "contender": OURS, "namespaces": 500, "result": {}},
    ],
}


def test_each_point_is_the_median_of_its_rounds() -> None:
    rate, cpu, peak, ready = (read_series(DOCUMENT)[panel.title] for panel in PANELS)
    first = rate[OURS][0]
    assert first.namespaces == 100
    assert (first.figure.median, first.figure.least, first.figure.most) == (200.0, 100.0, 250.0)
    assert [point.figure.median for point in cpu[OURS]] == [5.0, 1.0]
    assert peak[OURS][1].figure.median == 90.0
    assert ready[OURS][1].figure.median == 1.25


def test_the_bare_client_has_no_curve_where_it_has_no_figure() -> None:
    rate, *others = (read_series(DOCUMENT)[panel.title] for panel in PANELS)
    assert set(rate) == {OURS, BARE}
    assert all(set(curves) == {OURS} for curves in others)


def test_the_picture_has_a_curve_for_each_contender_in_each_panel() -> None:
    picture = parsed(draw(read_series(DOCUMENT)))
    lines = [line.get("class", "") for line in picture.iter(f"{SVG}polyline")]
    assert sorted(lines) == ["line bare", *["line ours"] * 4]
    texts = {text.text for text in picture.iter(f"{SVG}text")}
    assert {OURS, BARE, *(panel.title for panel in PANELS)} <= texts


def test_nothing_is_drawn_outside_its_panel() -> None:
    picture = parsed(draw(read_series(DOCUMENT)))
    for group in picture.iter(f"{SVG}g"):
        for dot in group.iter(f"{SVG}circle"):
            assert 0 <= float(dot.get("cx", "-1")) <= 360
            assert 0 <= float(dot.get("cy", "-1")) <= 210


def test_names_cannot_break_the_picture() -> None:
    document = {"records": [record('<&"', 100, 1.0)]}
    assert parsed(draw(read_series(document))) is not None
