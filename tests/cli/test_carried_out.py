"""One recipe carried out for real, and what the commands make of it."""

from __future__ import annotations

import csv
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.conftest import Isogloss, refused
from isogloss.cli.explain_run import _what_was_learned
from isogloss.errors import IsoglossWarning
from isogloss.store import Store


def test_a_second_run_finds_what_is_finished(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("run", made / "tiny.toml", "--store", made / "store", "--offline")
    assert said.code == 0
    assert "0 runs done, 4 found finished, 0 failed" in said.out
    assert f"isogloss table tiny --store {made / 'store'}" in said.out
    assert said.out.count("meta  ") == 2  # rates learned, a row for each seed
    assert "embeddings" in said.out


def test_a_rehearsal_trains_nothing(isogloss: Isogloss, project: Path) -> None:
    said = isogloss("run", "tiny.toml", "--rehearse", "--offline", "--set", "seeds=1")
    assert said.code == 0
    assert "4 phases" in said.out
    assert "de+en" in said.out
    assert not (project / "runs" / "phases").exists()
    assert not (project / "runs" / "runs").exists()
    languages = [line.split() for line in said.out.split("\n\n")[2].splitlines()]
    assert languages == [
        ["language", "rows", "unknown", "%", "tokens", "a", "word"],
        ["de", "54", "0.00", "1.00"],
        ["en", "86", "0.00", "1.00"],
        ["sw", "30", "0.00", "1.00"],
    ]
    (project / "data" / "test-sw.jsonl").write_text(f'{{"text": "{"w5 " * 30}", "label": "low"}}\n')  # cut
    said = isogloss("run", "tiny.toml", "--rehearse", "--offline", "--set", "seeds=1")
    assert said.out.splitlines()[-1].split() == ["sw", "1", "0.00", "–"]


def test_the_table_in_every_format(isogloss: Isogloss, made: Path) -> None:
    for form, sign in (
        ("text", "†"),
        ("md", "| variant"),
        ("csv", "variant,"),
        ("latex", r"\toprule"),
        ("json", '"columns"'),
    ):
        said = isogloss("table", "tiny", "--store", made / "store", "--format", form)
        assert (said.code, said.err) == (0, "")
        assert sign in said.out
        assert "meta" in said.out


def test_the_table_against_another_variant_and_in_sentences(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("table", "tiny", "--store", made / "store", "--against", "meta_optimizer", "--describe")
    assert said.code == 0
    assert "compared with meta_optimizer" in said.out
    line = refused(isogloss("table", "tiny", "--store", made / "store", "--against", "poled"), '"poled"', '"pooled"')
    assert "--against" in line


def test_comparisons_with_another_variant_are_kept_beside_the_others(
    isogloss: Isogloss, made: Path, tmp_path: Path
) -> None:
    """Red when they are written over those with the first variant."""
    kept, ask = tmp_path / "kept", ("table", "tiny", "--store", made / "store", "--keep", tmp_path / "kept")
    assert isogloss(*ask).code == 0
    names = {"tiny.scores.csv", "tiny.comparisons.csv", "tiny.settings.json"}
    assert {path.name for path in kept.iterdir()} == names
    first = {name: (kept / name).read_bytes() for name in names}
    assert isogloss(*ask, "--against", "meta_optimizer").code == 0
    other = "tiny.against-meta_optimizer.comparisons.csv"
    assert {path.name for path in kept.iterdir()} == names | {other}
    assert {name: (kept / name).read_bytes() for name in names} == first
    assert {row["baseline"] for row in csv.DictReader((kept / other).read_text(encoding="utf-8").splitlines())} == {
        "meta_optimizer"
    }


def test_a_table_of_one_variant(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("table", "tiny/pooled", "--store", made / "store", "--format", "csv")
    assert said.code == 0
    assert "meta" not in said.out


def test_show_explains_a_run_with_the_course_of_its_rates(isogloss: Isogloss, made: Path) -> None:
    listed = isogloss("show", "tiny", "--store", made / "store")
    assert listed.code == 0
    assert listed.out.count(" done") == 4
    said = isogloss("show", "tiny/meta_optimizer@1", "--store", made / "store")
    assert said.code == 0
    for words in ("source=1", "rates learned in meta", "layer.3", "learned", "scores", "sw", "unseen", "accuracy"):
        assert words in said.out
    assert re.search(r"^  group +1 (de|en) .*learned$", said.out, re.MULTILINE)  # the surprise language
    key = Store(made / "store").resolve_one("tiny/meta_optimizer@1").key
    assert isogloss("show", key[:8], "--store", made / "store").out == said.out


def test_show_says_what_a_search_learned(isogloss: Isogloss, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step size and a selection of layers apart, and whether the loss that was to fall fell."""
    monkeypatch.setattr("isogloss.cli.explain_run._MANY", 1)
    said = isogloss("show", "tiny/meta_optimizer@1", "--store", made / "store").out
    store = Store(made / "store")
    phases = map(store.phase, store.resolve_one("tiny/meta_optimizer@1").phases)
    (meta,) = (phase for phase in phases if (phase.path / "rates.json").is_file())
    rates = [rate for rate in meta.rates().rates.values() if rate > 0]
    assert f"learned: mean {np.mean(rates):.3f}, spread over groups {np.std(rates):.3f}" in said
    losses: dict[str, list[float]] = {}
    for row in meta.read_log():
        losses.setdefault(row["surprise"], []).append(row["query_loss"])
    for language, (first, *_, last) in losses.items():
        told = f"query loss on {language}: {first:.3f} over its first 1 meta steps, {last:.3f} over its last 1"
        assert told in said


def test_losses_on_two_languages_are_not_compared() -> None:
    """Rounds on an easy language first and a hard one last are no loss that rises."""
    log = [{"surprise": language, "query_loss": loss} for language, loss in (("en", 0.5), ("en", 0.4), ("el", 1.5))]
    assert _what_was_learned({}, log) == [
        "  query loss on en: 0.500 over its first 1 meta steps, 0.400 over its last 1"
    ]


def test_list_counts_runs_by_state(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("list", "runs", "--store", made / "store")
    assert (said.code, said.out.split()) == (0, ["tiny", "4", "done"])


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_predict_labels_the_rows_of_a_file(isogloss: Isogloss, made: Path, tmp_path: Path, ending: str) -> None:
    file, output = tmp_path / "in.csv", tmp_path / f"out.{ending}"
    comma = "w5 w6, w7" + 9 * " w8"  # the comma is a token that the encoder does not know, one of 25
    file.write_text(f'id,text\n1,"{comma}"\n2,{"w30 w31 " * 5}\n3,{"w39 " * 2}\n')
    said = isogloss("predict", "tiny/pooled@0", file, "-o", output, "--store", made / "store", "--offline")
    assert (said.code, said.out) == (0, "")
    text = output.read_text()
    if ending == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = list(csv.DictReader(text.splitlines(), delimiter="\t" if ending == "tsv" else ","))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["text"] == comma
    assert {row["predicted_label"] for row in rows} <= {"high", "low"}
    assert all(0.5 <= float(row["predicted_probability"]) <= 1 for row in rows)


def test_predict_says_what_the_run_said_of_the_test_rows(isogloss: Isogloss, made: Path) -> None:
    """The whole way back: weights of a chain of phases, tokenizer, label names."""
    store = Store(made / "store")
    key = store.resolve_one("tiny/meta_optimizer@0").key
    kept = store.predictions(key).filter(language="sw")
    said = isogloss(
        "predict", key, made / "data" / "test-sw.jsonl", "--store", made / "store", "--offline", "--text", "text"
    )
    rows = list(csv.DictReader(said.out.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["predicted_label"] for row in rows] == [("high", "low")[index] for index in kept["prediction"]]
    best = np.maximum(kept["p0"], kept["p1"])
    assert np.abs(np.array([float(row["predicted_probability"]) for row in rows]) - best).max() < 1e-4


def test_predict_keeps_every_column_of_the_file(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    file, store = tmp_path / "in.csv", ("--store", made / "store", "--offline")
    file.write_text("text,label,probability\nw5,mine,sure\n")
    said = isogloss("predict", "tiny/pooled@0", file, *store)
    (row,) = csv.DictReader(said.out.splitlines(), delimiter="\t")
    assert list(row) == ["text", "label", "probability", "predicted_label", "predicted_probability"]
    assert (row["label"], row["probability"]) == ("mine", "sure")
    for name in ("predicted_label", "predicted_probability"):
        file.write_text(f"text,{name}\nw5,mine\n")
        refused(isogloss("predict", "tiny/pooled@0", file, *store), str(file), f'"{name}" already', "rename")


def test_predict_refuses_text_that_the_encoder_cannot_read(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    file, store = tmp_path / "in.csv", ("--store", made / "store", "--offline")
    file.write_text(f"text\n{'w5 ' * 7}\nጤና w6 w7\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always", IsoglossWarning)
        said = isogloss("predict", "tiny/pooled@0", file, *store)
    assert "10% of the tokens are unknown" in said.err
    assert (said.code, len(said.out.splitlines())) == (0, 3)
    file.write_text("text\nw5 w6\nጤና\n")
    refused(isogloss("predict", "tiny/pooled@0", file, *store), str(file), "33% of the tokens are unknown")


def test_predict_refuses(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    store = ("--store", made / "store", "--offline")
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "w5"}\n{"text": null}\n')
    refused(isogloss("predict", "tiny/pooled@0", file, *store), f"{file}:2", "no text")
    file.write_text('{"body": "w5"}\n')
    refused(isogloss("predict", "tiny/pooled@0", file, *store), '"text"', "--text", "body")
    refused(isogloss("predict", "tiny/pooled@0", file, *store, "--text", "boddy"), '"body"')
    refused(isogloss("predict", "tiny/pooled@0", tmp_path / "none.csv", *store), "none.csv", "no such file")
    refused(isogloss("predict", "tiny/pooled", file, *store), "names 2 runs", "name one")
    refused(isogloss("predict", "tiny/pooled@0", file, *store, "-o", "out.xlsx"), ".xlsx", ".jsonl")
    assert not Path("out.xlsx").exists()


def test_predict_says_how_to_keep_weights_that_are_gone(isogloss: Isogloss, project: Path) -> None:
    options = ("--set", "seeds=1", "--set", 'keep="scores"', "--set", 'variants=["pooled"]', "--no-progress")
    assert isogloss("run", "tiny.toml", "--offline", *options).code == 0
    assert not list(project.glob("runs/phases/*/weights.safetensors"))
    refused(isogloss("predict", "tiny", "data/test-sw.jsonl", "--offline"), "not kept", "keep")


def test_export_is_an_ordinary_folder_with_the_same_predictions(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tmp_path / "model"
    said = isogloss("export", "tiny/meta_optimizer@0", folder, "--store", made / "store", "--offline")
    assert said.code == 0
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.id2label == {0: "high", 1: "low"}
    kept = Store(made / "store").predictions("tiny/meta_optimizer@0").filter(language="en")
    texts = [json.loads(line)["text"] for line in (made / "data" / "test-en.jsonl").read_text().splitlines()]
    inputs = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        found = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits.softmax(-1)
    assert np.abs(found.numpy() - kept.select("p0", "p1").to_numpy()).max() < 1e-5
    card = (folder / "README.md").read_text()
    for words in (r"tiny: meta\_optimizer", "| sw | unseen | 30 |", "- en", "high, low", '"rounds": 2'):
        assert words in card
    refused(isogloss("export", "tiny/meta_optimizer@0", folder, "--store", made / "store"), "exists already")


def test_a_failed_run_is_told_stays_in_the_table_and_is_tried_again(
    isogloss: Isogloss, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isogloss.run import judged

    predict = judged.predict_cell

    def fails_for_one(cell: Any, *rest: Any) -> Any:
        if cell.variant == "meta_optimizer":
            raise RuntimeError("out of luck")
        return predict(cell, *rest)

    run = ("run", "tiny.toml", "--offline", "--no-progress", "--set", "seeds=1")
    with monkeypatch.context() as patch:
        patch.setattr(judged, "predict_cell", fails_for_one)
        said = isogloss(*run)
    assert said.code == 1  # a fault of ours; the other variant was carried out all the same
    assert "1 runs done, 0 found finished, 1 failed" in said.out
    assert "out of luck" in said.err
    (failed,) = Store(project / "runs").failed()
    assert failed.variant == "meta_optimizer"
    table = isogloss("table", "tiny", "--format", "csv")
    assert table.code == 0
    assert "meta_optimizer" in table.out
    assert "out of luck" in isogloss("show", "tiny").out
    again = isogloss(*run)
    assert again.code == 0
    assert "1 runs done, 1 found finished, 0 failed" in again.out
    assert Store(project / "runs").failed() == ()


def test_a_loss_that_is_not_finite_fails_the_run_with_a_remedy(isogloss: Isogloss, project: Path) -> None:
    options = ("--set", "seeds=1", "--set", "phases.adapt.optimizer.learning_rate=1e30")
    said = isogloss("run", "tiny.toml", "--offline", "--no-progress", *options)
    assert said.code == 2
    assert "failed in adapt: pooled" in said.out
    assert "lower optimizer.learning_rate" in said.err
    assert {run.failed_phase for run in Store(project / "runs").failed()} == {"adapt"}


def test_more_of_the_same_recipe_joins_the_table_and_other_settings_do_not(isogloss: Isogloss, project: Path) -> None:
    run = ("run", "tiny.toml", "--offline", "--no-progress", "--set", 'variants=["pooled"]')
    assert isogloss(*run, "--set", "seeds=1").code == 0
    assert "1 runs done, 1 found" in isogloss(*run).out
    other = isogloss(*run, "--set", "phases.adapt.epochs=2", "--set", "seeds=1")
    assert other.code == 0
    said = isogloss("table", "tiny")
    assert "left out: isogloss table tiny#" in said.err
    again = isogloss(*run)  # all found; but its name now means the other settings
    address = next(word for word in again.out.split() if word.startswith("tiny#"))
    assert len(Store(project / "runs").resolve(address)) == 2
