"""The figure of differences: what the comparison says, and which of it is drawn as decided."""

from __future__ import annotations

import polars as pl
import pytest

from isogloss.evaluation.comparison import compare
from isogloss.report.figures import differences
from isogloss.report.figures.heat import Hover, hovering
from isogloss.report.material import Material
from report.figures.conftest import charts, one


def test_rows_are_those_of_the_comparison(plain: Material) -> None:
    assert plain.outcomes is not None
    expected = compare(plain.scores, plain.outcomes)
    data = one(differences.figure, plain).data
    for column, name in (("value", "difference"), ("low", "low"), ("high", "high"), ("p", "p_adjusted")):
        theirs = dict(expected.select("language", name).iter_rows())
        assert dict(data.select("language", column).iter_rows()) == pytest.approx(theirs), column
    assert data.height == expected.height == 5
    assert data.row(0, named=True)["row"] == "mean of unseen targets"
    assert data["languages"].to_list() == [2, 1, 1, 1, 1]


def test_decided_ones_are_filled_and_undecided_ones_hollow(plain: Material) -> None:
    figure = one(differences.figure, plain)
    verdicts = set(figure.data["verdict"])
    assert {"better", "undecided"} <= verdicts, "the made-up runs must show both"
    points = [part for part in charts(figure.chart.to_dict()) if part.get("mark", {}).get("type") == "point"]
    decided, hollow = sorted(points, key=lambda part: not part["mark"]["filled"])
    (keeps,) = (one["filter"] for one in decided["transform"])
    assert keeps == {"field": "verdict", "oneOf": ["better", "worse"]}
    assert [one["filter"] for one in hollow["transform"]] == [{"not": keeps}]
    assert decided["mark"]["filled"]
    assert not hollow["mark"]["filled"]


def test_the_zero_line_is_there_once_in_each_panel(plain: Material) -> None:
    spec = one(differences.figure, plain).chart.to_dict()
    (zero,) = (part for part in charts(spec) if part.get("encoding", {}).get("x") == {"datum": 0})
    assert zero["transform"][0]["groupby"] == ["panel"]


def test_the_caption_says_what_intervals_are_conditional_on(plain: Material) -> None:
    assert "conditional on the 2 seeds" in one(differences.figure, plain).caption
    assert "not corrected" in one(differences.figure, plain).caption


def test_against_turns_the_signs(plain: Material) -> None:
    ours = one(differences.figure, plain).data
    theirs = one(differences.figure, Material(plain.store, plain.runs, against="meta_optimizer")).data
    assert set(theirs["arm"]) == {"pooled"}
    for language, value in ours.select("language", "value").iter_rows():
        assert theirs.filter(language=language)["value"][0] == pytest.approx(-value)


def test_one_variant_has_nothing_to_compare(bare: Material) -> None:
    assert differences.figure(bare) is None


def test_hovering_never_shows_a_missing_number_as_zero() -> None:
    """A number that some rows lack is written out, since Vega's formats make 0 of it; one that all lack is left out."""
    frame = pl.DataFrame({"all": [1.26, 2.0], "some": [1.26, None], "none": [None, None], "name": ["a", "b"]})
    frame, tips = hovering(frame, [Hover(name, name, ".1f") for name in frame.columns[:3]] + [Hover("name", "name")])
    assert [tip.to_dict()["field"] for tip in tips] == ["all", "some_text", "name"]
    assert frame["some_text"].to_list() == ["1.3", "–"]
    assert tips[0].to_dict()["format"] == ".1f"
