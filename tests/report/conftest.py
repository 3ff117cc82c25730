"""Pages of made-up stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isogloss.evaluation.evidence import chosen
from isogloss.report import page as page_module
from isogloss.report.material import Material
from report.make import NAME, made_up_store

Make = Callable[..., Material]


@pytest.fixture
def material(tmp_path: Path) -> Make:
    """Return a function that makes a store up and gives its runs; arguments as in `report.make.MadeUp`."""

    def make(**asked: Any) -> Material:
        store = made_up_store(tmp_path / "store", **asked)
        return Material(store, chosen(store, [NAME]))

    return make


def again(made: Material, old: str = "", new: str = "") -> Material:
    """Return the runs of a store as they are now, with a text in their descriptions replaced."""
    for path in made.store.root.rglob("run.json") if old else ():
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    return Material(made.store, chosen(made.store, [run.key for run in made.store.runs()]))


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what draws figures be not installed."""
    monkeypatch.setattr(page_module, "find_spec", lambda name: None)
