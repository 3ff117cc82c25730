"""What happened inside of runs: impact by layer, learned rates over meta steps, losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from isogloss.report.figures import impact, rates, training
from isogloss.report.material import Material
from report.figures.conftest import charts, drawn, material_of, one
from report.make import GROUPS, made_up_store


def test_impact_is_the_mean_over_seeds(plain: Material) -> None:
    data = one(impact.figure, plain).data
    mean = plain.store.impacts(plain.done).group_by("variant", "language", "layer").agg(pl.col("impact").mean())
    theirs = {tuple(key): value for *key, value in mean.iter_rows()}
    ours = {tuple(key): value for *key, value in data.select("panel", "language", "layer", "value").iter_rows()}
    assert ours == pytest.approx(theirs)
    assert len(ours) == 2 * 4 * 3
    assert data["language"].unique(maintain_order=True).to_list() == ["th", "sw", "el", "en"], "most moved first"


def test_ways_of_measuring_impact_never_meet_in_one_panel(plain: Material) -> None:
    frame = plain.impacts
    other = frame.with_columns(against=pl.lit("encoder"), impact=pl.col("impact") + 0.5)
    panels = impact.mean_impacts(pl.concat([frame, other]))["panel"].unique().to_list()
    assert sorted(panels) == sorted(
        f"{variant} · {against}" for variant in ("pooled", "meta_optimizer") for against in ("source", "encoder")
    )


def test_an_impact_that_is_not_defined_is_no_zero(plain: Material) -> None:
    undefined = pl.when(pl.col("language") == "sw").then(None).otherwise("impact")
    assert "sw" not in impact.mean_impacts(plain.impacts.with_columns(impact=undefined))["language"]
    nothing = plain.impacts.with_columns(impact=pl.lit(None, pl.Float64))
    assert impact.mean_impacts(nothing).is_empty()


def test_rates_are_the_mean_over_seeds_at_each_meta_step(plain: Material) -> None:
    data = one(rates.figure, plain).data
    courses = [plain.store.phase(run.phases[1]).rates().course for run in plain.done if len(run.phases) == 3]
    assert len(courses) == 2
    (panel,) = data["panel"].unique()
    assert panel == "meta_optimizer, meta"
    for group, step, value in data.select("group", "step", "value").iter_rows():
        assert value == pytest.approx(np.mean([course[step - 1][group] for course in courses]))
    assert data["group"].unique(maintain_order=True).to_list() == list(GROUPS[:0:-1]), "the head on top, none frozen"
    assert data["step"].max() == len(courses[0])


@pytest.mark.slow
def test_long_searches_are_thinned_out_to_their_end(large: Material) -> None:
    steps = one(rates.figure, large).data["step"].unique().sort().to_list()
    assert len(steps) <= rates.MOST_STEPS
    assert (steps[0], steps[-1]) == (1, 300)


def test_a_phase_that_variants_share_is_drawn_once(plain: Material) -> None:
    data = one(training.figure, plain).data
    assert set(data.select("phase", "variant").unique().iter_rows()) == {
        ("source", "all variants"),
        ("adapt", "pooled"),
        ("adapt", "meta_optimizer"),
        ("meta", "meta_optimizer"),
    }


def test_losses_are_means_over_seeds_as_they_were_logged(plain: Material) -> None:
    data = one(training.figure, plain).data.filter(phase="adapt", variant="pooled")
    keys = [run.phases[-1] for run in plain.done if run.variant == "pooled"]
    logs = [{row["step"]: row["loss"] for row in plain.store.phase(key).read_log()} for key in keys]
    assert len(logs) == 2
    for step, loss in data.select("step", "loss").iter_rows():
        assert loss == pytest.approx(np.mean([log[step] for log in logs]))
    assert data["runs"].unique().to_list() == [2]


@pytest.mark.slow
def test_long_logs_are_thinned_out_and_smoothed_over_all_their_steps(large: Material) -> None:
    data = one(training.figure, large).data.filter(phase="adapt", variant="xla_maml")
    assert data.height <= training.POINTS
    assert (data["step"].min(), data["step"].max()) == (1, 300)
    keys = [run.phases[-1] for run in large.done if run.variant == "xla_maml"]
    every = np.mean([[row["loss"] for row in large.store.phase(key).read_log()] for key in keys], axis=0)
    middle = data.filter(pl.col("step") > 100).row(0, named=True)
    around = every[middle["step"] - 1 - 15 : middle["step"] + 15]  # a tenth of 300 steps
    assert middle["smooth"] == pytest.approx(around.mean())


def test_the_running_mean_is_of_fewer_values_at_the_ends() -> None:
    assert training.running_mean([1.0, 2.0, 6.0], 1).tolist() == [1.0, 2.0, 6.0]
    assert training.running_mean([1.0, 2.0, 6.0], 3).tolist() == pytest.approx([1.5, 3.0, 4.0])


def test_runs_that_stopped_at_other_steps_are_compared_where_all_have_been(tmp_path: Path) -> None:
    store = made_up_store(tmp_path, variants={"pooled": 0.5})
    material = material_of(store)
    log = store.phase(material.done[1].phases[-1]).path / "log.jsonl"
    log.write_text("".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[:5]), encoding="utf-8")
    data = one(training.figure, material).data.filter(phase="adapt")
    assert data["step"].to_list() == [1, 2, 3, 4, 5]
    assert data["runs"].unique().to_list() == [2]


def test_runs_without_logs_rates_or_analyses_have_none_of_the_three(bare: Material) -> None:
    assert [draw(bare) for draw in (impact.figure, rates.figure, training.figure)] == [None, None, None]


def test_every_panel_has_colours_of_the_same_scale(plain: Material) -> None:
    def scales(spec: dict[str, Any]) -> list[Any]:
        return [
            part["encoding"]["color"]["scale"]["domain"] for part in charts(spec) if "color" in part.get("encoding", {})
        ]

    figure = one(impact.figure, plain)
    (domain,) = scales(figure.chart.to_dict())
    assert domain == [0.0, pytest.approx(max(row["value"] for row in drawn(figure)), rel=1e-4)]
