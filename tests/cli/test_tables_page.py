"""docs/tables.md: its commands can be given as they stand, its keys are a layout's, its table is of the frames."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.evaluation.comparison_table import KEYS as DIFFERENCES
from isogloss.evaluation.layout.model import Layout
from isogloss.evaluation.layout.read import shipped_layouts
from isogloss.evaluation.rebuild import rebuild
from isogloss.evaluation.score_table import KEYS
from page import ROOT, page

PAGE = page("tables")
LINES = [line for block in PAGE.blocks("bash") for line in block.splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_commands(isogloss: Isogloss, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    PAGE.save(tmp_path)
    assert (tmp_path / "mine.toml").is_file()
    words = [word.replace("my-recipe", "tiny") for word in shlex.split(line)]
    said = isogloss(*words[1:], "--store", made / "store")
    assert (words[0], said.code, said.err) == ("isogloss", 0, "")
    if "--layout" in words:
        assert said.out.index("Fine-tuning") < said.out.index("Learned rates") < said.out.index("Elsewhere")
        assert "Left out of this table: en." in said.out
    assert (tmp_path / "results" / "tiny.labels.csv").is_file() == ("--keep" in words)


def test_keys_are_those_of_a_layout() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE.text, re.MULTILINE))
    assert set(rows) == set(Layout.model_fields)
    assert all(f"`{key}`" in rows["columns"] for key in KEYS)
    assert all(f"`{key}`" in rows["differences"] for key in DIFFERENCES)
    assert all(f"`{name}`" in PAGE.text for name in shipped_layouts())


def test_its_table_is_that_of_the_frames(tmp_path: Path) -> None:
    copy = Path(shutil.copy(PAGE.path, tmp_path))
    assert not rebuild(copy, ROOT / "docs" / "results")
    assert "<!-- table: " in PAGE.text
