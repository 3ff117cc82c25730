"""Phases with low-rank adapters, carried out: what moves, what is kept, and what comes back from it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from isogloss.errors import Interrupted, Mistakes
from isogloss.learner.adapters import Adapters
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.run import load_learner, run
from isogloss.run.learners import adapt, fresh_learner, learner_after
from isogloss.run.resources import Resources
from isogloss.run.training import Trainer
from isogloss.store import PhaseFolder, Store

ADAPTED = (
    "phases.meta.adapters={rank=2}",
    "phases.adapt.adapters={rank=2, dropout=0.1}",
    "phases.adapt.optimizer.learning_rate=2e-2",
    'analyses=[{ name = "impact" }]',
)
COLUMNS = ["variant", "language", "id", "p0", "p1", "p2"]


def predictions(store: Store) -> pl.DataFrame:
    return store.predictions("small").select(COLUMNS).sort("variant", "language", "id")


def phases(store: Store) -> dict[str, PhaseFolder]:
    """Return the phases of the run with most of them, by name."""
    info = max(store.runs(), key=lambda run: len(run.phases))
    return {folder.spec["name"]: folder for folder in map(store.phase, info.phases)}


def reloaded(store: Store, recipe: Recipe, variant: str) -> pl.DataFrame:
    """The predictions of a learner that is made from what the store keeps."""
    (info,) = store.resolve(f"small/{variant}@0")
    learner, resources = load_learner(store, info), Resources(recipe, store.bags, {}, offline=True)
    parts = []
    for cell in make_plan(recipe, resources).cells:
        for language in cell.target if cell.variant == variant else ():
            bag = resources.bag(cell.task, language, cell.split)
            found = learner.predict(bag)
            p = dict(zip(("p0", "p1", "p2"), np.exp(found.logits.T) / np.exp(found.logits).sum(1), strict=True))
            parts.append(pl.DataFrame({"variant": variant, "language": language, "id": list(map(str, bag.ids)), **p}))
    return pl.concat(parts).sort("variant", "language", "id")


def alike(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.select(COLUMNS[:3]).equals(other.select(COLUMNS[:3]))
    np.testing.assert_allclose(one.select("p0", "p1", "p2"), other.select("p0", "p1", "p2"), atol=1e-5)


@pytest.fixture(scope="module")
def asked(world: Path) -> Recipe:
    return load_recipe(str(world / "small.toml"), sets=("seeds=1", *ADAPTED))


@pytest.fixture(scope="module")
def finished(asked: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    report = run(asked, store, offline=True)
    assert (report.done, report.failed) == (2, [])
    return store


def test_adapters_and_head_are_all_that_is_kept(finished: Store) -> None:
    """And the phase before, which moves everything, is another's too: nothing in it knows of adapters."""
    source, adapt = (load_file(phases(finished)[name].weights) for name in ("source", "adapt"))
    assert not any(".lora_" in name for name in source)
    assert "bert.encoder.layer.0.attention.self.query.weight" in source
    head = {name for name in source if name.startswith(("bert.pooler.", "classifier."))}
    assert {name for name in adapt if ".lora_" not in name} == head
    matrices = adapt.keys() - head
    assert len(matrices) == 3 * 2 * 2  # layers, queries and values, A and B
    assert {min(adapt[name].shape) for name in matrices} == {2}
    assert all(bool(adapt[name].any()) for name in matrices)


def test_the_summary_and_learned_rates_leave_groups_without_parameters_out(finished: Store) -> None:
    found = phases(finished)
    assert found["source"].summary["moved"][0] == "embeddings"
    assert found["adapt"].summary["moved"] == ["layer.1", "layer.2", "layer.3", "head"]
    rates = found["meta"].rates()
    assert list(rates.rates) == ["embeddings", "layer.1", "layer.2", "layer.3", "head"]
    assert rates.rates["embeddings"] == 0
    assert all(0 < rate < 1 and rate != 0.5 for group, rate in rates.rates.items() if group != "embeddings")
    assert set(rates.course[0]) == {"layer.1", "layer.2", "layer.3", "head"}


def test_it_learns_and_impact_is_that_of_the_adapters(finished: Store) -> None:
    assert finished.scores("small").filter(metric="accuracy")["value"].mean() > 60  # a third by chance
    impact = finished.impacts("small")
    assert set(impact["layer"]) == {1, 2, 3}
    assert impact["impact"].min() > 1e-6


@pytest.mark.parametrize("variant", ["pooled", "meta_optimizer"])
def test_what_is_kept_gives_the_same_predictions(finished: Store, asked: Recipe, variant: str) -> None:
    alike(reloaded(finished, asked, variant), predictions(finished).filter(variant=variant))


def test_adapters_stand_on_the_weights_of_the_phase_before(finished: Store) -> None:
    found = phases(finished)
    source = learner_after(finished, found["source"].key, offline=True)
    adapt = learner_after(finished, found["adapt"].key, offline=True)
    assert adapt.adapters == Adapters(rank=2, dropout=0.1)
    base = {name.replace(".base_layer", ""): value for name, value in adapt._network.masters.items()}
    still = [name for name in source.params if source.groups.of[name] != "head"]
    assert all(torch.equal(base[name], source.params[name]) for name in still)


def test_the_same_again_to_the_last_bit_and_after_an_interruption(
    finished: Store, asked: Recipe, tmp_path: Path
) -> None:
    def stop(event: object) -> None:
        if getattr(event, "phase", "") == "adapt" and getattr(event, "step", 0) == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    store = Store(tmp_path)
    with pytest.raises(Interrupted):
        run(asked, store, offline=True, progress=stop)
    (checkpoint,) = store.root.glob("phases/*/checkpoint/step-*/state.safetensors")
    kept = {key.partition(":")[2] for key in load_file(checkpoint) if key.startswith("params:")}
    assert all(".lora_" in name or name.startswith(("bert.pooler.", "classifier.")) for name in kept)
    assert run(asked, store, offline=True).failed == []
    assert predictions(store).equals(predictions(finished))


def test_each_seed_and_each_stretch_draws_adapters_of_its_own(finished: Store) -> None:
    spec = phases(finished)["adapt"].spec
    drawn = []
    for change in ({}, {"seed": 1}, {"stream": "2.weights"}, {"name": "another"}):
        learner = fresh_learner(spec, offline=True)
        adapt(learner, spec | change)
        drawn.append(next(value for name, value in learner.params.items() if ".lora_A." in name))
    assert torch.equal(drawn[0], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


CHAINS = {
    "the same go on": ("adapters={rank=2}",),
    "others come after a merge": ("adapters={rank=2}", 'phases.adapt.adapters={rank=3, modules=["dense"]}'),
    "everything moves after a merge": ("phases.source.adapters={rank=2}",),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_chains_of_phases_come_back_from_the_store(recipe: Callable[..., Recipe], tmp_path: Path, chain: str) -> None:
    """What stood in memory when it was tested is what is put together from the products of the phases."""
    wanted = recipe("seeds=1", 'variants=["pooled"]', "phases.source.optimizer.learning_rate=2e-2", *CHAINS[chain])
    store = Store(tmp_path)
    assert run(wanted, store, offline=True).failed == []
    alike(reloaded(store, wanted, "pooled"), predictions(store))
    found = phases(store)
    names = [set(load_file(found[name].weights)) for name in ("source", "adapt")]
    assert (names[0] == names[1]) == (chain == "the same go on")
    if chain == "the same go on":  # not drawn anew: A has moved on from where it stood
        first, last = (load_file(found[name].weights) for name in ("source", "adapt"))
        for name in first:
            if ".lora_A." in name:
                assert float((first[name] - last[name]).norm() / first[name].norm()) < 0.5
    if chain == "everything moves after a merge":
        fresh = fresh_learner(found["source"].spec, offline=True)
        merged = learner_after(store, found["source"].key, offline=True)._network.merged()
        query, key = ("bert.encoder.layer.0.attention.self." + name for name in ("query.weight", "key.weight"))
        assert not torch.equal(merged[query], fresh.params[query])
        assert torch.equal(merged[key], fresh.params[key])


def test_maml_moves_adapters(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    changes = (
        'phases.adapt.method={name="maml", order="second", inner_learning_rate=0.05, learn_inner_rates=true}',
        "phases.adapt.steps=3",
        "phases.adapt.rates={embeddings=0.5}",
        "phases.adapt.adapters={rank=2}",
    )
    store = Store(tmp_path)
    assert run(recipe("seeds=1", 'variants=["pooled"]', *changes), store, offline=True).failed == []
    log = phases(store)["adapt"].read_log()
    assert [row["step"] for row in log] == [1, 2, 3]
    assert all(row["correction"] > 0 for row in log)
    assert {key for key in log[0] if key.startswith("inner_rate.")} == {
        "inner_rate.layer.1",
        "inner_rate.layer.2",
        "inner_rate.layer.3",
        "inner_rate.head",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ('phases.adapt.adapters={modules=["vlaue"]}',),
            'phase adapt, adapters.modules: the layers of this encoder have no linear map "vlaue"; '
            'did you mean "value"?',
        ),
        (
            ("phases.adapt.adapters={rank=2}", "phases.adapt.freeze=[1, 2, 3, 'head']"),
            "phase adapt: nothing of adapters and head moves; give a layer group a rate above 0",
        ),
        (
            (
                "phases.adapt.adapters={rank=2}",
                'phases.adapt.method={name="maml", inner_groups=["embeddings"]}',
                "phases.adapt.steps=3",
            ),
            "phase adapt, inner_groups: embeddings is frozen in this phase, so that no inner step can move it; "
            "leave it out, or give it a rate above 0",
        ),
    ],
)
def test_mistakes_are_found_before_training(
    recipe: Callable[..., Recipe], tmp_path: Path, changes: tuple[str, ...], said: str
) -> None:
    store = Store(tmp_path)
    with pytest.raises(Mistakes) as caught:
        run(recipe('variants=["pooled"]', *changes), store, offline=True)
    assert [str(mistake) for mistake in caught.value.mistakes] == [said]
    assert not list(store.root.glob("phases/*"))


def test_an_encoder_is_loaded_once_for_phases_with_and_without(
    asked: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = Resources(asked, tmp_path, {}, offline=True)
    plan, loaded = make_plan(asked, resources), []
    monkeypatch.setattr(
        "isogloss.run.training.fresh_learner", lambda *a, **k: loaded.append(1) or fresh_learner(*a, **k)
    )
    Trainer(plan, Store(tmp_path / "store"), resources, lambda event: None).check(plan.phases.values())
    assert len(loaded) == 1
