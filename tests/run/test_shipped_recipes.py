"""Every shipped recipe is carried out whole, every variant and cell, on a tiny encoder and made-up data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from isogloss.data.task import load_task
from isogloss.evaluation.naming import with_cells
from isogloss.recipe.load import load_recipe, shipped
from isogloss.recipe.resolve import EVERY, among, evaluation_task
from isogloss.run import run
from isogloss.run.resources import Resources
from isogloss.store import Store
from learner import tiny


def _pack(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def _words(generator: np.random.Generator) -> str:
    return " ".join(f"w{n}" for n in generator.integers(10, tiny.VOCABULARY, 4))


def _pairs(path: Path, rows: int, seed: int) -> None:
    """Sentence pairs; three rows in a row share a premise."""
    generator = np.random.default_rng(seed)
    labels = load_task("xnli").labels
    lines = ["id\tpremise\thypothesis\tlabel"]
    for row in range(rows):
        premise = f"w4 w{10 + row // 3 % 20} w5"
        lines.append(f"{row}\t{premise}\t{_words(generator)}\t{labels[row % 3]}")
    _pack(path, lines)


def _intents(folder: Path) -> None:
    massive = load_task("massive")
    counts = {"train": 180, "dev": 180, "test": 300}
    rows = [(split, massive.labels[k % 60]) for split, count in counts.items() for k in range(count)]
    index = [f"{number}\t{split}\tscenario\t{intent}" for number, (split, intent) in enumerate(rows)]
    _pack(folder / "index.tsv.gz", ["id\tpartition\tscenario\tintent", *index])
    for seed, language in enumerate(massive.languages):
        generator = np.random.default_rng(seed)
        lines = [_words(generator) for _ in rows]
        _pack(folder / massive.fill(massive.files["test"][0].pattern, language), lines)


def _questions(path: Path, ids: range, languages: list[str], seed: int) -> None:
    """Questions in some languages about contexts of one; two follow each other on a paragraph, four on an article."""
    generator = np.random.default_rng(seed)
    lines = []
    for number in ids:
        length = 40 if number % 12 else 200  # words: some have two windows
        words = [f"w{10 + number // 2 % 25}", *(f"w{n}" for n in generator.integers(10, tiny.VOCABULARY, length))]
        about = {"title": f"article {seed} {number // 4}", "context": " ".join(words), "in_xquad": False}
        answer = {"text": words[0], "start": 0}
        for language in languages:
            row = {"id": f"q{number}", "question_lang": language, "question": _words(generator), **about}
            lines.append(json.dumps(row | {"answers": [answer]}))
    _pack(path, lines)


def _reading(root: Path) -> dict[str, Path]:
    """SQuAD, XQuAD and MLQA, every question of which is in all languages."""
    for name in ("train-sample", "dev"):
        _questions(root / "squad" / f"{name}.jsonl.gz", range(*((0, 40) if name == "dev" else (40, 80))), ["en"], 0)
    for seed, language in enumerate(load_task("xquad").languages):
        _questions(root / "xquad" / f"{language}.jsonl.gz", range(24), [language], seed)
    mlqa = load_task("mlqa").languages
    for seed, language in enumerate(mlqa):
        _questions(root / "mlqa" / f"dev-context-{language}.jsonl.gz", range(120), list(mlqa), seed)
        _questions(root / "translated" / f"translate-train-{language}.jsonl.gz", range(40), [language], seed)
    return {name: root / name for name in ("squad", "xquad", "mlqa")} | {"mlqa-translate-train": root / "translated"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("data")
    for seed, language in enumerate(load_task("xnli").languages):
        for split, rows in (("train", 48), ("dev", 72), ("test", 24)):
            _pairs(root / "xnli" / f"{split}-{language}.tsv.gz", rows, seed)
    _pairs(root / "xnli" / "mnli-dev-matched-en.tsv.gz", 24, 99)
    _intents(root / "massive")
    return {"xnli": root / "xnli", "mnli": root / "xnli", "massive": root / "massive", **_reading(root)}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many layers as the papers' encoder, since recipes freeze some by number."""
    many = {"num_hidden_layers": 12, "max_position_embeddings": 160}
    return tiny.save_encoder(tmp_path_factory.mktemp("bert"), "bert", **many)


WITH_RUNS = [name for name in shipped() if load_recipe(name).name == name]
"""Without those that are questions to the runs of another."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_RUNS)
def test_carried_out_whole(name: str, data: dict[str, Path], encoder: Path, tmp_path: Path) -> None:
    sets = [f'encoder="{encoder}"', "seeds=1", "max_length=32", 'precision="fp32"']
    store, recipe = Store(tmp_path), load_recipe(name)
    if load_task(recipe.task).answers:  # windows share 128 tokens, and a folder of MLQA has no "validation"
        adapt = [f'phases.{phase.name}.on.split="adapt"' for phase in recipe.phases if phase.on.split == "validation"]
        adapt += [f'phases.{phase.name}.support.split="adapt"' for phase in recipe.phases if phase.support]
        sets = [*sets, "max_length=160", *adapt]
    recipe = load_recipe(name, sets=sets)
    if any(phase.name == "meta" and phase.steps for phase in recipe.phases):  # hundreds of meta steps, in every cell
        recipe = load_recipe(name, sets=[*sets, "phases.meta.steps=2"])
    report = run(recipe, store, offline=True, data=data)
    assert report.failed == []
    assert report.done == len(store.runs()) > 0
    scores = store.scores(name)
    targets = recipe.languages.target
    if "target" in recipe.axes:
        targets = tuple(code for codes in recipe.axes["target"] for code in codes)
    tested = set(with_cells(scores)["language"])
    if targets in EVERY:
        there = Resources(recipe, tmp_path / "bags", data, offline=True).languages(evaluation_task(recipe), "test")
        assert tested == set(among(recipe, there))
        assert len(tested) == (49 if name == "mlqa-grid" else len(there))
    else:
        assert tested == set(targets)
    assert set(scores["variant"]) == {variant.name for variant in recipe.variants}
    assert scores["value"].is_between(0, 100).all()
    again = run(recipe, store, offline=True, data=data)
    assert (again.done, again.found) == (0, report.done)
