"""The quickstart, on a recipe that takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.cli import estimate, quickstart
from isogloss.cli.estimate import Expected, Speed
from isogloss.errors import Interrupted
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.report import page
from isogloss.run import judged
from isogloss.store import Store

WHOLE = 30  # rows of a language that the recipe is tested on


@pytest.fixture
def tiny(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quickstart, "RECIPE", "tiny.toml")
    monkeypatch.setattr(quickstart, "_SIZES", ((),))
    return project


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what draws figures be not installed: it takes seconds, and has tests of its own."""
    monkeypatch.setattr(page, "find_spec", lambda name: None)


def test_it_estimates_compares_says_what_it_means_and_what_is_next(isogloss: Isogloss, tiny: Path) -> None:
    said = isogloss("quickstart", "--no-progress")
    assert said.code == 0
    assert "8 phases of training, about" in said.err
    for words in (
        "4 runs done",
        "learned by",
        "meta_optimizer",
        "†",
        "isogloss table tiny --store",
        "the page of all of it, for a browser: wrote isogloss-quickstart/report.html",
        "isogloss run my-project/recipe.toml",
    ):
        assert words in said.out
    assert (tiny / "isogloss-quickstart" / "runs").is_dir()
    assert "What came of it" in (tiny / "isogloss-quickstart" / "report.html").read_text(encoding="utf-8")
    again = isogloss("quickstart", "--no-progress")
    assert (again.code, again.err) == (0, "")
    assert "4 found finished" in again.out


class Told:
    """How long the whole recipe and the smaller one are expected to take, whatever the machine is."""

    def __init__(self) -> None:
        self.seconds = {None: 1000.0, 7: 100.0}
        self.estimate = estimate.estimate

    def __call__(self, recipe: Recipe, store: Path, *, speed: Speed | None = None) -> Expected:
        found = self.estimate(recipe, store, speed=Speed(1e6, 1e6))
        return found._replace(seconds=self.seconds[recipe.evaluation.examples])


@pytest.fixture
def told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    found = Told()
    monkeypatch.setattr(quickstart, "_SIZES", ((), ("evaluation.examples=7",)))
    monkeypatch.setattr(estimate, "estimate", found)
    return found


def rows_tested(store: Path) -> set[int]:
    """On how many rows of a language the runs of a store were tested."""
    return set(Store(store).scores()["n"])


def test_where_it_would_take_long_it_is_smaller(isogloss: Isogloss, tiny: Path, told: Told) -> None:
    said = isogloss("quickstart", "--no-progress")
    assert said.err.splitlines()[0] == "at full size about 16 min 40 s on this machine; so a smaller size"
    assert "about 1 min 40 s on this machine" in said.err
    assert rows_tested(tiny / "isogloss-quickstart") == {7}
    told.seconds[None] = 1.0
    again = isogloss("quickstart", "--no-progress")
    assert (again.code, again.err) == (0, "")
    assert "0 runs done, 4 found finished" in again.out


@pytest.mark.parametrize(("before", "after"), [(1000.0, 1.0), (1.0, 1000.0)])
def test_an_interrupted_one_goes_on_at_its_size(
    before: float, after: float, isogloss: Isogloss, tiny: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.seconds[None] = before
    with monkeypatch.context() as patch:
        patch.setattr(judged, "judge", interrupt)
        assert isogloss("quickstart", "--no-progress").code != 0
    told.seconds[None] = after
    said = isogloss("quickstart", "--no-progress")
    assert "4 runs done" in said.out
    assert "smaller" not in said.err
    assert rows_tested(tiny / "isogloss-quickstart") == ({7} if before > after else {WHOLE})


def interrupt(*_: object, **__: object) -> None:
    raise Interrupted("stopped")


def test_where_every_size_would_take_long_it_is_the_smallest(isogloss: Isogloss, tiny: Path, told: Told) -> None:
    told.seconds = {None: 2000.0, 7: 1000.0}
    said = isogloss("quickstart", "--no-progress")
    assert "so a smaller size" in said.err
    assert "about 16 min 40 s on this machine" in said.err
    assert rows_tested(tiny / "isogloss-quickstart") == {7}


def test_where_there_is_time_it_is_whole(isogloss: Isogloss, tiny: Path, told: Told) -> None:
    told.seconds = {None: quickstart._PATIENCE, 7: 1.0}
    said = isogloss("quickstart", "--no-progress")
    assert "smaller" not in said.err
    assert rows_tested(tiny / "isogloss-quickstart") == {WHOLE}


def test_each_size_is_one_that_the_recipe_has_and_less_work_than_the_one_before(tmp_path: Path) -> None:
    recipes = [load_recipe(quickstart.RECIPE, sets=sets) for sets in quickstart._SIZES]
    assert {recipe.seeds.together for recipe in recipes} == {2}
    assert {len(recipe.languages.target) for recipe in recipes} == {22}
    for recipe in recipes:
        names = [variant.name for variant in recipe.variants]
        assert names[0] == "pooled"
        assert {"source_only", "meta_optimizer", "pooled_same_compute"} <= set(names)
    assert len(recipes[0].variants) == len(recipes[1].variants) == 5
    seconds = [estimate.estimate(recipe, tmp_path, speed=Speed(1.0, 1.0)).seconds for recipe in recipes]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[-1] < seconds[0] / 2


def test_what_calibrates_a_run_counts(tmp_path: Path) -> None:
    """8 runs, each tested on 40 rows of 22 languages, and its temperature fitted on 200 of the source's."""
    recipe = load_recipe(quickstart.RECIPE, sets=quickstart._SIZES[-1])
    trained_alone = estimate.estimate(recipe, tmp_path, speed=Speed(1.0, float("inf"))).seconds
    found = estimate.estimate(recipe, tmp_path, speed=Speed(1.0, 1.0)).seconds - trained_alone
    assert found == 8 * (22 * 40 + 200)


def test_the_commands_that_come_next_work_to_the_letter(isogloss: Isogloss, project: Path) -> None:
    """Somebody follows the last lines, with the names that they use."""
    told = [line.strip() for line in quickstart._NEXT.splitlines()]
    rows = [f"call {number} people,{'ab'[number % 2]},{language}" for number in range(24) for language in ("en", "sw")]
    (project / "messages.csv").write_text("\n".join(["text,label,language", *rows]) + "\n")
    for line in told[-2:]:
        said = isogloss(*line.split()[1:], *(["--offline"] if "run" in line else []))
        assert (said.code, said.err) == (0, "")
    assert "en+sw" in said.out
