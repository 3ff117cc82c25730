"""Frames and tables of confidence and accuracy by language."""

from __future__ import annotations

import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.confidence import calibration_frame, calibration_tables, coverage_frame, coverage_tables
from isogloss.evaluation.render import render


def predictions(seed: str = "0", **columns: object) -> pl.DataFrame:
    """Two languages of four rows; a third language's label is p2."""
    facts = {"recipe": "r", "variant": "v", "axis.auxiliary": "el", "seed": seed, "run": f"run{seed}"}
    rows = pl.DataFrame(
        {
            "language": ["en"] * 4 + ["sw"] * 4,
            "label": [0, 0, 1, 1, 0, 0, 1, 1],
            "prediction": [0, 0, 1, 1, 0, 1, 0, 1],
            "p0": [0.9, 0.9, 0.1, 0.1, 0.8, 0.2, 0.8, 0.4],
            "p1": [0.1, 0.1, 0.9, 0.9, 0.2, 0.8, 0.2, 0.6],
        }
    )
    return rows.with_columns(**{name: pl.lit(value) for name, value in {**facts, **columns}.items()})


def test_confidence_and_accuracy_by_language() -> None:
    frame = calibration_frame(predictions(), None)
    assert frame["language"].to_list() == ["en", "sw"]
    assert frame["accuracy"].to_list() == [100, 50]
    assert frame["confidence"].to_list() == pytest.approx([90, 75])
    # sw: three of 0.8 with one right, one of 0.6 that is right, each in a bin of its own.
    assert frame["ece"].to_list() == pytest.approx([10, 100 * (abs(1 - 2.4) + abs(1 - 0.6)) / 4])
    assert frame["calibrated_ece"].to_list() == [None, None]
    assert set(frame["axis.auxiliary"]) == {"el"}
    # At T = 2 odds of 9 are odds of 3, of 4 those of 2.
    cooled = calibration_frame(predictions(), 2.0)
    assert cooled["ece"].to_list() == frame["ece"].to_list()
    assert cooled["calibrated_confidence"][0] == pytest.approx(75)
    assert cooled["calibrated_ece"][0] == pytest.approx(25)


def test_accuracy_at_coverage_by_language() -> None:
    frame = coverage_frame(predictions(), None, [0.5, 0.7, 0.85])
    sw = frame.filter(language="sw")
    assert sw["coverage"].to_list() == [100, 75, 0]
    assert sw["accuracy"].to_list() == [50, pytest.approx(100 / 3), None]
    cooled = coverage_frame(predictions(), 2.0, [0.7, 0.76])
    assert cooled.filter(language="en")["coverage"].to_list() == [100, 0]  # 0.75 each


def test_rows_of_all_languages_and_seeds_count_alike() -> None:
    """In the coverage table what is answered is pooled: a language that is hardly answered weighs little."""
    frame = pl.concat([coverage_frame(predictions(seed), None, [0.7, 0.95]) for seed in "01"])
    (table,) = coverage_tables(frame)
    rows = {row[0].value: [cell.value for cell in row[1:]] for row in table.rows}
    assert rows["sw"] == [75, pytest.approx(100 / 3), 0, None]
    assert rows["all rows"] == [87.5, pytest.approx(100 * 5 / 7), 0, None]
    assert "2 seeds" in table.title
    assert "raw" in table.footnotes[0]


def test_the_calibration_table_has_means_over_seeds_and_languages() -> None:
    frame = pl.concat([calibration_frame(predictions("0"), 2.0), calibration_frame(predictions("1"), None)])
    (table,) = calibration_tables(frame)
    rows = {row[0].value: [cell.value for cell in row[1:]] for row in table.rows}
    assert rows["en"][:4] == [4, 100, pytest.approx(90), pytest.approx(10)]
    assert rows["mean"][1:3] == [75, pytest.approx(82.5)]
    assert "2.000; 1 of 2 runs have none" in table.footnotes[0]
    assert "r/v, auxiliary el" in render([table], "md")


def test_answers_have_no_labels_to_be_sure_of() -> None:
    rows = predictions().drop("p0", "p1", "label", "prediction").with_columns(value=pl.lit(50.0))
    with pytest.raises(Mistakes, match="without probabilities"):
        calibration_frame(rows, None)
