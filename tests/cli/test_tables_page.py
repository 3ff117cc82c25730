"""docs/tables.md: its commands can be given as they stand, its keys are a layout's, its table is of the frames."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.evaluation.comparison_table import KEYS as DIFFERENCES
from isogloss.evaluation.layout.model import Layout
from isogloss.evaluation.layout.read import shipped_layouts
from isogloss.evaluation.rebuild import rebuild
from isogloss.evaluation.score_table import KEYS
from page import page

DOCS = Path(__file__).parents[2] / "docs"
PAGE, BASH, FILES = page("tables").text, page("tables").blocks("bash"), page("tables").files


def test_page_has_what_the_tests_here_try() -> None:
    assert (len(BASH), [name for name, _ in FILES], PAGE.count("```")) == (3, ["mine.toml"], 8)


@pytest.mark.parametrize("line", [line for block in BASH for line in block.splitlines()])
def test_commands(isogloss: Isogloss, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = [word.replace("my-recipe", "tiny") for word in shlex.split(line)]
    said = isogloss(*words[1:], "--store", made / "store")
    assert (words[0], said.code, said.err) == ("isogloss", 0, "")
    if "--layout" in words:
        assert said.out.index("Fine-tuning") < said.out.index("Learned rates") < said.out.index("Elsewhere")
        assert "Left out of this table: en." in said.out
    assert (tmp_path / "results" / "tiny.labels.csv").is_file() == ("--keep" in words)


def test_keys_are_those_of_a_layout() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(Layout.model_fields)
    assert all(f"`{key}`" in rows["columns"] for key in KEYS)
    assert all(f"`{key}`" in rows["differences"] for key in DIFFERENCES)
    assert all(f"`{name}`" in PAGE for name in shipped_layouts())


def test_its_table_is_that_of_the_frames(tmp_path: Path) -> None:
    copy = tmp_path / "tables.md"
    copy.write_text(PAGE, encoding="utf-8")
    assert not rebuild(copy, DOCS / "results")
