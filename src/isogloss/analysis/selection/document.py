"""The tables of docs/auxiliary.md, written from frames and never typed.

A block is called after its frame: `<!-- auxiliary: philippy2023-figure3.comparison -->` is the table of
philippy2023-figure3.comparison.csv, in the folder beside the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from isogloss.analysis.selection.evaluate import coverage, evaluate
from isogloss.analysis.selection.features import Features, pair_features
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.selection.shown import comparison_tables, coverage_table
from isogloss.analysis.statistics.pairs import matrix_from_pairs
from isogloss.analysis.statistics.printed import figure3
from isogloss.evaluation.frame import read_csv, write_frame
from isogloss.evaluation.render import render

FIGURE = "philippy2023-figure3"
OVERLAP = "xnli-overlap.csv"
_ENCODER = "bert-base-multilingual-cased"


def keep(folder: Path) -> None:
    """Write the frames of the page, from the overlap that is kept there."""
    write(folder, FIGURE, *frames(*figure(folder)))


def frames(observed: Observed, features: Features) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return how rankings do, and how often intervals hold (see `isogloss.analysis.selection.evaluate`)."""
    covered = [coverage(observed, features, never_measured=never) for never in (False, True)]
    return evaluate(observed, features), pl.DataFrame(covered)


def write(folder: Path, name: str, compared: pl.DataFrame, covered: pl.DataFrame) -> None:
    """Write what `frames` returned as NAME.comparison.csv and NAME.coverage.csv."""
    write_frame(compared, folder / f"{name}.comparison.csv")
    write_frame(covered, folder / f"{name}.coverage.csv")


def figure(folder: Path) -> tuple[Observed, Features]:
    """Return figure 3 of philippy2023 in points, and the features of its pairs.

    Args:
        folder: with the sub-word overlap.

    Raises:
        Mistakes: `urielplus`, which has the distances, is not installed.
    """
    observed = Observed.of(figure3(), points=100)
    rows = read_csv(folder / OVERLAP).with_columns(pl.col("value").cast(pl.Float64))
    overlap = matrix_from_pairs(rows, OVERLAP)
    return observed, pair_features(observed.candidates, observed.targets, encoder=_ENCODER, overlap=overlap)


def blocks(results: Path) -> Mapping[str, Callable[[], str]]:
    """Return what writes each table."""
    compared, covered = (sorted(results.glob(f"*.{what}.csv")) for what in ("comparison", "coverage"))
    return {path.stem: partial(_comparison, path) for path in compared} | {
        path.stem: partial(_coverage, path) for path in covered
    }


def _comparison(path: Path) -> str:
    frame = pl.read_csv(path)
    return render(tuple(comparison_tables(frame, path.name.partition(".")[0])), "md")


def _coverage(path: Path) -> str:
    return render([coverage_table(pl.read_csv(path), path.name.partition(".")[0])], "md")
