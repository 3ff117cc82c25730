"""A recipe carried out whole: shared work once, failures in sight, and the same again to the last bit."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from isogloss.errors import Interrupted, IsoglossWarning, Mistakes
from isogloss.recipe.load import load_recipe
from isogloss.recipe.plan import make_plan
from isogloss.recipe.resolve import task_of
from isogloss.run import load_learner, rehearse, run
from isogloss.run.events import CellDone, PhaseBegins
from isogloss.run.resources import Resources
from isogloss.store import PhaseFolder, Store, claim
from isogloss.training.progress import Progress


def phases_on_disk(store: Store) -> dict[str, int]:
    """Return phase name → how many folders."""
    names = [json.loads(p.read_text())["name"] for p in store.root.glob("phases/*/phase.json")]
    return {name: names.count(name) for name in set(names)}


@pytest.fixture(scope="module")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    report = run(load_recipe(str(world / "small.toml")), store, offline=True)
    assert (report.done, report.found, report.failed) == (4, 0, [])
    return store


def test_phases_that_variants_share_are_trained_once(finished: Store) -> None:
    assert phases_on_disk(finished) == {"source": 2, "meta": 2, "adapt": 4}


def test_a_second_call_finds_everything(finished: Store, recipe: Callable) -> None:
    events: list[object] = []
    report = run(recipe(), finished, offline=True, progress=events.append)
    assert (report.done, report.found, report.failed) == (0, 4, [])
    assert events == []


def test_scores_are_those_of_the_predictions(finished: Store) -> None:
    scores, predictions = finished.scores("small"), finished.predictions("small")
    assert set(scores["language"]) == {"el", "en", "sw", "ur"}
    roles = dict(scores.select("language", "role").unique().iter_rows())
    assert roles == {"en": "source", "el": "auxiliary", "ur": "auxiliary", "sw": "unseen"}
    accuracy = scores.filter(metric="accuracy")
    assert len(accuracy) == 2 * 2 * 4
    for row in accuracy.iter_rows(named=True):
        part = predictions.filter(run=row["run"], language=row["language"])
        assert row["n"] == len(part) == 60
        assert row["value"] == pytest.approx(100 * (part["label"] == part["prediction"]).mean())
        probabilities = part.select("p0", "p1", "p2").to_numpy()
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        assert (probabilities.argmax(1) == part["prediction"].to_numpy()).all()


def test_it_learns_what_there_is_to_learn(finished: Store) -> None:
    accuracy = finished.scores("small").filter(metric="accuracy")["value"]
    assert accuracy.mean() > 60  # a third by chance


def test_cost_counts_every_phase_of_a_run(finished: Store) -> None:
    scores = finished.scores("small")
    seen = dict(scores.select("variant", "examples_seen").unique().iter_rows())
    meta = 2 * (2 * 24 + 3 * 6)  # two rounds of 6 batches: 3 windows, each with 6 test examples
    assert seen == {"pooled": 256 + 72, "meta_optimizer": 256 + 72 + meta}


def test_rates_are_kept_with_their_course(finished: Store) -> None:
    (info,) = finished.resolve("small/meta_optimizer@0")
    (folder,) = [f for f in map(finished.phase, info.phases) if f.spec["product"] == "rates"]
    learned = folder.rates()
    assert set(learned.rates) == {"embeddings", "layer.1", "layer.2", "layer.3", "head"}
    assert all(0 < rate < 1 for rate in learned.rates.values())
    assert len(learned.course) == 6
    assert learned.course[-1] == pytest.approx(learned.rates)


def test_the_adapt_phase_uses_the_learned_rates(finished: Store) -> None:
    """Layers moved in proportion: with another rate for a group, the same data would give other weights."""
    by_variant = {}
    for variant in ("pooled", "meta_optimizer"):
        (info,) = finished.resolve(f"small/{variant}@0")
        by_variant[variant] = load_file(finished.phase(info.phases[-1]).weights)
    assert not torch.equal(by_variant["pooled"]["classifier.weight"], by_variant["meta_optimizer"]["classifier.weight"])


def test_a_loaded_run_predicts_what_it_predicted(finished: Store, world: Path) -> None:
    recipe = load_recipe(str(world / "small.toml"))
    (info,) = finished.resolve("small/meta_optimizer@1")
    learner = load_learner(finished, info)
    resources = Resources(recipe, finished.bags, {}, offline=True)
    cell = make_plan(recipe, resources).cells[0]
    again = learner.predict(resources.bag(cell.task, "sw", "test"))
    kept = finished.predictions("small/meta_optimizer@1").filter(language="sw")
    assert again.predictions.tolist() == kept["prediction"].to_list()


def test_same_recipe_elsewhere_same_scores_to_the_last_bit(finished: Store, recipe: Callable, tmp_path: Path) -> None:
    other = Store(tmp_path)
    run(recipe(), other, offline=True)
    columns = ["run", "language", "id", "prediction", "p0", "p1", "p2"]
    one, two = (s.predictions("small").select(columns).sort("run", "language", "id") for s in (finished, other))
    assert one.equals(two)


def test_one_failed_variant_does_not_stop_the_others(world: Path, tmp_path: Path) -> None:
    text = (world / "small.toml").read_text() + (
        '\n[[variants]]\nname = "diverges"\nskip = ["meta"]\nset."phases.adapt.rates" = 1.0\n'
        'set."phases.adapt.optimizer" = { name = "sgd", learning_rate = 1e30 }\nset."phases.adapt.clip" = 0.0\n'
    )
    (tmp_path / "small.toml").write_text(text)
    store = Store(tmp_path / "store")
    recipe = load_recipe(str(tmp_path / "small.toml"), sets=["seeds=1"])
    report = run(recipe, store, offline=True)
    assert (report.done, len(report.failed)) == (2, 1)
    failure = report.failed[0]
    assert (failure.variant, failure.phase) == ("diverges", "adapt")
    assert "not finite" in failure.error or "loss is" in failure.error
    assert [info.variant for info in store.failed()] == ["diverges"]
    again = run(recipe, store, offline=True)
    assert (again.found, len(again.failed)) == (2, 1)  # tried again, and failed again


def test_interrupted_and_called_again(world: Path, finished: Store, tmp_path: Path) -> None:
    store = Store(tmp_path)
    recipe = load_recipe(str(world / "small.toml"), sets=["seeds=1"])
    calls = 0

    def stop(event: object) -> None:
        nonlocal calls
        calls += not isinstance(event, CellDone | PhaseBegins)
        if calls == 35:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        run(recipe, store, offline=True, progress=stop)
    report = run(recipe, store, offline=True)
    assert report.done + report.found == 2
    columns = ["run", "language", "id", "p0", "p1", "p2"]
    keys = store.predictions("small")["run"].unique().to_list()
    one, two = (
        s.predictions("small").filter(pl.col("run").is_in(keys)).select(columns).sort("run", "language", "id")
        for s in (finished, store)
    )
    assert one.equals(two)


def test_rehearsal_has_the_sizes_that_the_run_has(finished: Store, recipe: Callable, tmp_path: Path) -> None:
    rows, languages, cells, begun = rehearse(recipe(), Store(tmp_path), offline=True)
    assert (cells, begun) == (len(finished.runs()), False)
    for row in rows:
        summary = finished.phase(row.key).summary
        assert (row.steps, row.examples) == (summary["steps"], summary["examples"])
    assert {row.phase: row.runs for row in rows} == {"source": 2, "meta": 1, "adapt": 1}
    assert {row.language: row.rows for row in languages} == {"el": 84, "en": 148, "sw": 60, "ur": 84}
    assert rehearse(recipe(), finished, offline=True) == ([], [], 0, True)


def test_the_rehearsal_says_how_the_encoder_reads_each_language(world: Path, tmp_path: Path) -> None:
    """Unknown tokens and tokens a word of all that is read in a language, whatever the split."""
    data = tmp_path / "data"
    data.mkdir()
    for path in (world / "data").iterdir():
        (data / path.name).write_text(path.read_text())
    (data / "dev-ur.tsv").write_text("id\ttext\tlabel\n" + "".join(f"{n}\tw5 w6 w7\t{'abc'[n]}\n" for n in range(3)))
    (data / "test-ur.tsv").write_text("id\ttext\tlabel\n0\tw5 ጤና\ta\n")  # the tokenizer makes one unknown token of it
    (data / "test-sw.tsv").write_text(f"id\ttext\tlabel\n0\t{'w5 ' * 40}\ta\n")  # cut
    sets = [f'task.path="{data}"', "allow_unknown=1.0", "phases.source.epochs=1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsoglossWarning)
        recipe = load_recipe(str(world / "small.toml"), sets=sets)
        read = {row.language: row for row in rehearse(recipe, Store(tmp_path / "store"), offline=True).languages}
    assert (read["ur"].rows, read["sw"].rows) == (4, 1)
    assert read["ur"].unknown_share == pytest.approx(1 / 11)
    assert read["ur"].tokens_per_word == 1.0
    assert np.isnan(read["sw"].tokens_per_word)
    assert read["en"].unknown_share == 0


def test_mistakes_in_the_data_come_before_training_all_at_once(world: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in (world / "data").iterdir():
        (data / path.name).write_text(path.read_text())
    (data / "test-sw.tsv").write_text("id\ttext\tlabel\n0\tw5 w6\tz\n")
    (data / "dev-ur.tsv").write_text("id\ttext\tlabel\n0\tw5 w6\t\n")
    recipe = load_recipe(str(world / "small.toml"), sets=[f'task.path="{data}"'])
    store = Store(tmp_path / "store")
    with pytest.raises(Mistakes) as caught:
        run(recipe, store, offline=True)
    lines = [str(mistake) for mistake in caught.value.mistakes]
    assert any("test-sw.tsv:2" in line and '"z"' in line for line in lines)
    assert any("dev-ur.tsv:2" in line for line in lines)
    assert not list(store.root.glob("phases/*"))
    assert not list(store.root.glob("runs/*"))


def _in_another_process(recipe: str, store: str, begun: object, trained: object) -> None:
    torch.set_num_threads(1)

    def watch(event: object) -> None:
        if isinstance(event, PhaseBegins):
            trained.put(event.key)  # type: ignore[attr-defined]

    begun.wait()  # type: ignore[attr-defined]
    run(load_recipe(recipe), Store(store), offline=True, progress=watch)


@pytest.mark.slow
def test_two_processes_on_one_store_never_train_the_same_phase(world: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun, trained = context.Event(), context.Queue()
    arguments = (str(world / "small.toml"), str(tmp_path), begun, trained)
    workers = [context.Process(target=_in_another_process, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    time.sleep(1)
    begun.set()
    keys = []
    for worker in workers:
        worker.join(240)
        assert worker.exitcode == 0
    while not trained.empty():
        keys.append(trained.get())
    assert len(keys) == len(set(keys)) == 8
    assert all(info.state == "done" for info in Store(tmp_path).runs())


def test_weights_that_another_process_deletes_meanwhile_are_trained_again(
    recipe: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the claim while it deletes; weights count as there once they are seen under the claim."""
    sets = ("seeds=1", 'variants=["pooled"]')
    store = Store(tmp_path)
    run(recipe(*sets), store, offline=True)
    (info,) = store.runs()
    source = store.phase(info.phases[0])
    held, events = claim(source.path), []

    def delete(seconds: float) -> None:
        source.weights.unlink()
        held.release()

    monkeypatch.setattr("isogloss.run.runner.time", SimpleNamespace(sleep=delete, monotonic=time.monotonic))
    report = run(recipe(*sets, "evaluation.examples=30"), store, offline=True, progress=events.append)
    assert (report.done, report.failed) == (1, [])
    assert [event.key for event in events if isinstance(event, PhaseBegins)] == [source.key]


def test_what_another_process_finishes_meanwhile_is_not_trained_again(recipe: Callable, tmp_path: Path) -> None:
    """Its weights are gone, as the recipe wants it, when the first process comes to these cells."""
    asked, events = recipe("seeds=1", "keep='scores'"), []

    def watch(event: object) -> None:
        events.append(event)
        if len([each for each in events if isinstance(each, CellDone)]) == 1 and not others:
            others.append(run(asked, Store(tmp_path), offline=True))

    others: list = []
    report = run(asked, Store(tmp_path), offline=True, progress=watch)
    assert (others[0].done, report.done, report.failed) == (1, 2, [])
    first = next(at for at, event in enumerate(events) if isinstance(event, CellDone))
    assert not [event for event in events[first:] if isinstance(event, PhaseBegins)]


def stopped(recipe: object, store: Store) -> PhaseFolder:
    """Carry a recipe out to the fifth step of its first phase, and return the phase's folder."""

    def stop(event: object) -> None:
        if getattr(event, "step", 0) == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        run(recipe, store, offline=True, progress=stop)  # type: ignore[arg-type]
    (folder,) = (store.phase(path.name) for path in store.root.glob("phases/*"))
    return folder


def test_a_phase_says_where_it_was_carried_out(recipe: Callable, tmp_path: Path) -> None:
    asked = recipe("seeds=1", 'variants=["pooled"]', 'precision="auto"')
    spec = stopped(asked, Store(tmp_path)).spec
    assert spec["precision"] == Resources(asked, tmp_path, {}, offline=True).precision("auto") != "auto"
    assert spec["provenance"]["threads"] == 1
    assert spec["provenance"]["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]


@pytest.mark.parametrize(("cores", "threads"), [(3, 3), (2, 1)])
def test_a_resumed_phase_computes_with_the_threads_that_it_was_begun_with(
    recipe: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
) -> None:
    asked, store, seen = recipe("seeds=1", 'variants=["pooled"]'), Store(tmp_path), []
    folder = stopped(asked, store)
    provenance = folder.spec["provenance"] | {"threads": 3}
    (folder.path / "phase.json").write_text(json.dumps(folder.spec | {"provenance": provenance}))
    monkeypatch.setattr("isogloss.run.provenance.cores", lambda: cores)

    def look(event: object) -> None:
        if isinstance(event, Progress):
            seen.append((event.phase, torch.get_num_threads()))

    report = run(asked, store, offline=True, progress=look)
    assert set(seen) == {("source", threads), ("adapt", 1)}
    assert folder.spec["provenance"]["threads"] == threads
    told = [warning for warning in report.warnings if "threads" in warning]
    if threads == 3:
        assert told == []
    else:
        (warning,) = told
        assert "phase source, seed 0: begun with 3 threads, it goes on with 1, since there are 2 cores here" in warning


def test_layers_that_the_encoder_lacks_are_found_before_training(recipe: Callable, tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(Mistakes) as caught:
        run(recipe("phases.adapt.freeze_bottom=9", "phases.source.freeze=[7]"), store, offline=True)
    assert len(caught.value.mistakes) == 2
    assert not list(store.root.glob("phases/*"))


def test_all_languages_are_those_that_the_embedded_sample_has(tmp_path: Path) -> None:
    recipe = load_recipe("massive-quickstart", sets=['languages.target="all"'])
    resources = Resources(recipe, tmp_path, {}, offline=True)
    assert len(make_plan(recipe, resources).cells[0].target) == 22


def test_labels_are_matched_by_name_between_training_and_evaluation(world: Path, tmp_path: Path) -> None:
    """The same rows under a task whose file lists the labels in another order: the same targets."""
    recipe = load_recipe(str(world / "small.toml"))
    resources = Resources(recipe, tmp_path, {}, offline=True)
    task = task_of(recipe, None)
    found = resources.bag(task, "en", "train")
    reordered = resources.bag(replace(task, labels=("c", "a", "b")), "en", "train")
    assert found.labels == reordered.labels == ("a", "b", "c")
    assert found.targets["labels"].tolist() == reordered.targets["labels"].tolist()
    with pytest.raises(Mistakes, match="labels are not those of the evaluation"):
        resources.bag(replace(task, labels=("a", "b", "d")), "en", "train")


def test_two_tasks_of_one_name_are_two_tasks(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "train-en.tsv").write_text("id\ttext\tlabel\n0\tw5 w6\ta\n1\tw7\tb\n2\tw8\tc\n")
    recipe = load_recipe(str(world / "small.toml"))
    resources = Resources(recipe, tmp_path / "bags", {}, offline=True)
    task = task_of(recipe, None)
    assert len(resources.bag(task, "en", "train")) == 64
    assert len(resources.bag(replace(task, path=other, labels=("a", "b", "c")), "en", "train")) == 3
    assert resources.data(task, "en", "train") != resources.data(replace(task, path=other), "en", "train")


def test_weights_that_were_not_kept_come_back_when_asked_for(recipe: Callable, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run(recipe("seeds=1", 'keep="scores"'), store, offline=True)
    assert not list(store.root.glob("phases/*/weights.safetensors"))
    kept = store.predictions("small").sort("run", "language", "id")
    report = run(recipe("seeds=1", 'keep="all"'), store, offline=True)
    assert (report.done, report.failed) == (2, [])
    assert len(list(store.root.glob("phases/*/weights.safetensors"))) == 3
    assert store.predictions("small").sort("run", "language", "id").equals(kept)
    (info,) = store.resolve("small/pooled@0")
    load_learner(store, info)


def test_a_run_that_a_change_is_nothing_to_counts_for_both_settings(recipe: Callable, tmp_path: Path) -> None:
    store, first = Store(tmp_path), ("seeds=1", "phases.meta.method.rounds=1")
    run(recipe(*first), store, offline=True)
    (old,) = {info.edition for info in store.runs()}
    report = run(recipe("seeds=1"), store, offline=True)
    assert (report.done, report.found) == (1, 1)  # `pooled` skips the search whose rounds are others now
    assert {info.variant for info in store.resolve("small")} == {"pooled", "meta_optimizer"}
    assert {info.variant for info in store.resolve(f"small#{old}")} == {"pooled", "meta_optimizer"}
    (pooled,) = {info.key for info in store.runs() if info.variant == "pooled"}
    assert len(store.resolve(pooled)) == 1
    begun = [info.begun for info in store.runs()]
    assert begun == sorted(begun)
    assert store.scores().height == 3 * 4 * 2  # each run once: languages, metrics
    again = run(recipe("seeds=1"), store, offline=True)
    assert (again.done, again.found) == (0, 2)
    assert len(store.run(pooled).others) == 1
