"""Supports with rows of their own: read, kept apart from what is held out, refused before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isogloss.errors import Mistakes, mistake
from isogloss.methods.maml import Maml
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.recipe.planned import PlannedPhase
from isogloss.run import rehearse, run
from isogloss.run.resources import Resources
from isogloss.run.training import PhaseData, Trainer, phase_data
from isogloss.store import Store

META = """
[[phases]]
name = "meta"
after = "source"
on = { split = "validation", languages = "auxiliary" }
support = { split = "validation", languages = "source" }
method = { name = "maml", pairing = "roles", order = "first" }
optimizer = { name = "adam", learning_rate = 1e-3 }
batch_size = 4
steps = 3
"""


@pytest.fixture
def xla(world: Path, tmp_path: Path) -> Callable[..., Recipe]:
    """The small recipe with a phase of XLA-MAML in place of the meta-optimizer, with `--set` changes."""
    text = (world / "small.toml").read_text("utf-8")
    head = text[: text.index('[[phases]]\nname = "meta"')].replace("seeds = 2", "seeds = 1")
    (tmp_path / "xla.toml").write_text(head.replace("epochs = 4", "epochs = 1") + META, "utf-8")
    return lambda *sets: load_recipe(str(tmp_path / "xla.toml"), sets=sets)


def planned(recipe: Recipe, store: Store) -> tuple[PlannedPhase, Resources]:
    resources = Resources(recipe, store.bags, {}, offline=True)
    [phase] = [phase for phase in make_plan(recipe, resources).phases.values() if phase.name == "meta"]
    return phase, resources


def data_of(recipe: Recipe, where: Path) -> PhaseData:
    return phase_data(*planned(recipe, Store(where)))


def refusals(recipe: Recipe, where: Path) -> list[str]:
    """What `run` refuses, having trained nothing."""
    with pytest.raises(Mistakes) as caught:
        run(recipe, Store(where), offline=True)
    assert not list(where.glob("phases/*"))
    return str(caught.value).split("\n")


def test_a_recipe_with_supports_of_their_own_is_carried_out(xla: Callable[..., Recipe], tmp_path: Path) -> None:
    store, recipe = Store(tmp_path / "store"), xla("phases.meta.support.languages=['en', 'sw']")
    [row] = [row for row in rehearse(recipe, store, offline=True).phases if row.phase == "meta"]
    examples = 3 * 4 * (4 + 4)  # steps, pairs of two languages on either side, a support and a query
    assert (row.languages, row.steps, row.examples) == (("el", "en", "sw", "ur"), 3, examples)
    report = run(recipe, store, offline=True)
    assert (report.done, report.failed) == (1, [])
    scores = store.scores("small").filter(metric="accuracy")
    roles = dict(scores.select("language", "role").unique().iter_rows())
    assert roles == {"en": "source", "el": "auxiliary", "ur": "auxiliary", "sw": "auxiliary"}
    assert set(scores["examples_seen"]) == {64 + examples}
    specs = [json.loads(path.read_text()) for path in store.root.glob("phases/*/phase.json")]
    [spec] = [spec for spec in specs if spec["name"] == "meta"]
    assert spec["languages"] == ["el", "en", "sw", "ur"]


def test_supports_are_those_rows_and_no_others(xla: Callable[..., Recipe], tmp_path: Path) -> None:
    few = data_of(xla("phases.meta.support.examples=9", "phases.meta.support.split=train"), tmp_path / "few")
    assert few.support is not None
    assert {language: (bag.split, len(bag)) for language, bag in few.support.items()} == {"en": ("train", 9)}
    assert {language: (bag.split, len(bag)) for language, bag in few.train.items()} == {
        "el": ("validation", 24),
        "ur": ("validation", 24),
    }


def test_without_a_support_there_is_none(xla: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = xla("phases.meta.method.pairing=across")
    text = (tmp_path / "xla.toml").read_text("utf-8")
    (tmp_path / "xla.toml").write_text(text.replace('support = { split = "validation", languages = "source" }', ""))
    assert data_of(recipe, tmp_path / "one").support is not None
    assert data_of(xla("phases.meta.method.pairing=across"), tmp_path / "other").support is None


@pytest.mark.parametrize(("split", "left"), [("validation", 18), ("train", 64)])
def test_what_is_held_out_is_in_no_support(xla: Callable[..., Recipe], tmp_path: Path, split: str, left: int) -> None:
    """Ids are the groups here, and equal ones in two splits are not the same rows."""
    select = ("phases.meta.select={ on = 'source', held_out = 0.25, every = 2 }", f"phases.meta.support.split={split}")
    data = data_of(xla(*select), tmp_path / "store")
    held_out = set(data.held_out["en"].ids.tolist())
    assert data.support is not None
    assert len(held_out) == 6
    assert len(data.support["en"]) == left
    assert (split == "train") == bool(held_out & set(data.support["en"].ids.tolist()))
    assert all(held_out.isdisjoint(bag.ids.tolist()) for bag in data.train.values())


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (
            ("phases.meta.support.examples=3",),
            "phase meta, support en: 3 examples are fewer than the 4 of an episode's support; give it more, or lower "
            "support_size",
        ),
        (
            ("phases.meta.on.examples=2",),
            "phase meta, query el: 2 examples are fewer than the 4 of an episode's query; give it more, or lower "
            "batch_size",
        ),
        (
            ("phases.meta.support.examples=40",),
            "phase meta, files en validation: 40 examples of 24; give a number from 1 to 24",
        ),
        (
            ("phases.meta.support.split=train", "phases.meta.support.examples=20", "phases.meta.method.parallel=true"),
            "phase meta, parallel: of 24 ids of el (query), ",
        ),
    ],
)
def test_rows_that_make_no_episodes_are_refused_before_anything_is_trained(
    xla: Callable[..., Recipe], tmp_path: Path, sets: tuple[str, ...], expected: str
) -> None:
    found = refusals(xla(*sets), tmp_path / "store")
    assert found[0].startswith(expected)


def test_files_of_supports_are_read_before_anything_is_trained(
    xla: Callable[..., Recipe], world: Path, tmp_path: Path
) -> None:
    """A file that only the support needs, with a mistake in its second line."""
    text = (tmp_path / "xla.toml").read_text("utf-8")
    (tmp_path / "xla.toml").write_text(text.replace('train = "train', 'extra = "extra-{language}.tsv", train = "train'))
    rows = (world / "data" / "train-en.tsv").read_text("utf-8").splitlines()
    broken = world / "data" / "extra-en.tsv"
    broken.write_text("\n".join([rows[0], rows[1].rsplit("\t", 1)[0] + "\t", *rows[2:]]) + "\n", "utf-8")
    try:
        [message] = refusals(xla("phases.meta.support.split=extra"), tmp_path / "store")
    finally:
        broken.unlink()
    assert message.startswith(f"{broken}:2: ")  # as of any file: it is not for the phase to find


def test_a_method_looks_at_the_learner_once_with_the_rates_of_the_phase(
    xla: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[dict[str, float]] = []

    def check(self: Maml, learner: Any, rates: dict[str, float]) -> None:
        looked_at.append(rates)
        raise mistake("it cannot", where="order", remedy="ask for less")

    monkeypatch.setattr(Maml, "check", check)
    recipe = xla("seeds=3", "phases.meta.freeze=[2]", "phases.meta.rates=0.5")
    assert refusals(recipe, tmp_path / "store") == ["phase meta, order: it cannot; ask for less"]
    rates = {"embeddings": 0.5, "layer.1": 0.5, "layer.2": 0.0, "layer.3": 0.5, "head": 0.5}
    assert looked_at == [rates]


def test_rows_are_looked_at_once_for_all_seeds(
    xla: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    schedule = Trainer._schedule
    monkeypatch.setattr(
        Trainer, "_schedule", lambda self, phase, length: made.append(phase.name) or schedule(self, phase, length)
    )
    store, recipe = Store(tmp_path / "store"), xla("seeds=3")
    resources = Resources(recipe, store.bags, {}, offline=True)
    plan = make_plan(recipe, resources)
    Trainer(plan, store, resources, lambda progress: None).check(plan.phases.values())
    assert sorted(made) == ["meta", "source"]
    assert len(plan.phases) == 6
