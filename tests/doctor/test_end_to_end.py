"""The command on files of one's own whose rows are no translations: planted faults are told, and nothing besides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from doctor.conftest import column, exchanged, permuted, with_rows, with_texts
from isogloss.cli import main
from isogloss.doctor.columns import Column

pytestmark = pytest.mark.slow

LANGUAGES = ("de", "en", "es", "fi", "fr", "sw", "tr")
AMHARIC = ("ነገ ጠዋት በስድስት ሰዓት ቀስቅሰኝ", "የዛሬ የአየር ሁኔታ እንዴት ነው", "ሙዚቃ አጫውትልኝ", "መብራቱን አጥፋ", "አዲስ ዜና ንገረኝ")

RECIPE = """
name = "own"
encoder = "mini"
languages = { source = ["de", "en", "es", "fi", "fr", "sw", "tr"], target = LANGUAGES }
max_length = 64

[task]
name = "files"
path = "data"
texts = ["text"]
label = "label"
languages = LANGUAGES
labels = LABELS
files = { train = "train-{language}.tsv", test = "test-{language}.tsv" }

[[phases]]
name = "source"
method = "finetune"
epochs = 1
"""


def written(folder: Path, columns: Sequence[Column], *more: str) -> Path:
    (folder / "data").mkdir()
    for made in columns:
        split = {"validation": "train"}.get(made.split, made.split)
        names = [made.label_names[label] for label in made.labels]
        lines = ["text\tlabel", *(f"{text}\t{name}" for text, name in zip(made.texts, names, strict=True))]
        (folder / "data" / f"{split}-{made.language}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if more:
        lines = ["text\tlabel", *(f"{text}\t{columns[0].label_names[k]}" for k, text in enumerate(more))]
        (folder / "data" / "test-am.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = RECIPE.replace("LANGUAGES", json.dumps([*LANGUAGES, *(["am"] if more else [])]))
    (folder / "own.toml").write_text(recipe.replace("LABELS", json.dumps(columns[0].label_names)), encoding="utf-8")
    return folder


def told(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Return what is told by check, notes left out."""
    monkeypatch.chdir(folder)
    main(["doctor", "own.toml", "--offline", "--no-probe", "--format", "json"])
    examinations = json.loads(capsys.readouterr().out)["examinations"]
    return {
        one["check"]: [f"{f['where']}: {f['what']}" for f in one["findings"] if f["severity"] != "note"]
        for one in examinations
    }


def columns() -> dict[tuple[str, str], Column]:
    every = [(language, split) for language in LANGUAGES for split in ("validation", "test")]
    return {(language, split): column(language, split, parallel=False) for language, split in every}


def test_nothing_is_said_of_clean_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(written(tmp_path, list(columns().values())), capsys, monkeypatch)
    assert {check: said for check, said in found.items() if said} == {}


def test_every_planted_fault_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = columns()
    made["fr", "validation"] = permuted(made["fr", "validation"], 0.03)[0]
    for split in ("validation", "test"):
        made["es", split] = exchanged(made["es", split], "music", "news")
    made["en", "validation"] = with_rows(made["en", "validation"], made["sw", "test"], 20)
    tested = made["tr", "test"]
    long = sorted(range(len(tested.rows)), key=lambda row: -len(tested.texts[row]))[:10]
    copied = with_texts(tested, [tested.texts[row] for row in long])
    made["tr", "validation"] = with_rows(made["tr", "validation"], copied, 10)
    finnish = made["fi", "test"]
    made["fi", "test"] = with_texts(finnish, [text.encode().decode("latin-1") for text in finnish.texts])
    found = told(written(tmp_path, list(made.values()), *AMHARIC), capsys, monkeypatch)
    expected = {
        "suspicious labels": ["files fr train: the text of"],
        "exchanged labels": ['files es: the names "music" and "news" seem exchanged'],
        "language": ["files en train: "],
        "duplicates": ["files tr test: "],
        "encoding": ["files fi test: "],
        "coverage": ["language am: "],
        "intervals": ["files am test: "],
    }
    assert {check for check, said in found.items() if said} == set(expected)
    for check, (beginning,) in expected.items():
        (said,) = found[check]
        assert said.startswith(beginning)
    assert "in Swahili" in found["language"][0]
    assert "word for word" in found["duplicates"][0]
