"""The map: where languages lie, what they scored, and that names can be read."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import vl_convert

from isogloss.languages import languages
from isogloss.report.figures import theme, world
from isogloss.report.figures.drawing import specification
from isogloss.report.figures.equal_earth import Window, project
from isogloss.report.figures.placing import Box, name_places, spread
from isogloss.report.material import Material
from report.figures.conftest import material_of, one
from report.figures.test_scores import means
from report.make import MANY, made_up_store


def test_languages_stand_with_their_score_at_their_point(plain: Material) -> None:
    data = one(world.figure, plain).data
    expected = means(plain)
    assert data["value"].to_list() == pytest.approx(
        [expected[key] for key in data.select("arm", "language").iter_rows()]
    )
    for key, longitude, latitude in data.select("language", "longitude", "latitude").iter_rows():
        assert (longitude, latitude) == (languages()[key].longitude, languages()[key].latitude)


def test_the_list_chooses_among_variants_and_shows_the_baseline_first(plain: Material) -> None:
    for against in ("pooled", "meta_optimizer"):
        figure = one(world.figure, Material(plain.store, plain.runs, against=against))
        (parameter,) = figure.chart.to_dict()["params"]
        assert parameter["value"] == [{"arm": against}]
        assert sorted(parameter["bind"]["options"]) == ["meta_optimizer", "pooled"]
        assert against in figure.caption


def test_places_lie_where_vega_draws_them() -> None:
    """The projection is Vega's own: a point by longitude and latitude falls on one by our pixels."""
    window = Window.around([(-8.0, 53.0), (106.0, -7.0), (36.0, 62.0)], width=500, margin=30)
    place = {"longitude": 77.0, "latitude": 28.0}
    chart = {
        "width": window.size[0],
        "height": window.size[1],
        "projection": {"type": "equalEarth", "scale": window.scale, "translate": list(window.translate)},
        "data": {"values": [place]},
        "mark": "circle",
        "encoding": {name: {"field": name, "type": "quantitative"} for name in place},
    }
    svg = vl_convert.vegalite_to_svg(chart)
    found = re.search(r'<path aria-label="longitude[^>]*translate\(([\d.]+),([\d.]+)\)', svg)
    assert found is not None
    assert [float(found[1]), float(found[2])] == pytest.approx(window.pixel(77.0, 28.0), abs=0.05)


def test_the_window_holds_all_places_with_their_margin() -> None:
    places = [(languages()[key].longitude, languages()[key].latitude) for key in MANY]
    window = Window.around(places, width=720, margin=60)
    for x, y in (window.pixel(*place) for place in places):
        assert 60 - 1e-6 <= x <= 660 + 1e-6
        assert 59 <= y <= window.size[1] - 59
    close = Window.around([(10.0, 50.0), (11.0, 51.0)], width=720, margin=60)
    assert close.scale < 600, "two neighbours are not blown up to a map of their own"
    assert project(0, 0) == (0, 0)


def test_names_cover_neither_marks_nor_one_another() -> None:
    places = [(languages()[key].longitude, languages()[key].latitude) for key in MANY]
    window = Window.around(places, width=720, margin=60)
    points = spread([window.pixel(*place) for place in places], apart=7)
    middles = name_places(points, MANY, radius=7)
    boxes = [Box(x - 6, y - 5, x + 6, y + 5) for x, y in middles]
    marks = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    assert [pair for pair in combinations(boxes, 2) if pair[0].overlap(pair[1])] == []
    assert [box for box in boxes for mark in marks if box.overlap(mark)] == []


def test_a_name_goes_where_no_other_name_is() -> None:
    first, second = name_places([(100.0, 100.0), (100.0, 108.0)], ["first", "second"], radius=3)
    assert first == (100 + 5 + 16, 100)
    assert second == (100 - 5 - 19.2, 108), "the right side is taken"


def test_marks_on_one_place_are_moved_apart() -> None:
    points = spread([(5.0, 5.0), (5.0, 5.0), (6.0, 5.0)], apart=7)
    assert points[0] == (5.0, 5.0)
    assert all(abs(a[0] - b[0]) >= 7 for a, b in combinations(points, 2))


def test_few_languages_with_a_place_have_no_map(tmp_path: Path) -> None:
    assert world.figure(material_of(made_up_store(tmp_path / "two", languages=("en", "sw")))) is None
    cells = material_of(made_up_store(tmp_path / "cells", languages=("en", "de/en", "sw/en", "en+sw")))
    assert world.figure(cells) is None


def test_the_coastline_says_where_it_is_from_and_stays_small() -> None:
    land = world.land()
    assert "public domain" in land["properties"]["source"]
    assert len(json.dumps(land, separators=(",", ":"))) < 60_000
    assert all(ring[0] == ring[-1] for polygon in land["geometry"]["coordinates"] for ring in polygon)


def test_trained_on_languages_have_a_ring(plain: Material) -> None:
    figure = one(world.figure, plain)
    svg = vl_convert.vegalite_to_svg(specification(figure.chart, theme.light()))
    assert set(figure.data.filter(role="source")["language"]) == {"en"}
    assert svg.count('aria-roledescription="circle"') == 4
    assert svg.count('aria-roledescription="point"') == 2
