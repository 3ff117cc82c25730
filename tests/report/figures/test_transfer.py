"""Scores by source and target, and differences by auxiliary and target."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from isogloss.report.figures import scores, transfer
from isogloss.report.material import Material
from report.figures.conftest import drawn, material_of, one
from report.make import made_up_store


def test_every_source_and_target_has_its_score(crossed: Material) -> None:
    data = one(transfer.figure, crossed).data
    right = 100 * (pl.col("label") == pl.col("prediction")).mean()
    found = crossed.store.predictions(crossed.done)
    row = pl.concat_str(["axis.source", "axis.auxiliary"], separator=" · ")
    by_run = found.group_by("variant", row.alias("row"), "language", "seed").agg(value=right)
    expected = by_run.group_by("variant", "row", "language").agg(pl.col("value").mean())
    theirs = {tuple(key): value for *key, value in expected.iter_rows()}
    ours = {tuple(key): value for *key, value in data.select("panel", "row", "column", "value").iter_rows()}
    assert ours == pytest.approx(theirs)
    assert len(ours) == 3 * 6 * 4


def test_differences_are_those_of_the_comparison_in_the_same_cell(crossed: Material) -> None:
    figure = one(transfer.auxiliary_figure, crossed)
    assert crossed.comparisons is not None
    asked = crossed.comparisons.filter(pl.col("scope") == "language")
    row = pl.concat_str(["axis.source", "axis.auxiliary"], separator=" · ")
    theirs = {tuple(key): value for *key, value in asked.select("variant", row, "language", "difference").iter_rows()}
    ours = {tuple(key): value for *key, value in figure.data.select("panel", "row", "column", "value").iter_rows()}
    assert ours == pytest.approx(theirs)
    assert set(figure.data["panel"]) == {"far_better", "as_good"}


def test_zero_is_in_the_middle_of_the_colours(crossed: Material) -> None:
    spec = one(transfer.auxiliary_figure, crossed).chart.to_dict()["spec"]
    low, high = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert low == -high
    assert high == pytest.approx(one(transfer.auxiliary_figure, crossed).data["value"].abs().max())


def test_only_decided_cells_carry_a_mark_and_bold(crossed: Material) -> None:
    cells = drawn(one(transfer.auxiliary_figure, crossed))
    assert {cell["verdict"] for cell in cells} >= {"better", "undecided"}
    for cell in cells:
        assert cell["bold"] == (cell["verdict"] in ("better", "worse")) == (cell["text"][-1] in "▲▼")


def test_runs_that_do_not_differ_in_it_have_neither(plain: Material, tmp_path: Path) -> None:
    alike = material_of(made_up_store(tmp_path, axes={"source": [("en",)], "auxiliary": [("el", "sw")]}, examples=9))
    for material in (plain, alike):
        assert transfer.figure(material) is None
        assert transfer.auxiliary_figure(material) is None
    assert set(scores.score_cells(alike)["arm"]) == {"pooled", "meta_optimizer"}, "what all share is not said"
