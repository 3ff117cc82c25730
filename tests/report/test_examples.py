"""Hard examples and disagreements: counts against a plain loop, and the test against its definition."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pytest
from scipy import stats

from isogloss.evaluation.evidence import chosen
from isogloss.evaluation.paired import holm
from isogloss.report.examples import DISAGREEMENTS, HARDEST, disagreements, hardest
from isogloss.report.material import Material
from report.make import NAME, made_up_store


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Two variants and three seeds."""
    store = made_up_store(tmp_path_factory.mktemp("examples"), seeds=(0, 1, 2))
    return Material(store, chosen(store, [NAME]))


def judged(material: Material) -> dict[tuple[str, str], list[tuple[str, str, int, int]]]:
    """(language, id) → variant, seed, label and prediction of every run."""
    found = defaultdict(list)
    columns = ("language", "id", "variant", "seed", "label", "prediction")
    for language, example, *rest in material.store.predictions(material.done).select(columns).iter_rows():
        found[language, example].append(tuple(rest))
    return found


def test_the_hardest_are_those_that_most_runs_get_wrong(material: Material) -> None:
    runs = judged(material)
    frame = hardest(material, most=5)
    for row in frame.iter_rows(named=True):
        own = runs[row["language"], row["id"]]
        wrong = [(variant, given) for variant, _, label, given in own if label != given]
        assert (row["wrong"], row["runs"]) == (len(wrong), 6)
        assert row["label"] == material.labels[own[0][2]]
        said = Counter(material.labels[given] for _, given in wrong)
        assert said[row["predicted"]] == max(said.values())
        right = {variant for variant, _, label, given in own if label == given}
        assert row["variants"] == 2 - len(right)
    for (language,), part in frame.group_by(["language"]):
        assert part.height == 5
        assert part["wrong"].is_sorted(descending=True)
        left_out = [key for key in runs if key[0] == language and key[1] not in set(part["id"])]
        wrong = [sum(label != given for _, _, label, given in runs[key]) for key in left_out]
        assert max(wrong) <= part["wrong"].min()


def test_an_example_that_only_some_runs_have_seen_is_left_out(material: Material, tmp_path: Path) -> None:
    store = made_up_store(tmp_path, seeds=(0, 1))
    run = store.runs()[0]
    path = store.run(run.key).path / "predictions.parquet"
    first = hardest(Material(store, chosen(store, [NAME])), most=1).filter(language="sw")["id"][0]
    pl.read_parquet(path).filter(~((pl.col("language") == "sw") & (pl.col("id") == first))).write_parquet(path)
    again = hardest(Material(store, chosen(store, [NAME])), most=60)
    assert first not in again.filter(language="sw")["id"]
    assert first in again.filter(language="th")["id"]


def test_disagreements_are_counted_over_the_majority_of_seeds(material: Material) -> None:
    frame = disagreements(material)
    assert frame.columns == list(DISAGREEMENTS)
    assert frame["language"].to_list() == ["en", "el", "sw", "th"]
    counts: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for (language, _), own in judged(material).items():
        right = Counter(variant for variant, _, label, given in own if label == given)
        counts[language][right["meta_optimizer"] >= 2, right["pooled"] >= 2] += 1
    for row in frame.iter_rows(named=True):
        expected = counts[row["language"]]
        assert row["arm"] == "meta_optimizer"
        assert row["baseline"] == "pooled"
        assert row["only_arm"] == expected[True, False]
        assert row["only_baseline"] == expected[False, True]
        assert row["both"] == expected[True, True]
        assert row["neither"] == expected[False, False]
        assert row["n"] == 60


def test_the_test_is_mcnemars_and_corrected_over_languages(material: Material) -> None:
    frame = disagreements(material)
    for only_arm, only_baseline, p in frame.select("only_arm", "only_baseline", "p").iter_rows():
        n, few = only_arm + only_baseline, min(only_arm, only_baseline)
        tail = sum(stats.binom.pmf(k, n, 0.5) for k in range(few + 1))
        assert p == pytest.approx(min(1.0, 2 * tail))
    assert frame["p_adjusted"].to_list() == pytest.approx(list(holm(frame["p"].to_numpy())))
    assert (frame["p_adjusted"] > frame["p"]).any()


def test_a_tie_over_seeds_is_no_right_answer(tmp_path: Path) -> None:
    store = made_up_store(tmp_path, seeds=(0, 1))
    material = Material(store, chosen(store, [NAME]))
    both = 0
    for (language, _), own in judged(material).items():
        right = Counter(variant for variant, _, label, given in own if label == given)
        both += language == "sw" and right["pooled"] == 2 == right["meta_optimizer"]
    assert disagreements(material).filter(language="sw")["both"][0] == both


def test_answers_that_are_scored_by_f1_have_no_labels(tmp_path: Path) -> None:
    store = made_up_store(tmp_path)
    for run in store.runs():
        path = store.run(run.key).path / "predictions.parquet"
        frame = pl.read_parquet(path)
        right = pl.when(pl.col("label") == pl.col("prediction")).then(80.0).otherwise(20.0)
        frame.select("language", "id", "group", "run", value=right).write_parquet(path)
    material = Material(store, chosen(store, [NAME]))
    frame = hardest(material)
    assert frame.height
    assert frame["label"].null_count() == frame.height
    assert disagreements(material)["only_arm"].sum() > 0


def test_with_nothing_to_look_at_frames_are_empty(tmp_path: Path) -> None:
    store = made_up_store(tmp_path, variants={"pooled": 0.5}, seeds=(0,), failed=[("pooled", 0)])
    material = Material(store, chosen(store, [NAME]))
    assert hardest(material).schema == pl.Schema(HARDEST)
    assert disagreements(material).schema == pl.Schema(DISAGREEMENTS)
    assert hardest(material).is_empty()
    assert disagreements(material).is_empty()
