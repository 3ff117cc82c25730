"""The confusion matrices: counts, shares, which labels are shown, and what is shown first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from isogloss.report.figures import confusion
from isogloss.report.material import Material
from report.figures.conftest import drawn, material_of, one
from report.make import made_up_store


def counted(material: Material) -> Counter[tuple[str, str, str, str]]:
    """How often each label was taken for which, by variant and language, over seeds."""
    found = material.store.predictions(material.done).select("variant", "language", "label", "prediction")
    return Counter((v, language, material.labels[a], material.labels[b]) for v, language, a, b in found.iter_rows())


def test_counts_are_those_of_the_predictions_and_shares_of_a_row_add_up(plain: Material) -> None:
    data = one(confusion.figure, plain).data
    ours = {
        tuple(key): count for *key, count in data.select("arm", "language", "label", "predicted", "count").iter_rows()
    }
    assert ours == counted(plain)
    rows = data.partition_by("arm", "language", "label")
    assert len(rows) == 2 * 4 * 3
    assert [part["share"].sum() for part in rows] == pytest.approx([1.0] * len(rows))


@pytest.mark.slow
def test_of_many_labels_those_in_most_errors_are_shown_and_rows_still_add_up(large: Material) -> None:
    figure = one(confusion.figure, large)
    wrong: Counter[str] = Counter()
    for (_, _, label, predicted), count in counted(large).items():
        if label != predicted:
            wrong.update({label: count, predicted: count})
    shown = set(figure.data["label"])
    assert 2 <= len(shown) < 60
    least = min(wrong[label] for label in shown)
    assert all(wrong[label] <= least for label in set(large.labels) - shown)
    assert f"Only the {len(shown)} of 60 labels" in figure.caption
    rows = figure.data.partition_by("arm", "language", "label")
    assert [part["share"].sum() for part in rows] == pytest.approx([1.0] * len(rows))
    assert confusion.OTHER in set(figure.data["predicted"])


def test_first_is_the_baseline_on_its_worst_language_and_nothing_that_was_picked_for_its_looks(plain: Material) -> None:
    figure = one(confusion.figure, plain)
    means = plain.arms[0].means
    start = {name: value for each in figure.chart.to_dict()["params"] for name, value in each["value"][0].items()}
    assert start == {"arm": "pooled", "language": min(means, key=lambda language: means[language])}


def test_marks_say_labels_by_number_and_the_names_stand_once(plain: Material) -> None:
    figure = one(confusion.figure, plain)
    tables = figure.chart.to_dict()["datasets"].values()
    (names,) = (table for table in tables if "name" in table[0])
    assert [row["name"] for row in sorted(names, key=lambda row: row["number"])] == ["high", "low", "none"]
    cell = drawn(figure)[0]
    assert set(cell) == {"arm", "language", "a", "b", "count", "share"}


def test_tasks_without_labels_have_none(tmp_path: Path) -> None:
    store = made_up_store(tmp_path)
    for run in store.runs():
        path = store.run(run.key).path / "predictions.parquet"
        frame = pl.read_parquet(path)
        frame.select("language", "id", "group", "run", value=pl.lit(50.0)).write_parquet(path)
    assert confusion.figure(material_of(store)) is None


def test_a_label_that_is_predicted_and_never_right_has_a_row_and_a_column(tmp_path: Path) -> None:
    store = made_up_store(tmp_path)
    for path in store.root.rglob("predictions.parquet"):
        never = pl.when(pl.col("label") == 2).then(0).otherwise("label").cast(pl.Int16)
        pl.read_parquet(path).with_columns(label=never).write_parquet(path)
    figure = one(confusion.figure, material_of(store))
    assert set(figure.data["label"]) == {"high", "low"}
    assert set(figure.data["predicted"]) == {"high", "low", "none"}
    tables = figure.chart.to_dict()["datasets"].values()
    (names,) = (table for table in tables if "name" in table[0])
    assert {row["name"] for row in names} == {"high", "low", "none"}
