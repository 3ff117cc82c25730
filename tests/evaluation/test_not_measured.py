"""Languages without labels beside those that have some: what is told of them, and when no number is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isogloss.evaluation.not_measured import not_measured, not_measured_table

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
