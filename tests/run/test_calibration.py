"""The temperature of a run: on which rows it is fitted, and on which never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isogloss.data.bag import Bag
from isogloss.evaluation.calibration import Calibration, label_probabilities, tempered
from isogloss.recipe.load import load_recipe
from isogloss.recipe.plan import make_plan
from isogloss.run import calibration, run
from isogloss.run.calibration import calibrate
from isogloss.run.learners import load_learner
from isogloss.run.resources import Resources
from isogloss.store import Store
from run.conftest import LANGUAGES, write_rows


@pytest.fixture(scope="module")
def roomy(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe as the small one, with development rows beside those that it is trained on."""
    root = tmp_path_factory.mktemp("roomy")
    (root / "data").mkdir()
    for number, language in enumerate(LANGUAGES):
        for split, count in (("train", 64), ("dev", 90), ("test", 60)):
            write_rows(root / "data" / f"{split}-{language}.tsv", count, seed=100 * number + count)
    text = (world / "small.toml").read_text().replace(str(world / "data"), str(root / "data"))
    (root / "small.toml").write_text(text.replace("epochs = 4", "epochs = 1"))
    return root


Load = Callable[..., Any]


@pytest.fixture
def load(roomy: Path) -> Load:
    return lambda *sets: load_recipe(str(roomy / "small.toml"), sets=("seeds=1", 'variants=["pooled"]', *sets))


class Reader:
    """Predicts at random, and remembers what it was given."""

    def __init__(self) -> None:
        self.read: dict[str, set[str]] = {}

    def __call__(self, bag: Bag) -> Any:
        from isogloss.kinds.text_classification import TextClassification

        assert bag.language not in self.read
        self.read[bag.language] = set(bag.ids.tolist())
        logits = np.random.default_rng(0).normal(0, 1, (len(bag), 3)).astype(np.float32)
        return TextClassification().decode(bag, logits)


def calibrated(recipe: Any, where: Path) -> tuple[Calibration, dict[str, set[str]]]:
    resources, reader = Resources(recipe, where, {}, offline=True), Reader()
    plan = make_plan(recipe, resources)
    (cell,) = plan.cells
    return calibrate(cell, plan, reader, resources), reader.read


def test_a_recipe_tested_on_few_rows_is_calibrated_on_few(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {}
    for enough in (55, 70, 1000):
        monkeypatch.setattr(calibration, "ENOUGH", enough)
        for tested in (None, 60):
            recipe = load("phases.adapt.on.split='train'", *([f"evaluation.examples={tested}"] if tested else []))
            sizes[enough, tested] = calibrated(recipe, tmp_path)[0].n
    assert sizes == {(55, None): 90, (55, 60): 60, (70, None): 90, (70, 60): 70, (1000, None): 90, (1000, 60): 90}


def test_it_is_fitted_on_source_rows_that_no_phase_is_trained_on(load: Load, tmp_path: Path) -> None:
    from isogloss.run.training import phase_data

    recipe = load("phases.adapt.on.examples=36")
    found, read = calibrated(recipe, tmp_path)
    assert (found.task, found.split, found.languages, found.n) == ("files", "validation", ("en",), 54)
    assert set(read) == {"en"}  # no target and no auxiliary language
    resources = Resources(recipe, tmp_path, {}, offline=True)
    (adapt,) = (phase for phase in make_plan(recipe, resources).phases.values() if phase.name == "adapt")
    trained = {name for bag in phase_data(adapt, resources).train.values() for name in bag.ids.tolist()}
    assert len(trained) == 36
    assert read["en"] == {str(row) for row in range(90)} - trained
    assert found.temperature is not None
    assert found.nll_after is not None
    assert found.nll_before is not None
    assert found.nll_after < found.nll_before


def test_translations_of_its_rows_are_not_trained_on_either(load: Load, tmp_path: Path) -> None:
    """Nor is a support: its rows are seen as much as a query's."""
    found, read = calibrated(load("phases.adapt.on.examples=36", 'phases.adapt.on.languages=["el"]'), tmp_path)
    assert (found.n, len(read["en"])) == (54, 54)
    support = 'phases.adapt.support={ split = "validation", languages = ["ur"], examples = 30 }'
    method = 'phases.adapt.method={ name = "maml", pairing = "roles", order = "first", inner_learning_rate = 1e-2 }'
    train = ('phases.adapt.on={ split = "train", languages = ["el"] }', support, method)
    assert calibrated(load(*train), tmp_path)[0].n == 60


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ((), "0 validation rows of files in the source languages beside those trained on, fewer than 50"),
        (("phases.adapt.on.split=train", "evaluation.split=validation"), "is what is tested on"),
        (("phases.adapt.on.split=train", 'task.files.validation="train-{language}.tsv"'), "may share rows with its tr"),
        (("phases.adapt.on.split=train", 'task.files.validation="none-{language}.tsv"'), "cannot be read"),
    ],
)
def test_without_such_rows_probabilities_stay_raw(
    load: Load, tmp_path: Path, sets: tuple[str, ...], words: str
) -> None:
    found, read = calibrated(load(*sets), tmp_path)
    assert found.temperature is None
    assert words in found.reason
    assert read == {}


def test_where_the_tested_task_has_none_they_are_of_what_a_phase_is_trained_on(load: Load, tmp_path: Path) -> None:
    recipe = load("phases.adapt.on.split=train", "phases.adapt.on.languages=source")
    resources = Resources(recipe, tmp_path, {}, offline=True)
    plan = make_plan(recipe, resources)
    (cell,) = plan.cells
    other = replace(
        cell.task, name="other", files={name: rule for name, rule in cell.task.files.items() if name == "test"}
    )
    reader = Reader()
    found = calibrate(replace(cell, task=other), plan, reader, resources)
    assert (found.task, found.n, set(reader.read)) == ("files", 90, {"en"})


def test_every_right_row_fits_nothing(load: Load, tmp_path: Path) -> None:
    recipe = load("phases.adapt.on.split=train")
    resources = Resources(recipe, tmp_path, {}, offline=True)
    plan = make_plan(recipe, resources)

    def knows(bag: Bag) -> Any:
        from isogloss.kinds.text_classification import TextClassification

        return TextClassification().decode(bag, np.eye(3, dtype=np.float32)[bag.targets["labels"]])

    found = calibrate(plan.cells[0], plan, knows, resources)
    assert (found.temperature, found.reason) == (None, "every one of 90 development rows is right")


def test_a_run_keeps_it_beside_its_scores(load: Load, tmp_path: Path) -> None:
    recipe, store = load("phases.adapt.on.examples=36"), Store(tmp_path / "store")
    assert run(recipe, store, offline=True).failed == []
    (info,) = store.runs()
    kept = Calibration.of(store.run(info.key).calibration)
    learner = load_learner(store, info, offline=True)
    resources = Resources(recipe, store.bags, {}, offline=True)
    plan = make_plan(recipe, resources)
    assert calibrate(plan.cells[0], plan, learner.predict, resources) == kept
    assert kept.n == 54
    # Predictions at the temperature are those of the kept probabilities at it.
    bag = resources.bag(plan.cells[0].task, "sw", "test")
    cooled = learner.kind.tempered(learner.predict(bag), kept.temperature)
    stored = label_probabilities(store.predictions([info]).filter(language="sw").to_dict(), "store")
    assert np.abs(cooled.probabilities - tempered(stored, kept.temperature)).max() < 1e-5


def test_a_run_from_before_has_none(load: Load, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run(load(), store, offline=True)
    (info,) = store.runs()
    (store.run(info.key).path / "calibration.json").unlink()
    assert store.run(info.key).calibration is None
    assert Calibration.of(store.run(info.key).calibration).temperature is None
    assert run(load(), store, offline=True).found == 1  # it is found again, nothing is done anew
