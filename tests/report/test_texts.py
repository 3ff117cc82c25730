"""Texts of the rows that a page shows: read where the runs had them, those that are asked for and no others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isogloss import Mistakes
from isogloss.report.material import Material
from isogloss.report.texts import texts_of

ROWS = "text,label,lang,key\nhabari,a,sw,1\nkwaheri,b,sw,2\nhello,a,en,3\ngood bye,b,en,4\n"


def runs_on(path: Path, **more: object) -> Material:
    """The little that is asked of runs: one that is done, and its settings."""
    task: dict[str, Any] = {"name": "files", "languages": ["en", "sw"], "id": "key", **more}
    settings = {"evaluation": {"split": "test"}, "data": {"files": str(path)}}
    return cast(
        Material, SimpleNamespace(done=(SimpleNamespace(tested_on=task, settings=settings),), labels=("a", "b"))
    )


def test_rows_are_found_by_language_and_id(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    material = runs_on(tmp_path, files={"test": {"pattern": "rows.csv", "language": "lang"}})
    found = texts_of(material, [("sw", "2"), ("en", "3"), ("en", "no more")])
    assert found == {("sw", "2"): "kwaheri", ("en", "3"): "hello"}


def test_of_rows_in_folds_every_fold_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    rule = {"all": {"pattern": "rows.csv", "language": "lang"}}
    material = runs_on(tmp_path, files=rule, split={"folds": 2})
    found = texts_of(material, [("sw", "1"), ("sw", "2")])
    assert found == {("sw", "1"): "habari", ("sw", "2"): "kwaheri"}


def test_rows_that_are_gone_are_a_mistake(tmp_path: Path) -> None:
    material = runs_on(tmp_path, files={"test": {"pattern": "rows.csv", "language": "lang"}})
    with pytest.raises(Mistakes, match=r"rows\.csv"):
        texts_of(material, [("sw", "2")])
