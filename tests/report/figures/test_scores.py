"""The figure of scores: numbers, order, marks and intervals."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.report.figures import scores
from isogloss.report.material import Material
from report.figures.conftest import drawn, material_of, one
from report.make import made_up_store


def means(material: Material) -> dict[tuple[str, str], float]:
    """Percent right by variant and language: the mean over seeds of each run's own share, from the predictions."""
    right = (pl.col("label") == pl.col("prediction")).mean() * 100
    by_run = material.store.predictions(material.done).group_by("variant", "language", "seed").agg(value=right)
    rows = by_run.group_by("variant", "language").agg(pl.col("value").mean()).iter_rows()
    return {(variant, language): value for variant, language, value in rows}


def test_every_cell_holds_the_mean_over_seeds(plain: Material) -> None:
    figure = one(scores.figure, plain)
    expected = means(plain)
    found = {(row["arm"], row["language"]): row["value"] for row in figure.data.iter_rows(named=True)}
    assert found == pytest.approx(expected)
    cells = {(cell["column"], cell["row"]): cell["text"] for cell in drawn(figure)}
    assert cells["meta_optimizer", "Thai (th)"] == f"{expected['meta_optimizer', 'th']:.1f}"
    assert figure.data["n"].unique().to_list() == [60]
    assert figure.data["seeds"].unique().to_list() == [2]


def test_languages_whose_labels_were_trained_on_are_marked(plain: Material) -> None:
    marked = {cell["row"] for cell in drawn(one(scores.figure, plain)) if cell["text"].endswith("†")}
    assert marked == {"English (en)", "Greek (el)"}


@pytest.mark.parametrize("against", [None, "meta_optimizer"])
def test_the_baseline_comes_first_and_orders_the_languages(plain: Material, against: str | None) -> None:
    figure = one(scores.figure, Material(plain.store, plain.runs, against=against))
    baseline = against or "pooled"
    expected = sorted(("en", "el", "sw", "th"), key=lambda language: -means(plain)[baseline, language])
    assert figure.data["language"].unique(maintain_order=True).to_list() == expected
    side = figure.chart.to_dict()["layer"][0]["encoding"]
    assert side["x"]["scale"]["domain"][0] == baseline
    assert [re.findall(r"\((.*)\)", name)[0] for name in side["y"]["scale"]["domain"]] == expected


def test_an_interval_holds_its_score_and_only_the_primary_metric_has_one(plain: Material) -> None:
    data = one(scores.figure, plain).data
    assert (data["low"] < data["value"]).all()
    assert (data["value"] < data["high"]).all()
    other = one(scores.figure, Material(plain.store, plain.runs, metric="macro_f1"))
    assert other.data["low"].null_count() == other.data.height
    assert "macro_f1" in other.title
    assert other.data["value"].to_list() != data["value"].to_list()


def test_an_unknown_metric_or_baseline_is_refused(plain: Material) -> None:
    with pytest.raises(Mistakes, match='metric "f1"'):
        scores.figure(Material(plain.store, plain.runs, metric="f1"))
    with pytest.raises(Mistakes, match='no variant is called "poled"; did you mean "pooled"'):
        scores.figure(Material(plain.store, plain.runs, against="poled"))


def test_a_failed_run_leaves_its_seed_out_and_runs_that_all_failed_have_no_figure(tmp_path: Path) -> None:
    some = material_of(made_up_store(tmp_path / "some", failed=[("pooled", 1)]))
    data = one(scores.figure, some).data
    assert dict(data.select("arm", "seeds").unique().iter_rows()) == {"pooled": 1, "meta_optimizer": 2}
    none = material_of(made_up_store(tmp_path / "none", variants={"pooled": 0.5}, seeds=(0,), failed=[("pooled", 0)]))
    assert scores.figure(none) is None


def test_many_arms_are_rows_and_their_numbers_the_same(tmp_path: Path) -> None:
    axes = {"auxiliary": [(f"x{number}",) for number in range(scores.ABREAST // 2 + 1)]}
    many = material_of(made_up_store(tmp_path, axes=axes, seeds=(0,), examples=6))
    figure = one(scores.figure, many)
    side = figure.chart.to_dict()["layer"][0]["encoding"]
    assert side["y"]["scale"]["domain"] == [many.called(each.arm) for each in many.arms]
    assert sorted(side["x"]["scale"]["domain"]) == ["English (en)", "Greek (el)", "Swahili (sw)", "Thai (th)"]
    cells = {(cell["row"], cell["column"]): cell["value"] for cell in drawn(figure)}
    for each in many.arms:
        assert cells[many.called(each.arm), "Swahili (sw)"] == pytest.approx(each.means["sw"], rel=1e-4)


def test_too_many_arms_to_read_have_no_figure(tmp_path: Path) -> None:
    axes = {"auxiliary": [(f"x{number}",) for number in range(scores.MOST_ARMS // 2 + 1)]}
    many = material_of(made_up_store(tmp_path, axes=axes, seeds=(0,), examples=6))
    assert len(many.arms) == scores.MOST_ARMS + 2
    assert scores.figure(many) is None
