"""A recipe of question answering carried out for real, and what the commands make of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cli.conftest import Isogloss, refused
from isogloss.cli import main
from isogloss.store import Store
from kinds import trained
from kinds.windowed import CONTEXTS, QUESTIONS
from learner import tiny

RECIPE = """
name = "reading"
encoder = "{encoder}"
keep = "all"
max_length = 40
precision = "fp32"
languages = {{ source = ["en"], target = "grid" }}

[task]
name = "files"
kind = {{ name = "question_answering", rule = "generic", stride = 9 }}
path = "{data}"
texts = ["question", "context"]
answers = "answers"
id = "id"
second = "question_lang"
parallel = true
languages = ["en", "th"]
files = {{ train = "train-{{language}}.jsonl", test = "test-{{language}}.jsonl" }}

[[phases]]
name = "source"
method = "finetune"
steps = 2
batch_size = 4
"""
CARRIED = [context for context in CONTEXTS if "\u00ad" not in context]
AWKWARD = "กวี\U0001f469‍\U0001f469 เกิด\nที่\r\nกรุงเทพมหานคร\u2028ใน\tปี  ๒๕๑๖ برج طوكيو." * 3


def row(number: int, context: str, question: str, asked: str) -> str:
    """One line of a file; the answer is the second word of the context."""
    word = context.split()[1]
    answers = [{"text": word, "start": context.index(word)}]
    about = {"id": f"q{number}", "question": question, "context": context, "question_lang": asked}
    return json.dumps({**about, "answers": answers}, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with data in two languages and a store in which the recipe has been carried out."""
    import torch

    folder = tmp_path_factory.mktemp("reading")
    (folder / "data").mkdir()
    for language in ("en", "th"):
        lines = [row(k, c, QUESTIONS[k], asked) for asked in ("en", "th") for k, c in enumerate(CARRIED)]
        for split in ("train", "test"):
            (folder / "data" / f"{split}-{language}.jsonl").write_text("".join(lines), encoding="utf-8")
    encoder = tiny.save_encoder(folder / "encoder", vocab_size=600, max_position_embeddings=64)
    trained.byte_level([*CONTEXTS, AWKWARD], 600).save_pretrained(encoder)
    (folder / "reading.toml").write_text(RECIPE.format(encoder=encoder, data=folder / "data"), encoding="utf-8")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert main(["run", str(folder / "reading.toml"), "--store", str(folder / "store"), "--offline"]) == 0
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def predict(isogloss: Isogloss, reading: Path) -> Isogloss:
    """Return a function that calls the command on the run."""
    return lambda *arguments: isogloss("predict", "reading", *arguments, "--store", reading / "store", "--offline")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows in the format that the file's name says."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        clean = [{name: re.sub(r"\s", " ", text) for name, text in each.items()} for each in rows]
        delimiter = "," if path.suffix == ".csv" else "\t"
        pl.DataFrame(rows if path.suffix == ".csv" else clean).write_csv(path, separator=delimiter)
    return path


def read(text: str, ending: str) -> list[dict[str, Any]]:
    """Read what the command wrote."""
    if ending == "jsonl":
        return [json.loads(line) for line in text.split("\n")[:-1]]
    if ending == "csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    header, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_answers_have_no_table_by_label(isogloss: Isogloss, reading: Path) -> None:
    said = isogloss("table", "reading", "--store", reading / "store", "--by-label")
    assert refused(said) == "--by-label: what these runs predict are no labels; leave it out: it is for classification"


@pytest.mark.parametrize("given", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_every_answer_is_cut_from_its_context_at_its_place(
    predict: Isogloss, tmp_path: Path, given: str, ending: str
) -> None:
    """Red when places are counted in bytes, or a format that is written without line breaks moves them."""
    rows = [{"question": q, "context": c} for q, c in zip([*QUESTIONS, "?"], [*CONTEXTS, AWKWARD], strict=True)]
    said = predict(write(tmp_path / f"in.{given}", rows), "-o", tmp_path / f"out.{ending}")
    assert (said.code, said.out) == (0, "")
    found = read((tmp_path / f"out.{ending}").read_bytes().decode(), ending)
    assert len(found) == len(rows)
    for each in found:
        start, end = int(each["answer_start"]), int(each["answer_end"])
        assert each["answer"] == each["context"][start:end] != ""
        assert 0 < float(each["answer_probability"]) <= 1
    assert list(found[0]) == ["question", "context", "answer", "answer_start", "answer_end", "answer_probability"]
    if ending != "tsv" and given in ("jsonl", "parquet"):
        assert [each["context"] for each in found] == [each["context"] for each in rows]


def test_answers_are_those_that_the_run_scored(predict: Isogloss, reading: Path) -> None:
    """The whole way back, of questions in another language than their contexts too."""
    kept = Store(reading / "store").predictions("reading")
    assert set(kept["language"]) == {"en", "th", "en/th", "th/en"}
    found = read(predict(reading / "data" / "test-th.jsonl").out, "tsv")
    for language, asked in (("th/en", "en"), ("th", "th")):
        own = kept.filter(language=language)
        there = [each for each in found if each["question_lang"] == asked]
        assert [int(each["answer_start"]) for each in there] == own["start"].to_list()
        assert [int(each["answer_end"]) for each in there] == own["end"].to_list()
        told = np.array([float(each["answer_probability"]) for each in there])
        assert np.abs(told - own["probability"].to_numpy()).max() < 1e-4


def test_columns_may_have_other_names(predict: Isogloss, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", [{"passage": "The quick fox", "asked": "Where ?"}])
    own = write(tmp_path / "own.csv", [{"context": "The quick fox", "question": "Where ?"}])
    (found,) = read(predict(file, "--text", "asked", "--text", "passage").out, "tsv")
    (same,) = read(predict(own).out, "tsv")
    assert found["answer"] == same["answer"] != ""
    turned = read(predict(file, "--text", "passage", "--text", "asked").out, "tsv")[0]
    assert turned["answer"] in "Where ?"
    refused(predict(file), str(file), 'no column "question"', "question and context", "passage, asked")
    refused(predict(file, "--text", "asked"), "--text: names 1", "question and context")
    refused(predict(file, *["--text", "asked"] * 3), "--text: names 3", "question and context")
    refused(predict(file, "--text", "asked", "--text", "pasage"), 'no column "pasage"', '"passage"')


LONG = "Where did the quick brown fox jump ? " * 9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context": ""}, ['an empty text in column "context"', "drop the row"]),
        ({"context": " \n\xa0"}, ['an empty text in column "context"']),
        ({"question": "\t"}, ['an empty text in column "question"']),
        ({"question": None}, ['no text in column "question" (found None)']),
        ({"context": 7}, ['no text in column "context" (found 7)']),
        ({"context": "half \ud83d"}, ["half a character", "UTF-8"]),
        ({"question": LONG}, ["a question of ", "room for 0, and windows share 9", "shorten the question"]),
    ],
)
def test_what_cannot_be_asked_is_one_line_with_its_place(
    predict: Isogloss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: list[str]
) -> None:
    """Red when rows made by hand escape the checks of rows that are read, or each lot counts from the first row."""
    monkeypatch.setattr("isogloss.data.encode._CHUNK", 2)
    rows = [{"id": "a", "question": "Where ?", "context": CONTEXTS[0]}] * 2
    lines = [json.dumps(each) for each in [*rows, rows[0] | changes]]
    file = tmp_path / "in.jsonl"
    file.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    refused(predict(file, "-o", tmp_path / "out.csv"), f"{file}:5: ", *words)
    assert not (tmp_path / "out.csv").exists()


def test_a_file_of_such_rows_is_not_listed_whole(predict: Isogloss, tmp_path: Path) -> None:
    for question in ("", LONG):
        file = write(tmp_path / "in.jsonl", [{"question": question, "context": CONTEXTS[0]}] * 14)
        said = predict(file)
        assert (said.code, said.out) == (2, "")
        assert [line.split(": ")[0] for line in said.err.splitlines()] == [
            *(f"{file}:{k}" for k in range(1, 11)),
            str(file),
        ]
        assert "4 more rows like these" in said.err


def test_a_question_too_long_for_its_windows_is_told_where_a_run_reads_it(
    isogloss: Isogloss, reading: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `file:line`, of rows that are trained on too."""
    (tmp_path / "data").mkdir()
    for file in (reading / "data").iterdir():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        lines[3] = row(3, CARRIED[3], LONG, "en")
        (tmp_path / "data" / file.name).write_text("".join(lines), encoding="utf-8")
    text = (reading / "reading.toml").read_text(encoding="utf-8")
    (tmp_path / "reading.toml").write_text(text.replace(str(reading / "data"), "data"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = isogloss("run", "reading.toml", "--offline", "--no-progress")
    assert said.code == 2
    assert re.search(r"data/train-en\.jsonl:4: a question of \d+ tokens", said.err)


def test_export_is_an_ordinary_folder_with_the_same_logits(isogloss: Isogloss, reading: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    from isogloss.run import load_learner

    folder, store = tmp_path / "model", Store(reading / "store")
    said = isogloss("export", "reading", folder, "--store", reading / "store", "--offline")
    assert (said.code, said.out) == (0, f"wrote {folder}: AutoModelForQuestionAnswering.from_pretrained loads it\n")
    model = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    learner = load_learner(store, store.resolve_one("reading"), offline=True)
    for question, context in zip(QUESTIONS[:3], CONTEXTS[:3], strict=True):
        inputs = tokenizer(question, context, truncation="only_second", max_length=40, return_tensors="pt")
        with torch.inference_mode():
            theirs, ours = model(**inputs), learner._network.run(learner._network.weights({}), dict(inputs), None)
        torch.testing.assert_close(theirs.start_logits, ours.start_logits, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(theirs.end_logits, ours.end_logits, rtol=1e-5, atol=1e-5)


def test_the_card_names_what_the_model_does_and_every_cell(isogloss: Isogloss, reading: Path, tmp_path: Path) -> None:
    """Red when scores of a context's language are taken for those of its cells."""
    folder, scores = tmp_path / "model", Store(reading / "store").scores("reading")
    assert isogloss("export", "reading", folder, "--store", reading / "store", "--offline").code == 0
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: question-answering" in card
    assert "language:\n- en\n- th\n" in card
    assert "**labels**" not in card
    assert r"- **settings**: rule generic, stride 9, max\_answer\_tokens 30, n\_best 20" in card
    assert "| language | role | examples | generic_f1 | generic_exact_match |" in card
    rows = re.findall(r"^\| (\S+) \| (\w+) \| (\d+) \| (\S+) \| (\S+) \|$", card, re.MULTILINE)
    assert [name for name, *_ in rows] == ["en", "en/th", "th/en", "th"]
    for name, role, n, *values in rows:
        first, _, second = name.partition("/")
        own = scores.filter(pl.col("language") == first, pl.col("second_language").fill_null("") == second)
        assert [f"{value:.2f}" for value in own["value"]] == values
        assert (set(own["role"]), set(own["n"].cast(pl.String))) == ({role}, {n})


def test_show_has_a_row_for_every_cell(isogloss: Isogloss, reading: Path) -> None:
    said = isogloss("show", "reading/default@0", "--store", reading / "store").out
    assert [line.split()[0] for line in said.split("generic_exact_match\n")[1].splitlines()[:4]] == [
        *("en", "en/th", "th/en", "th")
    ]
