"""One's own file, from rows that nobody has split to a table: folds, simple models, languages without labels."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.cli import main
from isogloss.errors import Mistakes
from isogloss.evaluation import slopes
from isogloss.evaluation.calibration import fit_temperature, label_probabilities
from isogloss.evaluation.evidence import evidence, without_labels
from isogloss.evaluation.slopes import Slope
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.recipe.load import load_recipe
from isogloss.recipe.resolve import evaluation_task, kind_of_task
from isogloss.run import run
from isogloss.run.resources import Resources
from isogloss.store import Store
from learner import tiny

RECIPE = """
name = "mine"
encoder = "{encoder}"
max_length = 16
precision = "fp32"
languages = {{ source = ["en"], target = "all", unlabelled = ["id"] }}

[task]
name = "files"
path = "."
languages = ["en", "sw", "en+sw", "id"]
files = {{ all = {{ pattern = "mine.csv", language = "lang" }} }}
split = {{ folds = 3 }}

[[phases]]
name = "train"
method = "finetune"
optimizer = {{ name = "adamw", learning_rate = 5e-3 }}
class_weights = "balanced"
batch_size = 8
epochs = 1

[[variants]]
name = "fine_tuned"
[[variants]]
name = "probe"
set.simple = "probe"
[[variants]]
name = "tfidf"
set.simple = "tfidf"
[[variants]]
name = "majority"
set.simple = "majority"

[axes]
fold = [0, 1, 2]
"""
SHARES = {"en": (24, 12, 6), "sw": (6, 6, 3), "en+sw": (3, 2, 2), "id": (0, 0, 0)}


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and a file; a label is the word that fills its rows."""
    root = tmp_path_factory.mktemp("mine")
    rng = np.random.default_rng(0)
    rows = []
    for language, counts in SHARES.items():
        for label, count in zip("abc", counts, strict=True):
            for _ in range(count):
                words = " ".join(f"w{n}" for n in rng.integers(10, tiny.VOCABULARY, 3))
                rows.append(f"{f'w{4 + ord(label) - 97} ' * 4}{words},{label},{language}")
    rows += [f"w4 w{n},,id" for n in range(7)]
    rng.shuffle(rows)
    (root / "mine.csv").write_text("\n".join(["text,label,lang", *rows]) + "\n", encoding="utf-8")
    tiny.save_encoder(root / "encoder", "bert")
    (root / "mine.toml").write_text(RECIPE.format(encoder=root / "encoder"), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def done(mine: Path) -> Store:
    store = Store(mine / "runs")
    report = run(load_recipe(mine / "mine.toml"), store, offline=True)
    assert (report.done, report.failed) == (12, [])
    return store


def test_every_row_is_tested_once_and_counts_as_one_run(done: Store) -> None:
    scores, outcomes = evidence(done, done.resolve("mine"))
    whole = done.predictions("mine")
    assert "axis.fold" not in scores.columns
    for row in scores.filter(metric="accuracy").iter_rows(named=True):
        part = whole.filter(variant=row["variant"], language=row["language"])
        assert row["n"] == part.height == part["id"].n_unique() == sum(SHARES[row["language"]])
        assert row["value"] == pytest.approx(100 * (part["label"] == part["prediction"]).mean())
    assert scores.filter(metric="accuracy").height == 4 * 3
    assert set(scores.filter(language="sw")["role"]) == {"unseen"}
    assert outcomes is not None
    for by_language in outcomes.by_arm.values():
        assert {code: len(seeds["0"].ids) for code, seeds in by_language.items()} == {
            code: sum(SHARES[code]) for code in ("en", "sw", "en+sw")
        }
    cost = scores.filter(variant="tfidf", language="en", metric="accuracy")["examples_seen"].item()
    assert cost == 2 * sum(SHARES["en"])  # each row is in the training rows of two folds


def test_macro_f1_is_of_all_rows_and_no_mean_over_folds(done: Store) -> None:
    from sklearn.metrics import f1_score

    scores, _ = evidence(done, done.resolve("mine"))
    [name] = [name for name in scores["metric"].unique() if name != "accuracy"]
    for variant in ("majority", "fine_tuned"):
        part = done.predictions("mine").filter(variant=variant, language="en")
        wanted = 100 * f1_score(part["label"].to_numpy(), part["prediction"].to_numpy(), average="macro")
        assert scores.filter(variant=variant, language="en", metric=name)["value"].item() == pytest.approx(wanted)


def test_labels_are_counted_over_all_folds(mine: Path, done: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a simple model alone too, whose labels are named by the trained models of its recipe."""
    from sklearn.metrics import precision_recall_fscore_support

    assert main(["table", "mine/probe", "--by-label", "--format", "csv", "--store", str(mine / "runs")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    part = done.predictions("mine/probe").filter(language="en")
    _, recall, f1, support = precision_recall_fscore_support(part["label"], part["prediction"], labels=range(3))
    own = [row for row in rows if row["language"] == "en"][:3]
    assert [row["label"] for row in own] == ["a", "b", "c"]
    assert [int(row["rows"]) for row in own] == support.tolist() == list(SHARES["en"])
    assert [float(row["probe: recall"]) for row in own] == pytest.approx((100 * recall).tolist())
    assert [float(row["probe: F1"]) for row in own] == pytest.approx((100 * f1).tolist())


def test_simple_models_are_what_they_say(done: Store) -> None:
    """The majority is always `a`; a word that is the label is found by words, in languages that share it, too."""
    predictions = done.predictions("mine")
    assert set(predictions.filter(variant="majority")["prediction"]) == {0}
    tfidf = predictions.filter(variant="tfidf")
    assert (tfidf["label"] == tfidf["prediction"]).mean() > 0.9
    for variant in ("majority", "tfidf", "probe"):
        part = predictions.filter(variant=variant).select("p0", "p1", "p2").to_numpy()
        np.testing.assert_allclose(part.sum(axis=1), 1, atol=1e-5)


def test_the_majority_is_that_of_the_training_rows(done: Store) -> None:
    """Its probabilities are shares of the other folds' English rows, with one more of each."""
    for fold in ("0", "1", "2"):
        part = done.predictions("mine").filter(pl.col("axis.fold") == fold, variant="majority")
        english = done.predictions("mine").filter(pl.col("axis.fold") != fold, variant="majority", language="en")
        counts = np.bincount(english["label"].to_numpy(), minlength=3) + 1
        np.testing.assert_allclose(part.select("p0", "p1", "p2").row(0), counts / counts.sum(), rtol=1e-5)


def test_the_probe_is_logistic_regression_on_the_untrained_encoders_states(done: Store, mine: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold = load_recipe(mine / "mine.toml").for_cell("probe", {"fold": ("0",)})
    resources, task = Resources(fold, done.bags, {}, offline=True), evaluation_task(fold)
    learner = Learner.load(
        str(mine / "encoder"),
        labels=("a", "b", "c"),
        kind=kind_of_task(task),
        head_key=Key(0, "x", purpose="head"),
        max_length=16,
        precision="fp32",
        offline=True,
    )

    def states(language: str, split: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
        bag = resources.bag(task, language, split)
        parts = list(learner.observe(bag, pooling="mean"))
        found = np.empty((len(bag), parts[0].states.shape[-1]))
        for part in parts:
            found[part.positions] = part.states[-1].numpy()
        return found, bag.targets["labels"], bag.ids.tolist()

    train, labels, _ = states("en", "train")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000)).fit(train, labels)
    test, _, ids = states("sw", "test")
    predicted = done.predictions("mine").filter(pl.col("axis.fold") == "0", variant="probe", language="sw")
    kept = {row["id"]: [row["p0"], row["p1"], row["p2"]] for row in predicted.iter_rows(named=True)}
    np.testing.assert_allclose([kept[one] for one in ids], model.predict_proba(test), atol=1e-3)


def test_what_has_no_labels_is_predicted_and_in_no_score(done: Store) -> None:
    assert "id" not in set(done.scores("mine")["language"])
    for info in done.resolve("mine"):
        frame = pl.read_parquet(done.run(info.key).path / "unlabelled.parquet")
        assert frame.height == 7
        assert set(frame["language"]) == {"id"}
        assert "label" not in frame.columns
        # w0 to w3 are no words of this tokenizer: more than is allowed where there is something to score.
        assert done.run(info.key).summary["unknown"]["id"] == pytest.approx(4 / 14)


def test_the_command_shows_one_row_a_variant(done: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "mine", "--format", "md", "--store", str(done.root)]) == 0
    shown = capsys.readouterr().out
    scores = shown.partition("Difference from")[0]
    unmeasured = shown.partition("not measured")[2]
    assert "| fine\\_tuned | id | 7 | – | – |" in unmeasured or "| fine_tuned | id | 7 | – | – |" in unmeasured
    assert "29% of its tokens are unknown to the encoder" in unmeasured
    assert [scores.count(f"| {name} |") for name in ("probe", "tfidf", "majority")] == [1, 1, 1]
    assert "fold" not in scores


def test_the_final_model_is_trained_on_all_rows_and_carries_the_cross_validated_score(
    done: Store, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(done.root), "--offline"]
    assert main(["run", str(mine / "mine.toml"), "--final", "--no-progress", *store]) == 0
    assert "isogloss export mine.final/fine_tuned@0" in capsys.readouterr().out
    [final] = done.resolve("mine.final")  # simple models have nothing to take away
    assert done.phase(final.phases[0]).summary["examples"] == sum(SHARES["en"])
    assert done.scores([final]).is_empty()
    assert main(["export", "mine.final/fine_tuned@0", str(tmp_path / "model"), *store]) == 0
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    scores, _ = evidence(done, done.resolve("mine/fine_tuned"))
    for row in scores.filter(metric="accuracy").iter_rows(named=True):
        assert f"| {row['language']} | {row['role']} | {row['n']} | {row['value']:.2f} |" in card
    assert "of models trained on the other folds" in card
    calibration = json.loads((done.run(final.key).path / "calibration.json").read_text(encoding="utf-8"))
    assert (calibration["split"], calibration["n"]) == ("out of fold", sum(SHARES["en"]))
    english = done.predictions("mine/fine_tuned").filter(language="en")
    kept = label_probabilities(english.to_dict(), "mine")
    best = fit_temperature(kept, english["label"].to_numpy()).temperature
    assert calibration["temperature"] == pytest.approx(best)
    pytest.importorskip("onnxruntime")
    assert (
        main(["export", "mine.final/fine_tuned@0", str(tmp_path / "small"), "--format", "onnx", "--int8", *store]) == 0
    )
    told = capsys.readouterr().out
    for language in ("en", "sw", "en+sw"):
        assert re.search(rf"^ {re.escape(language)} +{sum(SHARES[language])} ", told, re.MULTILINE)
    assert main(["table", "mine.final", *store[:2]]) == 2
    assert "tested on none; isogloss table mine shows" in capsys.readouterr().err
    assert main(["table", "mine", *store[:2]]) == 0
    assert "settings" not in capsys.readouterr().err


def test_languages_without_labels_are_told_of_with_the_slope_of_the_runs_encoder(
    done: Store, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slope = Slope("tiny", ("this", "that"), 2.0, dict.fromkeys(("1", "2", "3", "4", "trained on"), 11.0))
    monkeypatch.setattr(slopes, "shipped", lambda encoder: slope if Path(encoder).parent == mine else None)
    monkeypatch.setattr("isogloss.evaluation.unlabelled.MOST_UNKNOWN", 1.0)
    table = without_labels(done, done.resolve("mine"))
    assert table is not None
    assert any("labelled rows errs by" in note for note in table.footnotes)


def test_a_final_run_knows_the_folds_of_its_own_cell_and_seed(mine: Path, tmp_path: Path) -> None:
    """Else a model of one source would carry the scores, and the temperature, of another's."""
    sets = ('variants=["fine_tuned"]', 'axes.source=[["en"], ["sw"]]', "seeds=2")
    store = Store(tmp_path / "runs")
    run(load_recipe(mine / "mine.toml", sets=sets), store, offline=True)
    run(load_recipe(mine / "mine.toml", sets=sets, final=True), store, offline=True)
    for final in store.resolve("mine.final"):
        folds = final.folds(store.runs())
        assert len(folds) == 3 * 2
        assert {run.axes["source"] for run in folds} == {final.axes["source"]}
        calibration = json.loads((store.run(final.key).path / "calibration.json").read_text(encoding="utf-8"))
        [source] = final.axes["source"]
        assert calibration["n"] == sum(SHARES[source]) or "fewer" in calibration["reason"]


def test_numbers_of_folds_are_put_together_wherever_they_are_asked_for(
    done: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("calibration", "coverage", "estimate"):
        assert main(["analyse", command, "mine/fine_tuned", "--format", "csv", "--store", str(done.root)]) == 0
        frame = pl.read_csv(io.StringIO(capsys.readouterr().out), infer_schema_length=None)
        assert set(frame.filter(language="en")["n"]) == {sum(SHARES["en"])}, command
        assert "axis.fold" not in frame.columns


def test_a_card_is_of_all_folds_or_none(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "runs"), "--offline"]
    for final in ([], ["--final"]):
        sets = ["--set", 'variants=["fine_tuned"]', *final]
        assert main(["run", str(mine / "mine.toml"), *sets, "--no-progress", *store]) == 0
    lost = Store(tmp_path / "runs").resolve("mine")[1]
    (tmp_path / "runs" / "runs" / lost.key / "done.json").unlink()
    assert main(["export", "mine.final", str(tmp_path / "model"), *store]) == 2
    assert f"fold {lost.axes['fold'][0]} is not done" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_simple_run_says_that_it_is_one(done: Store, capsys: pytest.CaptureFixture[str]) -> None:
    key = done.resolve("mine/probe")[0].key
    assert main(["show", key, "--store", str(done.root)]) == 0
    assert "a simple model" in capsys.readouterr().out
    assert main(["export", key, str(done.root / "nothing"), "--store", str(done.root)]) == 2
    assert "leaves no weights" in capsys.readouterr().err


def test_final_needs_something_to_take_away(mine: Path) -> None:
    with pytest.raises(Mistakes, match="no variant trains an encoder"):
        load_recipe(mine / "mine.toml", sets=('variants=["probe"]',), final=True)
    with pytest.raises(Mistakes, match=r"cut into folds, and none is tested on; write axes\.fold"):
        load_recipe(mine / "mine.toml", sets=("axes={}",))


def test_a_final_model_of_which_nothing_was_measured_is_not_exported(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "runs"), "--offline"]
    assert main(["run", str(mine / "mine.toml"), "--final", "--no-progress", *store]) == 0
    assert main(["export", "mine.final", str(tmp_path / "model"), *store]) == 2
    assert "carry out the same recipe without --final first" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (('simple="svm"',), 'no simple model is called "svm"'),
        (('languages.unlabelled=["en"]',), '"en" has no labels, and source needs some'),
        (('languages.unlabelled=["sw", "de"]',), "has no language de"),
        (('axes.fold=["x"]',), "a fold is a whole number"),
        (("axes.fold=[0, 7]",), "there is no fold 7; they are 0 to 2"),
        (('phases.train.class_weights="rare"',), "class_weights"),
    ],
)
def test_mistakes_are_found_before_anything_is_read(mine: Path, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(Mistakes) as found:
        load_recipe(mine / "mine.toml", sets=sets)
    assert said in str(found.value)


def test_a_rehearsal_counts_rows_of_folds_once_and_tells_mixed_languages_apart(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = ["--set", 'phases.train.on.languages=["en", "sw", "en+sw"]', "--set", 'variants=["fine_tuned"]']
    assert main(["run", str(mine / "mine.toml"), *sets, "--rehearse", "--offline", "--store", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "en, en+sw, sw" in told
    assert dict(re.findall(r"^(en|sw|en\+sw) +(\d+) ", told, re.MULTILINE)) == {"en": "42", "sw": "15", "en+sw": "7"}
