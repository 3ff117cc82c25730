"""Runs of two recipes on one page: of the same task they stand beside each other, of two tasks they are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.evidence import chosen
from isogloss.evaluation.frame import arms
from isogloss.evaluation.naming import named
from isogloss.report.figures import rates, training
from isogloss.report.judged import judged
from isogloss.report.material import Material, gathered
from isogloss.report.provenance import provenance
from isogloss.store import Store
from report.make import made_up_store

Two = Callable[..., Store]
FIRST, SECOND = "first", "second"
VARIANTS = ("pooled", "meta_optimizer")


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Return a function that makes a store of two recipes up; what is asked is of the second."""

    def make(**asked: Any) -> Store:
        made_up_store(tmp_path / "store", recipe=FIRST, seeds=(0,))
        return made_up_store(tmp_path / "store", recipe=SECOND, **{"seeds": (0,), **asked})

    return make


def test_arms_are_called_as_in_the_scores_where_a_recipe_has_no_predictions(two: Two) -> None:
    store = two(failed=[("pooled", 0), ("meta_optimizer", 0)], axes={"source": [["en"]]})
    material = Material(store, chosen(store, [FIRST, SECOND]))
    assert material.outcomes is not None
    assert set(material.outcomes.by_arm) == set(arms(named(material.scores))[:2])
    assert material.comparisons is not None
    assert set(material.comparisons["variant"]) == {"first/meta_optimizer"}
    assert set(material.predictions["variant"]) == {"first/meta_optimizer", "first/pooled"}
    of_examples = judged(material)
    assert of_examples is not None
    assert set(of_examples["variant"]) == {"first/meta_optimizer", "first/pooled"}


def test_arms_of_another_task_leave_the_names_of_the_first_as_they_are(two: Two) -> None:
    store = two(task="another")
    material = Material(store, chosen(store, [FIRST, SECOND]))
    assert material.comparisons is not None
    assert set(material.comparisons["variant"]) == {"first/meta_optimizer"}


def test_several_recipes_of_one_task_make_one_page(two: Two) -> None:
    material = gathered(two(), [FIRST, SECOND])
    assert {run.recipe for run in material.runs} == {FIRST, SECOND}
    assert material.comparisons is not None
    assert set(material.comparisons["variant"]) == {"first/meta_optimizer", "second/pooled", "second/meta_optimizer"}


@pytest.mark.parametrize(
    ("task", "called"),
    [
        ("another", "another"),
        ({"name": "made-up", "path": "/a/private/place"}, "made-up"),
        ("/a/private/place/mine.toml", "mine.toml"),
    ],
)
def test_several_tasks_are_refused(two: Two, task: object, called: str) -> None:
    with pytest.raises(Mistakes) as refused:
        gathered(two(task=task), [FIRST, SECOND])
    (told,) = refused.value.mistakes
    assert told.what == f"tested on different rows (first: test of made-up, second: test of {called})"
    assert "isogloss report first -o first.html" in told.remedy


def test_other_rows_of_the_same_task_are_refused(two: Two) -> None:
    store = two()
    for path in store.root.rglob("run.json"):
        text = path.read_text(encoding="utf-8")
        if '"recipe": "second"' in text:
            path.write_text(text.replace('"split": "test"', '"split": "validation"'), encoding="utf-8")
    with pytest.raises(Mistakes, match="first: test of made-up, second: validation of made-up"):
        gathered(Store(store.root), [FIRST, SECOND])


def test_learned_rates_of_two_recipes_are_two_panels(two: Two) -> None:
    store = two(rates=("meta_optimizer",))
    made_up_store(store.root, recipe="third", rates=("meta_optimizer",), seeds=(0,))
    figure = rates.figure(gathered(store, [SECOND, "third"]))
    assert figure is not None
    assert set(figure.data["panel"]) == {"second/meta_optimizer, meta", "third/meta_optimizer, meta"}
    assert set(figure.data["runs"]) == {1}


def test_losses_of_two_recipes_are_curves_of_their_own(two: Two) -> None:
    figure = training.figure(gathered(two(steps=5), [FIRST, SECOND]))
    assert figure is not None
    curves = figure.data.select("phase", "variant", "runs").unique()
    own = [("adapt", f"{recipe}/{variant}", 1) for recipe in (FIRST, SECOND) for variant in VARIANTS]
    shared = [("source", ", ".join(f"{recipe}/{variant}" for variant in VARIANTS), 1) for recipe in (FIRST, SECOND)]
    assert sorted(curves.iter_rows()) == sorted(own + shared)


def test_rows_of_labels_say_whose_they_are(two: Two) -> None:
    section = provenance(gathered(two(), [FIRST, SECOND]))
    (table,) = [table for table in section.tables if table.title.startswith("Which labels")]
    called = [row[0].value for row in table.rows]
    assert called == [f"{recipe}/{variant}" for recipe in (FIRST, SECOND) for variant in VARIANTS]


def test_failures_say_in_which_cell(tmp_path: Path) -> None:
    axes = {"auxiliary": [["el"], ["el", "ur"]]}
    store = made_up_store(tmp_path, recipe=FIRST, axes=axes, failed=[("pooled", 1)])
    told = [one for one in provenance(gathered(store, [FIRST])).sentences if "failed" in one]
    of = "first/pooled@1 ({}) failed in adapt: the loss is not finite"
    assert told == [of.format("auxiliary el"), of.format("auxiliary el+ur")]


def test_failures_say_no_path(tmp_path: Path) -> None:
    store = made_up_store(tmp_path, recipe=FIRST, failed=[("pooled", 1)])
    for path in store.root.glob("runs/*/failed.json"):
        path.write_text(path.read_text().replace("the loss", "/data/of/somebody/rows.csv:3: the loss"))
    (told,) = [one for one in provenance(gathered(store, [FIRST])).sentences if "failed" in one]
    assert told == "first/pooled@1 failed in adapt: FOLDER/rows.csv:3: the loss is not finite"
