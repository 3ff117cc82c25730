"""docs/statistics.md holds what the library computes; the figures of philippy2023 come out as printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.analysis.document import rebuild
from isogloss.analysis.statistics import document
from isogloss.analysis.statistics.frame import DEFAULT, relate
from isogloss.analysis.statistics.pairs import FEWEST
from isogloss.analysis.statistics.printed import distances_of_the_time, figure3, source, table1, table3
from isogloss.errors import Mistakes
from isogloss.keys import Key

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "statistics.md"
KEPT = DOCS / "statistics"


def test_table_1_comes_out_as_printed() -> None:
    """Ten numbers, to the fourth decimal. Red without the same-language pairs."""
    frame = table1()
    assert frame.height == 5
    for coefficient in ("pearson", "spearman"):
        assert frame[coefficient].round(4).to_list() == frame[f"{coefficient}_printed"].to_list()


def test_the_first_row_of_table_3_comes_out_as_printed() -> None:
    """Red where the figure's two decimals are taken for the accuracies."""
    frame = table3()
    assert frame["pearson"].round(4).to_list() == frame["pearson_printed"].to_list()
    without = [-0.6454, -0.4501, -0.0169, -0.3595, -0.3591]
    np.testing.assert_allclose(frame["without_same_language"], without, atol=1e-4)


def test_figures_carry_their_source() -> None:
    assert {"citation", "about"} <= source("philippy2023-table1").keys()
    languages = figure3().languages
    assert all(distance.languages == languages for distance in distances_of_the_time().values())
    assert len(languages) >= FEWEST


def test_the_page_holds_what_the_library_computes(tmp_path: Path) -> None:
    """Red when a number in a table is typed, or levels.csv was written and the page was not."""
    page = Path(shutil.copy(PAGE, tmp_path))
    assert not rebuild(page, KEPT)
    page.write_text(page.read_text(encoding="utf-8").replace("-0.3193", "-0.3194"), encoding="utf-8")
    assert rebuild(page, KEPT)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")


def test_a_block_that_is_not_known_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- statistics: level -->\n<!-- /statistics -->\n", encoding="utf-8")
    with pytest.raises(Mistakes, match='did you mean "levels"'):
        rebuild(page, KEPT)
    for broken in ("<!-- statistics: levels -->\n", "<!-- /statistics -->\n"):
        page.write_text(broken, encoding="utf-8")
        with pytest.raises(Mistakes, match='blocks "statistics" and their ends are not as many'):
            rebuild(page, KEPT)


def test_what_the_page_keeps_is_what_is_computed() -> None:
    """Other draws, the same answers: values to the last digit kept, p-values within their error."""
    distances = list(distances_of_the_time().values())
    tests = ["naive", "Mantel", "MRQAP-DSP", DEFAULT]
    found = relate(figure3(), distances, controls=distances, key=Key(7), draws=999, tests=tests)
    found = found.filter(pl.col("coefficient") != "kendall")
    on = ["explanatory", "with_same_language", "test", "coefficient"]
    both = found.join(pl.read_csv(KEPT / document.KEPT[0]), on=on, suffix="_kept")
    assert both.height == found.height
    np.testing.assert_allclose(both["value"], both["value_kept"], atol=1e-6)
    error = np.sqrt(np.maximum(both["p_kept"] * (1 - both["p_kept"]), 1e-3) / 999)
    assert (np.abs(both["p"] - both["p_kept"]) < 5 * error).all()
    assert both["p"].is_null().to_list() == both["p_kept"].is_null().to_list()
    again, kept = table3(), pl.read_csv(KEPT / document.KEPT[1])
    for column in ("pearson", "without_same_language", "p_naive"):
        np.testing.assert_allclose(again[column], kept[column], atol=1e-6)
