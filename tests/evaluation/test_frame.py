from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from evaluation.make import facts, predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.frame import (
    Arm,
    arms,
    check_scores,
    failed_run,
    only,
    read_frame,
    stack,
    write_frame,
)
from isogloss.evaluation.naming import named


def test_a_score_is_the_metric_of_the_predictions() -> None:
    predicted = predictions({"pooled": 0.7}, seeds=[0])
    frame = scores(predicted)
    sw = predicted.filter(pl.col("language") == "sw")
    expected = 100 * (sw["label"] == sw["prediction"]).mean()
    row = frame.filter(pl.col("language") == "sw").row(0, named=True)
    assert row["value"] == pytest.approx(expected)
    assert (row["role"], row["n"], row["metric"], row["seed"]) == ("unseen", 180, "accuracy", "0")


def test_a_failed_run_is_a_row() -> None:
    frame = scores(predictions({"pooled": 0.7}), failed=[("pooled", 3)])
    failed = frame.filter(pl.col("role") == "failed")
    assert failed["seed"].to_list() == ["3"]
    assert failed["value"].to_list() == [None]


def test_arms_are_variant_and_cell_in_order() -> None:
    parts = [
        scores(predictions({"b": 0.7}, seeds=[0]), **{"axis.auxiliary": "el"}),
        scores(predictions({"a": 0.7}, seeds=[0]), **{"axis.auxiliary": "el+ur"}),
    ]
    frame = stack(parts)
    assert arms(frame) == [Arm("b", (("auxiliary", "el"),)), Arm("a", (("auxiliary", "el+ur"),))]
    assert only(frame, arms(frame)[1])["variant"].unique().to_list() == ["a"]


def test_several_recipes_are_told_apart_by_their_names() -> None:
    one = scores(predictions({"pooled": 0.7}, seeds=[0]))
    two = one.with_columns(recipe=pl.lit("other"))
    assert [arm.variant for arm in arms(named(stack([one, two])))] == ["toy/pooled", "other/pooled"]


def test_a_frame_survives_writing_and_is_written_alike(tmp_path: Path) -> None:
    frame = scores(predictions({"pooled": 0.7}), failed=[("pooled", 3)], **{"axis.auxiliary": "el", "seed.source": 1})
    write_frame(frame, tmp_path / "a.csv")
    again = read_frame(tmp_path / "a.csv")
    assert_frame_equal(frame, again, abs_tol=1e-6)
    write_frame(again, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_frame_with_two_values_for_one_cell_is_refused() -> None:
    frame = scores(predictions({"pooled": 0.7}, seeds=[0]))
    with pytest.raises(Mistakes, match="two values for pooled, seed 0, en, accuracy"):
        check_scores(pl.concat([frame, frame]))


def test_what_is_no_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match="no such file"):
        read_frame(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Mistakes, match="no column recipe, variant"):
        read_frame(tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(Mistakes, match=r"empty\.csv"):
        read_frame(tmp_path / "empty.csv")


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(Mistakes, match='role "seen" is unknown'):
        check_scores(failed_run(facts("a", 0)).with_columns(role=pl.lit("seen")))
