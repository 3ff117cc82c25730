"""Languages without labels beside those that have some: what is told of them, and when no number is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isogloss.evaluation.not_measured import not_measured, not_measured_table
from isogloss.evaluation.slopes import Slope
from isogloss.evaluation.unlabelled import Answered, estimate

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pl")


def world(accuracies: dict[str, float], labelled: bool, run: str = "r") -> pl.DataFrame:
    """Rows whose confidence is right on average, so that thresholded confidence is the accuracy."""
    rng = np.random.default_rng(sum(map(ord, "".join(accuracies))))
    frames = []
    for language, accuracy in accuracies.items():
        n = 4_000
        confidence = np.clip(rng.normal(accuracy, 0.1, n), 0.34, 1)
        right = rng.random(n) < confidence
        frame = {
            "language": [language] * n,
            "id": [str(i) for i in range(n)],
            "confidence": confidence,
            "prediction": [0] * n,
        }
        frame |= {"label": np.where(right, 0, 1)} if labelled else {}
        frames.append(pl.DataFrame(frame))
    facts = {"recipe": "r", "variant": "v", "seed": "0", "run": run}
    return pl.concat(frames).with_columns(**{name: pl.lit(value) for name, value in facts.items()})


def scores(languages: tuple[str, ...]) -> pl.DataFrame:
    rows = [{"run": "r", "language": code, "role": "source" if code == "en" else "unseen"} for code in languages]
    return pl.DataFrame(rows).with_columns(second_language=pl.lit(None, pl.String))


def found(languages: tuple[str, ...], unknown: float = 0.0) -> pl.DataFrame:
    accuracies = {code: 0.9 - 0.05 * number for number, code in enumerate(languages)}
    shares = {("r", code): 0.0 for code in languages} | {("r", "sw"): unknown}
    return not_measured(world(accuracies, True), world({"sw": 0.7}, False), scores(languages), shares)


def test_an_estimate_with_its_error_where_enough_languages_have_labels() -> None:
    [row] = found(LANGUAGES).iter_rows(named=True)
    assert (row["language"], row["n"], row["seeds"], row["labelled"], row["reason"]) == ("sw", 4_000, 1, 6, "")
    assert row["estimate"] == pytest.approx(70, abs=4)
    assert 0 < row["error"] < 4
    table = not_measured_table(found(LANGUAGES))
    assert table.title.startswith("not measured")
    assert [cell.value for cell in table.rows[0][:2]] == ["v", "sw"]


def test_a_second_recipe_without_such_rows_changes_the_name_and_no_number() -> None:
    accuracies = {code: 0.9 - 0.05 * number for number, code in enumerate(LANGUAGES)}
    second = world(accuracies, True, "other").with_columns(recipe=pl.lit("other"))
    both = pl.concat([world(accuracies, True), second])
    shares = {("r", code): 0.0 for code in (*LANGUAGES, "sw")}
    [row] = not_measured(both, world({"sw": 0.7}, False), scores(LANGUAGES), shares).iter_rows(named=True)
    [alone] = found(LANGUAGES).iter_rows(named=True)
    assert row == alone | {"variant": "r/v"}


@pytest.mark.parametrize(
    ("languages", "unknown", "why"),
    [
        (LANGUAGES[:5], 0.0, "4 labelled languages beside those trained on, fewer than 5"),
        (LANGUAGES, 0.4, "40% of its tokens"),
    ],
)
def test_no_number_without_a_reason_to_believe_it(languages: tuple[str, ...], unknown: float, why: str) -> None:
    frame = found(languages, unknown)
    assert frame["estimate"].to_list() == frame["error"].to_list() == [None]
    assert why in frame["reason"][0]
    assert f"no estimate for sw: {why}" in not_measured_table(frame).footnotes[0]


def test_a_row_that_every_fold_has_predicted_is_one_row() -> None:
    from isogloss.evaluation.folds import FOLD, every_fold

    one = world({"sw": 0.7}, False)
    both = pl.concat([one.with_columns(pl.lit(fold).alias(FOLD)) for fold in ("0", "1")])
    accuracies = dict.fromkeys(LANGUAGES, 0.8)
    shares = {("r", code): 0.0 for code in (*LANGUAGES, "sw")}
    frame = not_measured(world(accuracies, True), every_fold(both), scores(LANGUAGES), shares)
    assert frame["n"].to_list() == [4_000]


HALF = Slope("mini", ("this", "that"), 0.5, {"1": 3.0, "2": 2.0, "3": 2.0, "4": 1.0, "trained on": 4.0})


def with_slope(languages: tuple[str, ...], *, slope: Slope | None = HALF, unknown: float = 0.0) -> dict[str, object]:
    accuracies = {code: 0.9 - 0.05 * number for number, code in enumerate(languages)}
    shares = {("r", code): 0.0 for code in languages} | {("r", "sw"): unknown}
    frame = not_measured(world(accuracies, True), world({"sw": 0.7}, False), scores(languages), shares, {"r": slope})
    [row] = frame.iter_rows(named=True)
    return row | {"notes": not_measured_table(frame).footnotes}


def test_with_few_labelled_languages_the_slope_is_from_elsewhere() -> None:
    """German (0.85) is the anchor, English was trained on: 85 + 0.5 · (70 − 85)."""
    row = with_slope(("en", "de"))
    assert row["estimate"] == pytest.approx(77.5, abs=1.5)
    assert row["error"] == pytest.approx(np.hypot(3.0, 100 * np.sqrt(2 / np.pi * 0.85 * 0.15 / 4000)), abs=0.01)
    assert (row["labelled"], row["elsewhere"], row["elsewhere_error"], row["reason"]) == (1, "this and that", 3.0, "")
    [note] = row["notes"]
    assert "its slope is that of this and that with the same encoder" in note
    assert "erred by 3.0 points on average" in note


def test_with_none_beside_those_trained_on_these_are_the_anchors() -> None:
    row = with_slope(("en",))
    assert row["estimate"] == pytest.approx(79, abs=1)  # 0.9, but for probabilities above 1
    assert row["elsewhere_error"] == 4.0


def test_with_enough_labelled_languages_the_line_is_fitted_here() -> None:
    row = with_slope(LANGUAGES)
    assert (row["elsewhere"], row["elsewhere_error"]) == (None, None)
    assert row["estimate"] == pytest.approx(70, abs=4)


@pytest.mark.parametrize(
    ("slope", "unknown", "why"),
    [
        (None, 0.0, "1 labelled languages beside those trained on"),
        (HALF, 0.21, "21% of its tokens are unknown"),
        (
            replace(HALF, errors=dict.fromkeys(HALF.errors, 10.1)),
            0.0,
            "from 4,000 labelled rows errs by 10%, more than 10%",
        ),
    ],
)
def test_no_number_without_a_slope_a_language_that_is_read_and_an_error_of_use(
    slope: Slope | None, unknown: float, why: str
) -> None:
    row = with_slope(("en", "de"), slope=slope, unknown=unknown)
    assert row["estimate"] is None
    assert why in str(row["reason"])


def test_few_labelled_rows_widen_the_error_and_very_few_give_no_number() -> None:
    def answered(rows: int, right: int, trained_on: bool = False) -> Answered:
        outcome = np.arange(rows)[None] < right
        return Answered(np.full((1, rows), 0.8), np.zeros((1, rows), np.int64), outcome, trained_on)

    target = Answered(np.full((1, 100), 0.7), np.zeros((1, 100), np.int64))
    found = estimate({"sw": answered(100, 80)}, target, HALF)
    assert found.accuracy == pytest.approx(0.8 - 0.05)
    share = 81 / 102  # with one right and one wrong row more
    assert found.mean_absolute_error == pytest.approx(np.hypot(0.03, np.sqrt(2 / np.pi * share * (1 - share) / 100)))
    few = estimate({"sw": answered(10, 5), "en": answered(1000, 800, trained_on=True)}, target, HALF)
    assert few.accuracy is None
    assert few.reason == "an estimate from 10 labelled rows errs by 13%, more than 10%"
