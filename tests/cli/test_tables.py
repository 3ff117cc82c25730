"""`isogloss table` with a layout, and by label."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.conftest import Isogloss, refused
from isogloss.cli.by_label import labels_of
from isogloss.errors import Mistakes

LAYOUT = """
languages = ["sw", "de", "en"]
columns = ["seeds"]
show = ["scores"]
names.variants = { meta_optimizer = "Meta (ours)" }
groups = [{ rows = ["meta_optimizer"] }]
"""


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_layout_from_a_file(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(LAYOUT, encoding="utf-8")
    ask = ("table", "tiny", "--store", made / "store", "--layout", tmp_path / "mine.toml", "--format")
    said = isogloss(*ask, "csv")
    assert (said.code, said.err) == (0, "")
    header, meta, pooled = (
        [cell for cell, name in zip(row, rows(said.out)[0], strict=True) if not name.endswith("mark")]
        for row in rows(said.out)
    )
    assert header == ["group", "variant", "sw", "de", "en", "seeds"]
    assert (meta[1], pooled[1], meta[-1]) == ("Meta (ours)", "pooled", "2")
    for form in ("text", "md", "latex", "json"):
        text = isogloss(*ask, form).out
        assert text.index("Meta (ours)") < text.index("pooled")


def test_a_layout_with_mistakes(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    ask = ("table", "tiny", "--store", made / "store", "--layout", file)
    refused(isogloss(*ask), "--layout", "mine.toml", "no layout is called")
    file.write_text('\nlanguages = ["swa"]', encoding="utf-8")
    refused(isogloss(*ask), f"{file}:2:", '"swa"', '"sw"')
    file.write_text("\ntransposed = true", encoding="utf-8")
    refused(isogloss(*ask), f"{file}:2:", '"transposed"', '"transpose"')
    file.write_bytes(b"\xff")
    refused(isogloss(*ask), str(file), "UTF-8")
    refused(isogloss(*ask[:-1], tmp_path), str(tmp_path), "no layout is called")


def test_a_layout_of_a_paper_that_these_runs_do_not_repeat(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("table", "tiny", "--store", made / "store", "--layout", "xu2021-table1")
    assert (said.code, said.out) == (2, "")
    assert all(line.startswith("xu2021-table1.toml:") for line in said.err.splitlines())


def test_by_label_agrees_with_the_table_of_scores(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    ask = ("table", "tiny", "--store", made / "store")
    said = isogloss(*ask, "--by-label", "--format", "csv", "--keep", tmp_path)
    assert (said.code, said.err) == (0, "")
    found = {(row["language"], row["label"]): row for row in csv.DictReader(io.StringIO(said.out))}
    assert set(found) == {
        (language, label)
        for language in ("de", "en", "sw")
        for label in ("high", "low", "all: macro-F1", "all: accuracy")
    }
    for metric, label in (("macro_f1", "all: macro-F1"), ("accuracy", "all: accuracy")):
        table = isogloss(*ask, "--metric", metric, "--format", "csv").out.partition("\n\n")[0]
        for row in csv.DictReader(io.StringIO(table)):
            for language in ("de", "en", "sw"):
                ours = found[language, label][f"{row['variant']}: F1"]
                assert float(ours) == pytest.approx(float(row[language]))
    assert (tmp_path / "tiny.labels.csv").is_file()


def test_by_label_refuses_runs_whose_labels_are_others() -> None:
    """Red when the labels of one run name those of another."""
    specs = {"1": {"labels": ["a", "b"]}, "2": {"labels": ["b", "a"]}}
    store = SimpleNamespace(phase=lambda key: SimpleNamespace(spec=specs[key]))
    runs = [SimpleNamespace(state="done", phases=(key,)) for key in specs]
    assert labels_of(store, runs[:1]) == ("a", "b")
    with pytest.raises(Mistakes, match="labels of these runs are not the same"):
        labels_of(store, runs)
    with pytest.raises(Mistakes, match="simple models do not say"):
        labels_of(store, [SimpleNamespace(state="done", phases=())])


def test_by_label_is_a_table_of_its_own(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("table", "tiny", "--store", made / "store", "--by-label", "--metric", "accuracy", "--describe")
    refused(said, "--by-label", "leave out --metric, --describe")
