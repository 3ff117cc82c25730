"""Which seed is taken away: by what the recipe declares, never by what a target's test rows say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.seeds import pick
from isogloss.store import RunSpec, Store

ROLES = {"en": "source", "de": "auxiliary", "sw": "unseen"}
DEVELOPMENT = {"split": "validation", "share": 0.2}


def made(root: Path, numbers: dict[str, list[dict[str, float]]], **settings: Any) -> Store:
    """A store with a run a seed: metric → seed → language → value; with axes' values where there are several cells."""
    store, axes = Store(root), settings.pop("cells", [{}])
    select, seeds = settings.pop("select", {"on": "last"}), len(next(iter(numbers.values())))
    for number, (seed, cell) in enumerate((seed, cell) for cell in axes for seed in range(seeds)):
        key = f"{number:x}" * 8
        phase = store.phase(f"phase{key}")
        phase.begin({"name": "train", "product": "weights", "settings": {"select": select}})
        for step, score in enumerate((90.0, 10.0 + seed), start=1):
            phase.log(step, loss=1.0, **({} if select["on"] == "last" else {"held_out_accuracy": score}))
        phase.finish(lambda path: path.write_bytes(b""), {"selected_step": 1})
        described = {
            "languages": {"source": ["en"], "selection": []},
            "evaluation": {},
            "variants": [{"name": "plain"}],
            **settings,
        }
        spec = RunSpec("toy", "plain", cell, {"train": seed}, str(seed), [phase.key], described)
        store.run(key).begin(spec)
        rows = [(metric, code, value) for metric, each in numbers.items() for code, value in each[seed].items()]
        scores = pl.DataFrame(rows, schema=["metric", "language", "value"], orient="row")
        about = {"recipe": "toy", "variant": "plain", "seed": str(seed), "second_language": None, "n": 10}
        scores = scores.with_columns(
            pl.col("language").replace_strict(ROLES).alias("role"), *(pl.lit(v).alias(k) for k, v in about.items())
        )
        store.run(key).finish(scores, pl.DataFrame({"id": ["a"]}), {})
    return store


TESTED = [
    {"en": 70.0, "de": 60.0, "sw": 60.0},
    {"en": 71.0, "de": 50.0, "sw": 40.0},
    {"en": 90.0, "de": 70.0, "sw": 80.0},
]
KEPT = [
    {"en": 75.0, "de": 99.0, "sw": 99.0},
    {"en": 80.0, "de": 10.0, "sw": 10.0},
    {"en": 78.5, "de": 20.0, "sw": 20.0},
]
BOTH = {"accuracy": TESTED, "development accuracy": KEPT}


def test_the_best_is_best_on_development_rows_of_the_source(tmp_path: Path) -> None:
    """Seed 2 is best on every test row, seed 0 on the development rows of languages that are no source."""
    picked = pick(made(tmp_path, BOTH, evaluation={"development": DEVELOPMENT}), "toy/plain", "best")
    assert picked.run.seed == "1"
    assert picked.how == (
        "the best of 3 seeds by accuracy on development rows (validation) of en: 80.00, the others 75.00, 78.50"
    )


def test_a_language_of_selection_counts_if_it_was_trained_on(tmp_path: Path) -> None:
    """German is auxiliary, Swahili unseen: its labels may not choose, whatever the recipe calls it."""
    languages = {"source": ["en"], "selection": ["de", "sw"]}
    store = made(tmp_path, BOTH, evaluation={"development": DEVELOPMENT}, languages=languages)
    picked = pick(store, "toy", "best")
    assert (picked.run.seed, "of de, en: 87.00" in picked.how) == ("0", True)


def test_by_the_score_of_the_step_that_was_kept(tmp_path: Path) -> None:
    """The kept step is the second one; the first would have all seeds alike."""
    picked = pick(made(tmp_path, {"accuracy": TESTED}, select={"on": "source"}), "toy/plain", "best")
    assert picked.run.seed == "2"
    assert "accuracy on rows of languages.source held out of phase train: 12.00, the others 10.00, 11.00" in picked.how


def test_of_equals_it_is_the_first(tmp_path: Path) -> None:
    numbers = {"accuracy": TESTED, "development accuracy": [{"en": 75.0}] * 3}
    assert pick(made(tmp_path, numbers, evaluation={"development": DEVELOPMENT}), "toy", "best").run.seed == "0"


def test_a_recipe_that_declares_nothing_is_refused_with_what_to_write(tmp_path: Path) -> None:
    store = made(tmp_path, BOTH)  # development scores that the recipe does not declare are none
    with pytest.raises(Mistakes) as caught:
        pick(store, "toy/plain", "best")
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert 'development = { split = "validation" } under [evaluation], or select = "source" in phase "train"' in line
    final = made(tmp_path / "final", {"accuracy": TESTED}, final=True)
    with pytest.raises(Mistakes, match='; write select = "source" in phase "train", and run again'):
        pick(final, "toy", "best")


def test_development_rows_of_targets_alone_choose_nothing(tmp_path: Path) -> None:
    numbers = {"accuracy": TESTED, "development accuracy": [{"sw": 1.0}, {"sw": 2.0}, {"sw": 3.0}]}
    store = made(tmp_path, numbers, evaluation={"development": DEVELOPMENT})
    with pytest.raises(Mistakes, match=r"no development rows of a source language.*languages\.target"):
        pick(store, "toy", "best")


def test_seeds_that_did_not_finish_are_told(tmp_path: Path) -> None:
    store = made(tmp_path, BOTH, evaluation={"development": DEVELOPMENT})
    (store.run("11111111").path / "done.json").unlink()
    picked = pick(store, "toy", "best")
    assert (picked.run.seed, "the best of 2 seeds (1 more did not finish)" in picked.how) == ("2", True)


def test_where_none_has_finished_there_is_no_best(tmp_path: Path) -> None:
    store = made(tmp_path, BOTH, select={"on": "source"})
    for key in ("00000000", "11111111", "22222222"):
        (store.run(key).path / "done.json").unlink()
    with pytest.raises(Mistakes, match="toy: none of 3 seeds has finished; run the recipe to its end"):
        pick(store, "toy", "best")


def test_a_seed_by_its_name(tmp_path: Path) -> None:
    store = made(tmp_path, BOTH)
    assert [pick(store, "toy/plain", str(seed)).run.seed for seed in range(3)] == ["0", "1", "2"]
    assert pick(store, "toy/plain@2") == (store.resolve_one("toy/plain@2"), "")
    with pytest.raises(Mistakes, match='no run of seed "7"'):
        pick(store, "toy", "7")
    with pytest.raises(Mistakes, match="names a seed already; write toy/plain, or leave --seed out"):
        pick(store, "toy/plain@0", "best")


def test_of_several_cells_one_is_named_by_a_key(tmp_path: Path) -> None:
    """Scores of the second cell are the same; what is chosen must be of the cell that was named."""
    cells = [{"auxiliary": ["de"]}, {"auxiliary": ["sw"]}]
    store = made(tmp_path, BOTH, evaluation={"development": DEVELOPMENT}, cells=cells)
    with pytest.raises(Mistakes, match='"toy" names 6 runs; name one: 00000000 = plain@0 auxiliary=de'):
        pick(store, "toy", "best")
    picked = pick(store, "33333333", "best")
    assert (picked.run.seed, picked.run.axes) == ("1", {"auxiliary": ("sw",)})
