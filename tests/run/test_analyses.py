"""Analyses of a recipe: beside the evaluation, once, and found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.analysis.impact import States, evaluate_with_impact
from isogloss.errors import IsoglossWarning, Mistakes
from isogloss.learner.learner import Learner
from isogloss.learner.network import FunctionalNetwork
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.run import run
from isogloss.run.events import PhaseBegins
from isogloss.run.learners import fresh_learner, learner_after
from isogloss.run.resources import Resources
from isogloss.run.scoring import test_bags as bags_of
from isogloss.store import Store

IMPACT = 'analyses=[{ name = "impact" }, { name = "impact", of = "adapt", against = "source", pooling = "mean" }]'


@pytest.fixture
def small(world: Path) -> Callable[..., Recipe]:
    def load(*sets: str) -> Recipe:
        return load_recipe(str(world / "small.toml"), sets=("seeds=1", 'variants=["pooled"]', *sets))

    return load


def test_impact_is_that_of_the_phase(small: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe, store = small(IMPACT), Store(tmp_path)
    assert run(recipe, store, offline=True).failed == []
    found = store.impacts("small")
    assert found.select("variant", "seed", "phase", "against", "pooling").unique().sort("against").rows() == [
        ("pooled", "0", "adapt", "encoder", "first"),
        ("pooled", "0", "adapt", "source", "mean"),
    ]
    resources = Resources(recipe, store.bags, {}, offline=True)
    plan = make_plan(recipe, resources)
    (cell,) = plan.cells
    source, adapt = cell.phases
    after = learner_after(store, adapt, offline=True)
    encoder = fresh_learner(store.phase(source).spec, offline=True)
    sides: tuple[tuple[str, Learner], ...] = (
        ("first", encoder),
        ("mean", learner_after(store, source, offline=True)),
    )
    for pooling, before in sides:
        for bag in bags_of(cell, resources):
            states = States.of(before, bag, pooling=pooling)  # type: ignore[arg-type]
            _, expected = evaluate_with_impact(states, after, bag)
            rows = found.filter(pooling=pooling, language=bag.language).sort("layer")
            assert tuple(rows["layer"]) == expected.layers
            np.testing.assert_allclose(rows["impact"], expected.impact, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(rows["debiased_cka"], expected.debiased_cka, rtol=1e-6)
            assert set(rows["n"]) == {60}
            assert rows["impact"].max() > 1e-3
    assert set(found["language"]) == {"el", "en", "sw", "ur"}


def test_scores_are_those_of_a_recipe_without(small: Callable[..., Recipe], tmp_path: Path) -> None:
    beside, alone = Store(tmp_path / "beside"), Store(tmp_path / "alone")
    run(small(IMPACT), beside, offline=True)
    run(small(), alone, offline=True)
    same = ["language", "id", "label", "prediction", "run"]
    assert beside.predictions().select(same).equals(alone.predictions().select(same))
    assert beside.runs()[0].edition == alone.runs()[0].edition
    assert alone.impacts().is_empty()


def test_what_is_evaluated_is_looked_at_in_the_same_pass(
    small: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[bool] = []
    inner = FunctionalNetwork.run

    def counted(self: FunctionalNetwork, *arguments: object, hidden: bool = False) -> object:
        passes.append(hidden)
        return inner(self, *arguments, hidden=hidden)  # type: ignore[arg-type]

    def passes_of(*sets: str) -> tuple[int, int]:
        passes.clear()
        run(small(*sets), Store(tmp_path / str(len(sets))), offline=True)
        return sum(passes), len(passes)

    monkeypatch.setattr(FunctionalNetwork, "run", counted)
    hidden_alone, alone = passes_of()
    hidden_beside, beside = passes_of('analyses=[{ name = "impact" }]')
    evaluations = hidden_beside // 2  # those of the encoder, and those of the evaluation
    assert hidden_alone == 0
    assert beside == alone + evaluations


def test_a_finished_recipe_is_analysed_without_training(small: Callable[..., Recipe], tmp_path: Path) -> None:
    store = Store(tmp_path)
    run(small(), store, offline=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("phases/*/*.*")}
    scores = store.scores()
    assert run(small(IMPACT), store, offline=True).done == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("phases/*/*.*")} == before
    assert store.scores().equals(scores)
    assert store.impacts().height == 4 * (2 * 3 + 1)  # languages × (layers, and once the embeddings)
    again = run(small(IMPACT), store, offline=True)
    assert (again.done, again.found) == (0, 1)


def test_variants_share_what_their_common_phase_did(
    recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = recipe("seeds=1", 'analyses=[{ name = "impact", of = "source" }]')
    store = Store(tmp_path)
    assert run(given, store, offline=True).failed == []
    found = store.impacts()
    assert set(found["variant"]) == {"pooled", "meta_optimizer"}
    assert len(list(tmp_path.glob("analyses/*"))) == 1
    parts = [part.drop("variant", "run") for part in found.partition_by("variant")]
    assert parts[0].equals(parts[1])


def test_hidden_states_of_the_encoder_are_computed_once(
    recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    inner = States.of

    def counted(learner: Learner, bag: object, **settings: object) -> States:
        computed.append(bag.language)  # type: ignore[attr-defined]
        return inner(learner, bag, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(States, "of", counted)
    run(recipe('analyses=[{ name = "impact" }]'), Store(tmp_path), offline=True)
    assert sorted(computed) == ["el", "en", "sw", "ur"]  # though there are two variants and two seeds
    assert len(list(tmp_path.glob("analyses/*"))) == 4


def test_a_variant_that_skips_the_phase_has_no_such_analysis(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    sets = ("seeds=1", 'variants.meta_optimizer.skip=["meta", "adapt"]')
    given = recipe(*sets, 'analyses=[{ name = "impact", of = "adapt" }]')
    store = Store(tmp_path)
    assert run(given, store, offline=True).failed == []
    assert set(store.impacts()["variant"]) == {"pooled"}


def test_an_impact_that_is_not_defined_costs_no_scores(small: Callable[..., Recipe], tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.warns(IsoglossWarning, match="no impact on [a-z]+: CKA needs 4 examples, not 2"):
        report = run(small(IMPACT, "evaluation.examples=2"), store, offline=True)
    assert (report.done, report.failed) == (1, [])
    assert store.impacts()["impact"].null_count() == store.impacts().height
    assert store.scores()["n"].unique().to_list() == [2]
    again = run(small(IMPACT, "evaluation.examples=2"), store, offline=True)
    assert (again.done, again.found) == (0, 1)


def test_an_analysis_that_a_finished_recipe_gets_later_is_of_all_its_variants(
    recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    store, before = Store(tmp_path), ("seeds=1", "phases.meta.method.rounds=1", 'keep="scores"')
    run(recipe(*before), store, offline=True)
    sets = ("seeds=1", 'keep="scores"', 'analyses=[{ name = "impact", of = "source" }]')
    assert run(recipe(*sets), store, offline=True).failed == []
    assert {info.variant for info in store.resolve("small")} == {"pooled", "meta_optimizer"}
    assert set(store.impacts("small")["variant"]) == {"pooled", "meta_optimizer"}
    assert run(recipe(*sets), store, offline=True).found == 2


def test_only_what_an_analysis_needs_is_trained_again(small: Callable[..., Recipe], tmp_path: Path) -> None:
    store = Store(tmp_path)
    run(small('keep="scores"'), store, offline=True)
    begun: list[str] = []

    def watch(event: object) -> None:
        if isinstance(event, PhaseBegins):
            begun.append(event.phase)

    given = small('keep="scores"', 'analyses=[{ name = "impact", of = "source" }]')
    run(given, store, offline=True, progress=watch)
    assert begun == ["source"]


def test_weights_that_an_analysis_waits_for_are_not_released(small: Callable[..., Recipe], tmp_path: Path) -> None:
    store, missing = Store(tmp_path), "0123456789abcdef"
    run(small('keep="scores"'), store, offline=True)
    (info,) = store.runs()
    weights = [store.phase(key).weights for key in info.phases]
    for path in weights:
        path.write_bytes(b"trained again")
    store.run(info.key).link([missing])
    store.release(info.phases, keep="scores")
    assert all(path.is_file() for path in weights)
    store.analysis(missing).write({}, pl.DataFrame({"layer": [1]}))
    store.release(info.phases, keep="scores")
    assert not any(path.is_file() for path in weights)


def test_the_same_analysis_asked_twice_is_one(small: Callable[..., Recipe], tmp_path: Path) -> None:
    given = small('analyses=[{ name = "impact" }, { name = "impact", of = "adapt" }]')
    (cell,) = make_plan(given, Resources(given, tmp_path, {}, offline=True)).cells
    assert len(cell.analyses) == 1


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ('{ name = "impct" }', "impact"),
        ('{ name = "impact", of = "adpt" }', 'no phase is called "adpt"'),
        ('{ name = "impact", against = "encder" }', 'no phase is called "encder"'),
        ('{ name = "impact", of = "meta" }', 'phase "meta" leaves no weights'),
        ('{ name = "impact", of = "source", against = "adapt" }', 'phase "source" does not come after "adapt"'),
        ('{ name = "impact", pooling = "max" }', "mean"),
        ('{ name = "impact", against = "adapt" }', 'phase "adapt" does not come after "adapt"'),
        ('{ name = "impact", poling = "mean" }', 'unknown key "poling"; did you mean "pooling"'),
        ('{ name = "correlate", outcom = "transfer" }', 'unknown key "outcom"; did you mean "outcome"'),
        ('{ of = "source" }', '"name" is missing'),
        ('{ name = "correlate", outcome = "impact" }', "no run of it has an impact"),
        ('{ name = "correlate", explanatory = "transfer" }', "transfer is what is to be explained"),
    ],
)
def test_mistakes_are_found_before_anything_is_loaded(
    recipe: Callable[..., Recipe], analysis: str, message: str
) -> None:
    with pytest.raises(Mistakes, match=message) as caught:
        recipe(f"analyses=[{analysis}]", 'variants=["meta_optimizer"]')
    assert "analyses" in str(caught.value)


def test_the_frame_is_one_of_plain_columns(small: Callable[..., Recipe], tmp_path: Path) -> None:
    run(small('analyses=[{ name = "impact" }]'), Store(tmp_path), offline=True)
    schema = Store(tmp_path).impacts().schema
    assert schema["layer"].is_integer()
    assert schema["impact"] == schema["cka"] == pl.Float64
