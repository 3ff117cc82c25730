"""Matrices and answers in docs/results_distances.md are those of the frames beside it; the answers follow from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from isogloss.analysis.correlations import MEAN, POOLED, answer, believed, read_answer
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
    page = Path(shutil.copy(DOCS / "results_distances.md", tmp_path))
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


@pytest.mark.parametrize(
    ("said", "answers", "explanatory", "layer", "value", "most"),
    [
        (
            "−0.37 of two-way residuals (corrected p < 0.001)",
            "massive.philippy2023-table1",
            "syntactic",
            None,
            -0.37,
            0.001,
        ),
        ("the geographic one** (−0.31, p = 0.015)", "massive.philippy2023-table1", "geographic", None, -0.31, 0.0155),
        ("the inventory (−0.22, p = 0.035)", "massive.philippy2023-table1", "inventory", None, -0.22, 0.0355),
        ("(−0.39,\n  p = 0.004; −0.32, p = 0.013)", "massive.philippy2023-figure1", "syntactic", "mean", -0.39, 0.0045),
        (
            "(−0.39,\n  p = 0.004; −0.32, p = 0.013)",
            "massive.philippy2023-figure1",
            "geographic",
            "mean",
            -0.32,
            0.0135,
        ),
        ("(+0.30 to +0.43 of two-way residuals", "massive.philippy2023-table2", "transfer", 2, 0.30, 0.003),
        ("(+0.30 to +0.43 of two-way residuals", "massive.philippy2023-table2", "transfer", 5, 0.43, 0.003),
        ("(+0.06, undecided; −0.10, p = 0.024)", "massive.philippy2023-table2", "transfer", 11, -0.10, 0.0245),
        ("(−0.47, p < 0.001; −0.45,\n  p = 0.005)", "sib200.philippy2023-figure1", "syntactic", "mean", -0.47, 0.001),
        ("(−0.47, p < 0.001; −0.45,\n  p = 0.005)", "sib200.philippy2023-figure1", "geographic", "mean", -0.45, 0.0055),
    ],
)
def test_what_the_page_claims_follows_from_its_answers(
    said: str, answers: str, explanatory: str, layer: int | str | None, value: float, most: float
) -> None:
    """Red when an answer is kept anew and a sentence beside it is not read again."""
    assert said in (DOCS / "results_distances.md").read_text(encoding="utf-8")
    frame = believed(read_answer(KEPT / f"philippy2023-figure3-{answers}{ANSWER}"))
    of = (
        pl.col("outcome") == MEAN
        if layer == "mean"
        else pl.col("layer").eq_missing(layer) & (pl.col("outcome") != MEAN)
    )
    row = frame.filter(of, pl.col("explanatory") == explanatory, ~pl.col("with_same_language")).row(0, named=True)
    assert round(row["value"], 2) == value
    assert row["p_bh"] <= most


def test_in_which_layers_impact_goes_with_distance() -> None:
    """The page: in layers 1 to 8, geographic not in 6 (MASSIVE), both in 2 to 9 (SIB-200)."""
    for name, kind, layers in (
        ("massive", "syntactic", range(1, 9)),
        ("massive", "geographic", (1, 2, 3, 4, 5, 7, 8)),
        ("sib200", "syntactic", range(2, 10)),
        ("sib200", "geographic", range(2, 10)),
    ):
        frame = believed(read_answer(KEPT / f"philippy2023-figure3-{name}.philippy2023-figure1{ANSWER}"))
        mine = frame.filter(pl.col("explanatory") == kind, ~pl.col("with_same_language"), pl.col("p_bh") < 0.05)
        assert set(layers) <= set(mine["layer"])
        assert mine["value"].max() < 0


def test_how_many_coefficients_are_nearer_to_0_when_layers_are_frozen() -> None:
    answers = read_answer(KEPT / f"philippy2023-table3-xnli.philippy2023-table3{ANSWER}")
    values = answers.filter(test="naive", coefficient="pearson")
    text = (DOCS / "results_distances.md").read_text(encoding="utf-8")
    for same, sentence, nearer in ((True, "8 of our 15 coefficients", 8), (False, "7 of 15 are", 7)):
        assert sentence in text
        mine = values.filter(with_same_language=same)
        whole = dict(mine.filter(variant="full").select("explanatory", "value").iter_rows())
        frozen = mine.filter(pl.col("variant") != "full").select("explanatory", "value").iter_rows()
        assert sum(abs(value) < abs(whole[name]) for name, value in frozen) == nearer


def test_what_freezing_costs_seed_by_seed() -> None:
    scores = pl.read_csv(KEPT / "philippy2023-table3.scores.csv").filter(metric="accuracy", role="unseen")
    means = scores.group_by("variant", "seed").agg(pl.col("value").mean()).sort("seed")
    mine, whole = (means.filter(variant=name)["value"] for name in ("A", "full"))
    text = " ".join((DOCS / "results_distances.md").read_text(encoding="utf-8").split())
    said = "Seed by seed A differs by −0.5, +1.2 and +0.9"
    assert said in text
    assert (mine - whole).round(1).to_list() == [-0.5, 1.2, 0.9]


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in ANSWERS if "table1" in path.name], ids=lambda path: path.name)
def test_all_of_it_follows_from_the_matrix(path: Path) -> None:
    """Red when a test, its draws or its key changed and an answer was not kept anew.

    Sums in another order (other threads) move an optimum in its sixth digit, and may move one draw of 9,999.
    """
    assert_frame_equal(again(path, draws=None), read_answer(path), abs_tol=1e-5, rel_tol=0)


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.answer.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name in ("x.answer.csv", "y.answer.csv"):
        with pytest.raises(Mistakes, match="cannot be read as an answer"):
            read_answer(tmp_path / name)
