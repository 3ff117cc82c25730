"""Slopes from confidence to accuracy: the shipped file is what kept frames give, and errors are between data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.evaluation.slopes import Arm, _errors, common_slope, keep, measured, read_shipped, shipped
from isogloss.evaluation.unlabelled import Answered, _with_slope

ROOT = Path(__file__).parents[2]


def arm(confidence: list[float], accuracy: list[float], trained: int = 0) -> Arm:
    return Arm(np.array(confidence), np.array(accuracy), np.arange(len(accuracy)) < trained)


def test_the_shipped_file_is_what_the_kept_frames_give(tmp_path: Path) -> None:
    keep(ROOT / "docs" / "results", tmp_path / "slopes.csv")
    assert (tmp_path / "slopes.csv").read_text() == (ROOT / "src/isogloss/evaluation/slopes.csv").read_text()


def test_what_is_told_is_the_larger_error_of_the_two_directions() -> None:
    slope = shipped("mini")
    assert slope is not None
    assert shipped("bert-base-multilingual-cased") is None
    for anchors, error in slope.errors.items():
        both = read_shipped().filter(anchors=anchors)
        assert set(both["calibrated_on"]) == {"massive", "xnli"} == set(both["applied_to"])
        assert error == both["error"].max()
        assert (both["error"] < both["mean"]).all()  # better than to take the anchors' own accuracy
    assert max(slope.errors.values()) < 10
    assert [slope.error(count) for count in (0, 1, 9)] == [slope.errors[name] for name in ("trained on", "1", "4")]


@pytest.mark.parametrize("right", [True, False])
def test_a_few_rows_that_are_all_right_or_all_wrong_leave_much_to_chance(right: bool) -> None:
    """Red when p (1 − p) of the rows themselves is taken for what chance may do: of four alike rows it is nothing."""
    slope = shipped("mini")
    assert slope is not None

    def answered(rows: int) -> Answered:
        return Answered(np.full((1, rows), 0.9), np.zeros((1, rows), dtype=np.int64), np.full((1, rows), right))

    few, many = (_with_slope([answered(rows)], answered(50), slope, 1) for rows in (4, 4000))
    assert few.accuracy is None
    assert "4 labelled rows errs by" in few.reason
    assert many.mean_absolute_error == pytest.approx(slope.error(1) / 100, abs=1e-4)


def test_an_intercept_for_each_arm_and_one_slope() -> None:
    """Parallel lines far apart: a line through all points would have another slope. What was trained on has no part."""
    one = arm([99.0, 10.0, 20.0, 30.0], [0.0, 20.0, 40.0, 60.0], trained=1)
    other = arm([50.0, 60.0], [10.0, 30.0])
    assert common_slope([one, other]) == pytest.approx(2.0)


def test_errors_are_of_every_choice_of_anchors() -> None:
    """By hand with slope 1: English was trained on, four languages are on a line, the fifth lies 3 above it."""
    one = arm([9.0, 1.0, 2.0, 3.0, 4.0, 5.0], [9.0, 1.0, 2.0, 3.0, 4.0, 8.0], trained=1)
    found = {name: rest for name, *rest in _errors([one], 1.0)}
    assert found["1"] == [5, pytest.approx(np.mean([0.75] * 4 + [3])), pytest.approx(np.mean([13, 10, 9, 10, 22]) / 4)]
    assert found["4"][1] == pytest.approx(np.mean([3, *[0.75] * 4]))
    assert found["trained on"][1:] == [pytest.approx(3 / 5), pytest.approx(np.mean([8, 7, 6, 5, 1]))]


def test_measured_of_other_frames(tmp_path: Path) -> None:
    """Frames of two data sets on parallel lines: with the slope of the one the other is estimated without error."""
    codes = ["en", "de", "es", "fr", "it", "nl"]
    for recipe, variants, level in (
        ("massive-arms", ("source_only", "pooled"), 5.0),
        ("xu2021-table1", ("source_only",), 9.0),
    ):
        rows = [
            {"run": variant, "variant": variant, "language": code, "confidence": 50.0 + 3 * place}
            for variant in (*variants, "pooled_same_compute")
            for place, code in enumerate(codes)
        ]
        calibration = pl.DataFrame(rows).with_columns(accuracy=2 * pl.col("confidence") - level)
        wrong = pl.col("variant") == "pooled_same_compute"
        calibration = calibration.with_columns(pl.when(wrong).then(1.0).otherwise("accuracy").alias("accuracy"))
        calibration.write_csv(tmp_path / f"{recipe}.calibration.csv")
        role = pl.when(pl.col("language") == "en").then(pl.lit("source")).otherwise(pl.lit("unseen"))
        calibration.with_columns(role.alias("role")).write_csv(tmp_path / f"{recipe}.scores.csv")
    frame = measured(tmp_path)
    assert frame["slope"].to_list() == [2.0] * 11
    assert frame["error"].drop_nulls().to_list() == [0.0] * 10
    assert frame.filter(anchors="trained on")["mean"].to_list() == [18.0, 18.0]


def test_the_page_has_the_shipped_numbers() -> None:
    page = (ROOT / "docs" / "confidence.md").read_text(encoding="utf-8")
    shown = read_shipped().filter(pl.col("applied_to").is_not_null())
    for row in shown.iter_rows(named=True):
        told = (*(row[name] for name in ("calibrated_on", "applied_to", "anchors", "languages")), f"{row['slope']:.2f}")
        assert f"| {' | '.join(map(str, told))} | {row['error']:.1f} | {row['mean']:.1f} |" in page
    slope = shipped("mini")
    assert slope is not None
    assert f"+ {slope.value:.2f} · (confidence" in page
