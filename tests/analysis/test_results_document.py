"""Matrices and answers in docs/results.md are those of the frames beside it; the answers follow from the matrices."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from isogloss.analysis.correlations import POOLED, answer, read_answer
from isogloss.analysis.document import rebuild
from isogloss.analysis.kept import ANSWER, TRANSFER
from isogloss.analysis.transfer import TransferFrames
from isogloss.errors import Mistakes
from isogloss.recipe.analysis import CorrelateAnalysis
from isogloss.recipe.load import load_recipe

DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "results"
ANSWERS = sorted(KEPT.glob(f"*{ANSWER}"))
DRAWN_NOTHING = ("naive", POOLED)


def again(path: Path, *, draws: int | None, tests: tuple[str, ...] | None = None) -> pl.DataFrame:
    """Answer once more what the recipe in a kept answer's name asks of the matrix in it."""
    name, _, recipe = path.name.removesuffix(ANSWER).partition(".")
    (question,) = (one for one in load_recipe(recipe).analyses if isinstance(one, CorrelateAnalysis))
    asked = question if draws is None else question.model_copy(update={"draws": draws})
    observed = TransferFrames.read(KEPT / f"{name}{TRANSFER}")
    return answer(asked, observed) if tests is None else answer(asked, observed, tests=tests)


def test_the_page_holds_what_is_kept(tmp_path: Path) -> None:
    """Red when a number in a table is typed."""
    page = Path(shutil.copy(DOCS / "results.md", tmp_path))
    assert not rebuild(page, KEPT)
    text = page.read_text(encoding="utf-8")
    assert all(f"<!-- correlate: {path.name.removesuffix(ANSWER)} -->" in text for path in ANSWERS)


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.name.removesuffix(ANSWER))
def test_what_takes_no_draws_follows_from_the_matrix(path: Path) -> None:
    """Red when a matrix was kept anew and an answer was not."""
    kept, found = (
        frame.filter(pl.col("test").is_in(DRAWN_NOTHING)).drop("p_bh", "draws")
        for frame in (read_answer(path), again(path, draws=9, tests=("naive",)))
    )
    assert kept.height > 0
    assert_frame_equal(found, kept, abs_tol=1e-5, rel_tol=0)


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in ANSWERS if "table1" in path.name], ids=lambda path: path.name)
def test_all_of_it_follows_from_the_matrix(path: Path) -> None:
    """Red when a test, its draws or its key changed and an answer was not kept anew.

    Sums in another order (other threads) move an optimum in its sixth digit, and may move one draw of 9,999.
    """
    assert_frame_equal(again(path, draws=None), read_answer(path), abs_tol=2e-4, rel_tol=0)


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.answer.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name in ("x.answer.csv", "y.answer.csv"):
        with pytest.raises(Mistakes, match="cannot be read as an answer"):
            read_answer(tmp_path / name)
