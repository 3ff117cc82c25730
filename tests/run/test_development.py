"""Development rows: scored beside the test rows, and in no phase's training, whatever the language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.choice import choose
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.run import run, scoring
from isogloss.run.development import development_bags
from isogloss.run.resources import Resources
from isogloss.run.training import phase_data
from isogloss.store import Store

SHARE = 'evaluation.development={ split = "validation", share = 0.25 }'
AXES = 'axes.auxiliary=[["el"], ["ur"]]'


@pytest.fixture
def small(world: Path) -> Callable[..., Recipe]:
    def load(*sets: str) -> Recipe:
        return load_recipe(str(world / "small.toml"), sets=("seeds=1", 'variants=["pooled"]', *sets))

    return load


def keys_of(recipe: Recipe, where: Path) -> tuple[dict[str, str], list[str]]:
    plan = make_plan(recipe, Resources(recipe, where, {}, offline=True))
    return {phase.name: key for key, phase in plan.phases.items()}, [cell.key for cell in plan.cells]


def test_no_phase_is_trained_on_them(small: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = small(SHARE)
    resources = Resources(recipe, tmp_path, {}, offline=True)
    plan = make_plan(recipe, resources)
    development = plan.cells[0].development
    assert development is not None
    bags = development_bags(development, resources)
    ids = {language: set(bag.ids.tolist()) for language, bag in bags.items()}
    assert set(ids) == {"en", "el", "ur", "sw"}
    assert len(set(map(frozenset, ids.values()))) == 1  # translations of the same rows
    assert len(ids["sw"]) == 6  # a quarter of 24
    phases = {phase.name: phase for phase in plan.phases.values()}
    trained = phase_data(phases["adapt"], resources).train
    assert trained.keys() == {"el", "en", "ur"}
    for bag in trained.values():
        assert ids["sw"].isdisjoint(bag.ids.tolist())
        assert len(bag) == 18
    assert phases["source"].development is None  # of another split


def test_subsets_are_taken_of_what_is_left(small: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = small(SHARE, "phases.adapt.on.examples=12")
    resources = Resources(recipe, tmp_path, {}, offline=True)
    [adapt] = [phase for phase in make_plan(recipe, resources).phases.values() if phase.name == "adapt"]
    assert {len(bag) for bag in phase_data(adapt, resources).train.values()} == {12}


def test_only_what_they_touch_has_another_key(small: Callable[..., Recipe], tmp_path: Path) -> None:
    (with_none, run_with_none), (phases, runs) = keys_of(small(), tmp_path), keys_of(small(SHARE), tmp_path)
    assert with_none["source"] == phases["source"]
    assert with_none["adapt"] != phases["adapt"]
    assert run_with_none != runs
    elsewhere = "phases.adapt.on.split=train"  # so that no phase is touched, and a run has more to score all the same
    (before, run_before), (after, run_after) = (
        keys_of(small(elsewhere), tmp_path),
        keys_of(small(elsewhere, SHARE), tmp_path),
    )
    assert before == after
    assert run_before != run_after
    fewer, _ = keys_of(small(SHARE.replace("0.25", "0.5")), tmp_path)
    assert fewer["adapt"] != phases["adapt"]


def test_they_are_scored_and_an_auxiliary_is_chosen_on_them(small: Callable[..., Recipe], tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert run(small(SHARE, AXES, 'languages.target=["el", "ur", "sw", "en"]'), store, offline=True).failed == []
    scores = store.scores("small")
    found = scores.filter(metric="development accuracy", language="sw")
    assert found["n"].to_list() == [6, 6]
    for row in found.iter_rows(named=True):
        kept = pl.read_parquet(store.root / "runs" / row["run"] / "development.parquet").filter(language="sw")
        assert row["value"] == pytest.approx(100 * (kept["label"] == kept["prediction"]).mean())
    assert set(store.predictions("small").group_by("run", "language").len()["len"]) == {60}  # the test rows alone
    with pytest.raises(Mistakes, match="target sw: no other unseen language"):
        choose(scores, "auxiliary")  # el and ur are what the candidates are trained on


def test_another_draw_is_trained_on_other_rows_and_tested_on_the_same(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    """Else draws that differ in their test rows have none in common to be compared on."""
    recipe = small(SHARE, "axes.draw=[0, 1]", "phases.adapt.on.examples=6", "evaluation.examples=12")
    resources = Resources(recipe, tmp_path, {}, offline=True)
    plan = make_plan(recipe, resources)
    one, other = plan.cells
    tested = [[bag.ids.tolist() for bag in scoring.test_bags(cell, resources)] for cell in plan.cells]
    assert tested[0] == tested[1]
    assert one.development == other.development
    trained = [phase_data(plan.phases[cell.final], resources).train["en"].ids.tolist() for cell in (one, other)]
    assert trained[0] != trained[1]


@pytest.mark.parametrize(
    ("development", "said"),
    [
        ({"split": "test"}, 'development rows are of split "test", on which the recipe is tested'),
        ({"split": "validaton"}, 'has no split "validaton"; did you mean "validation"'),
        ({"share": 1.0}, "share"),
    ],
)
def test_what_cannot_be_held_apart(small: Callable[..., Recipe], development: dict[str, Any], said: str) -> None:
    inline = ", ".join(f"{key} = {value!r}" for key, value in development.items())
    with pytest.raises(Mistakes, match=said):
        small(f"evaluation.development={{ {inline} }}")
