"""`analyse estimate`: accuracy without labels, of runs in a store."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cli.conftest import Isogloss, refused
from isogloss.evaluation.frame import score_run
from isogloss.kinds.text_classification import TextClassification
from isogloss.store import RunSpec, Store

LANGUAGES = ("en", "de", "fr", "hi", "sw", "th", "tr", "vi")


def write_run(store: Store, seed: int, *, unknown: dict[str, float] | None = None, **changes: Any) -> None:
    """A run whose probabilities are right and differ in how sure they are from language to language."""
    settings = {"name": "toy", "task": "xnli", "allow_unknown": 0.2, "variants": [{"name": "v"}], **changes}
    run = store.run(f"bbbbbb{seed:02}")
    run.begin(RunSpec("toy", "v", {}, {"source": seed}, str(seed), [], settings))
    frames = []
    for number, language in enumerate(LANGUAGES):
        shared, own = np.random.default_rng([9, number]), np.random.default_rng([seed, number])
        logits = shared.normal(0, 1, (400, 3)) * (0.5 + 0.5 * number)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        label = np.array([shared.choice(3, p=row) for row in p])
        prediction = np.array([own.choice(3, p=row) for row in p])
        p = np.take_along_axis(p, np.argsort(-p, axis=1), axis=1)  # the surest first: only how sure counts here
        columns = {"id": [str(row) for row in range(400)], "label": label, "prediction": prediction}
        frame = pl.DataFrame({**columns, **{f"p{one}": p[:, one] for one in range(3)}})
        frames.append(frame.with_columns(language=pl.lit(language), group=pl.arange(400)))
    predictions = pl.concat(frames)
    facts = {"recipe": "toy", "variant": "v", "seed": str(seed), "seed.source": seed, "run": run.key}
    roles = {language: "source" if language == "en" else "unseen" for language in LANGUAGES}
    scores = score_run(predictions, metrics=TextClassification().metrics, roles=roles, facts=facts)
    run.finish(scores, predictions, {} if unknown is None else {"unknown": unknown})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def rows_of(text: str) -> dict[str, dict[str, str]]:
    return {row["language"]: row for row in csv.DictReader(io.StringIO(text))}


def test_each_language_is_estimated_from_the_others(isogloss: Isogloss, store: Store, tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(store, seed)
    ask = ("analyse", "estimate", "toy", "--store", store.root)
    said = isogloss(*ask, "--format", "csv", "--keep", tmp_path / "kept")
    assert (said.code, said.err) == (0, "")
    rows = rows_of(said.out)
    assert set(rows) == set(LANGUAGES)
    assert {language for language, row in rows.items() if row["role"] == "source"} == {"en"}
    kept = store.predictions("toy").filter(language="sw")
    assert float(rows["sw"]["accuracy"]) == pytest.approx(100 * (kept["label"] == kept["prediction"]).mean())
    assert (rows["sw"]["n"], rows["sw"]["seeds"], rows["sw"]["labelled"]) == ("400", "2", "6")
    assert rows["en"]["labelled"] == "7"
    agree = kept.filter(seed="0").sort("id")["prediction"] == kept.filter(seed="1").sort("id")["prediction"]
    assert abs(float(rows["sw"]["accuracy"]) - 100 * agree.mean()) < 10  # drawn alike: the world is as it should be
    differences = [abs(float(row["difference"])) for language, row in rows.items() if language != "en"]
    assert np.mean(differences) < 5 < np.std([float(row["accuracy"]) for row in rows.values()])
    text = isogloss(*ask).out
    assert "toy/v (2 seeds)" in text
    assert "en†" in text
    assert f"{np.mean(differences):.2f}" in text.split("mean absolute error")[1]
    assert len((tmp_path / "kept" / "toy.estimates.csv").read_text().splitlines()) == 9


def test_one_seed_has_nothing_to_agree_with(isogloss: Isogloss, store: Store) -> None:
    write_run(store, 0)
    rows = rows_of(isogloss("analyse", "estimate", "toy", "--store", store.root, "--format", "csv").out)
    assert {row["agreement"] for row in rows.values()} == {""}
    assert all(row["estimate"] == row["atc"] for row in rows.values())
    assert "one seed" in isogloss("analyse", "estimate", "toy", "--store", store.root).out


def test_a_language_that_the_encoder_does_not_know_has_no_number(isogloss: Isogloss, store: Store) -> None:
    for seed in (0, 1):
        write_run(store, seed, unknown={**dict.fromkeys(LANGUAGES, 0.01), "th": 0.3}, allow_unknown=0.5)
    rows = rows_of(isogloss("analyse", "estimate", "toy", "--store", store.root, "--format", "csv").out)
    assert rows["th"]["estimate"] == ""
    assert "30% of its tokens are unknown" in rows["th"]["reason"]
    assert (rows["sw"]["labelled"], rows["sw"]["reason"]) == ("5", "")
    assert "no estimate for th: 30%" in isogloss("analyse", "estimate", "toy", "--store", store.root).out


def test_nobody_knows_what_an_older_run_with_a_large_allowance_read(isogloss: Isogloss, store: Store) -> None:
    write_run(store, 0, allow_unknown=0.5)
    rows = rows_of(isogloss("analyse", "estimate", "toy", "--store", store.root, "--format", "csv").out)
    assert {row["reason"] for row in rows.values()} == {"nobody kept how many of its tokens the encoder does not know"}


def test_too_few_languages_give_no_number(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("analyse", "estimate", "tiny/pooled", "--store", made / "store")
    assert said.code == 0
    assert "0 labelled languages beside those trained on, fewer than 5" in said.out
    refused(isogloss("analyse", "estimate", "poled", "--store", made / "store"), "poled")


def test_a_run_keeps_how_much_of_each_language_its_encoder_reads(made: Path) -> None:
    store = Store(made / "store")
    for run in store.runs():
        assert store.run(run.key).summary["unknown"] == {"en": 0.0, "de": 0.0, "sw": 0.0}
