"""docs/auxiliary.md holds what the library computes from figure 3 and the overlap that is kept."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.analysis.document import rebuild
from isogloss.analysis.selection import document
from isogloss.analysis.selection.evaluate import MEASURES, coverage, evaluate
from isogloss.analysis.selection.features import NEAREST
from isogloss.errors import Mistakes

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "auxiliary.md"
KEPT = DOCS / "auxiliary"


def test_the_page_holds_what_is_kept(tmp_path: Path) -> None:
    """Red when a number in a table is typed, or a frame was written and the page was not."""
    page = Path(shutil.copy(PAGE, tmp_path))
    assert not rebuild(page, KEPT)
    page.write_text(page.read_text(encoding="utf-8").replace("| ridge | 0.84 |", "| ridge | 0.85 |"), encoding="utf-8")
    assert rebuild(page, KEPT)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    page.write_text("<!-- auxiliary: figure3 -->\n<!-- /auxiliary -->\n", encoding="utf-8")
    with pytest.raises(Mistakes, match='no table is called "figure3"'):
        rebuild(page, KEPT)


def test_what_is_kept_is_what_is_computed() -> None:
    """Intervals of candidates that were never measured take too long here: `make results` writes them."""
    observed, features = document.figure(KEPT)
    kept = pl.read_csv(KEPT / f"{document.FIGURE}.comparison.csv")
    again = evaluate(observed, features)
    assert again.select("measure", "ranking", "baseline").equals(kept.select("measure", "ranking", "baseline"))
    for column in ("value", "difference", "low", "high"):
        np.testing.assert_allclose(again[column], kept[column], atol=2e-6)
    covered = pl.read_csv(KEPT / f"{document.FIGURE}.coverage.csv").row(0, named=True)
    assert coverage(observed, features) == pytest.approx(covered, abs=1e-6)


def test_what_the_page_says_follows_from_its_tables() -> None:
    kept = pl.read_csv(KEPT / f"{document.FIGURE}.comparison.csv")
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    rows = {(row["measure"], row["ranking"], row["baseline"]): row for row in kept.iter_rows(named=True)}
    sentences = {
        "rank correlation 0.84 against 0.26": ("rank correlation", 0.84, 0.26),
        "0.56 points lost against 1.31": ("top-1 regret", 0.56, 1.31),
    }
    for sentence, (measure, ours, theirs) in sentences.items():
        row = rows[measure, "ridge", "nearest, genetic"]
        assert sentence in text
        assert round(row["value"], 2) == ours
        assert round(row["value"] - row["difference"], 2) == theirs
    correlation, regret = (rows[measure, "ridge", "nearest, genetic"] for measure in MEASURES)
    assert correlation["low"] > 0
    assert regret["low"] < 0 < regret["high"]
    together = " and ".join(NEAREST)
    assert re.search(f"mean of the standardised {together} distances", text)


def test_what_the_page_says_of_the_other_matrix_follows_from_its_tables() -> None:
    kept = pl.read_csv(KEPT / "philippy2023-figure3-massive.comparison.csv")
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    rows = {
        (row["measure"], row["ranking"]): row for row in kept.filter(baseline="nearest, genetic").iter_rows(named=True)
    }
    correlation, regret = (rows[measure, "ridge"] for measure in MEASURES)
    assert "0.90 against 0.14, and 0.00 points lost against 5.68 (difference 4.47 to 6.96)" in text
    assert [round(correlation["value"] - less, 2) for less in (0, correlation["difference"])] == [0.90, 0.14]
    assert [round(regret["value"] - less, 2) for less in (0, regret["difference"])] == [0.0, 5.68]
    assert (round(-regret["high"], 2), round(-regret["low"], 2)) == (4.47, 6.96)
    assert "names English as well, and loses 0.23" in text
    assert round(rows[MEASURES[1], "most pre-training size"]["value"], 2) == 0.23
    assert "rank correlation 0.24" in text
    assert round(rows[MEASURES[0], "ridge, features alone"]["value"], 2) == 0.24
