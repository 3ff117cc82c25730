"""What philippy2023 prints of its figure 3, computed again from the figure, and what better tests say of it.

Its 15 accuracies a row are counts of 5,010 correct answers, printed to two decimals: the counts are put back, so that
correlations come out to the fourth decimal.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import numpy as np
import polars as pl
from scipy import stats

from isogloss.analysis.legacy import legacy_distances
from isogloss.analysis.statistics.correlation import correlate
from isogloss.analysis.statistics.frame import relate
from isogloss.analysis.statistics.multiple import adjust
from isogloss.analysis.statistics.pairs import Matrix, align
from isogloss.evaluation.reference import load_reference
from isogloss.keys import Key

DISTANCES = {
    "SYN": "syntactic",
    "GEO": "geographic",
    "INV": "inventory",
    "GEN": "genetic",
    "PHON": "phonological",
}
_QUESTIONS = 5_010
_SOURCE = "en"


def figure3() -> Matrix:
    """Return the accuracies of figure 3 as shares of correct answers, source × target, [15, 15]."""
    reference = load_reference("philippy2023-figure3")
    languages = reference.average
    rows = {dict(row.arm.cell)["source"]: row.values for row in reference.rows}
    percent = np.array([[rows[source][target] for target in languages] for source in languages])
    return Matrix("transfer", languages, np.round(percent / 100 * _QUESTIONS) / _QUESTIONS)


def distances_of_the_time() -> dict[str, Matrix]:
    """Return the distances that the paper used, by its names: as lang2vec served them, artefacts included.

    Raises:
        Mistakes: `urielplus`, whose arrays they are made from, is not installed.
    """
    languages = figure3().languages
    return {name: Matrix.of(legacy_distances(languages, kind), name=name) for name, kind in DISTANCES.items()}


def source(name: str) -> Mapping[str, str]:
    """Return the citation of a table of this module, and what it is."""
    text = (files("isogloss.evaluation") / "reference" / "correlations.toml").read_text(encoding="utf-8")
    entry: Mapping[str, str] = tomllib.loads(text)[name]
    return entry


def table1() -> pl.DataFrame:
    """Return table 1 as computed from figure 3, and as printed: one row a distance, all 225 pairs."""
    printed = {row["distance"]: row for row in _read("philippy2023-table1").iter_rows(named=True)}
    rows = []
    for name, distance in distances_of_the_time().items():
        pairs = align([distance, figure3()], with_same_language=True)
        x, y = pairs.vector(0), pairs.vector(1)
        row: dict[str, str | float] = {"distance": name}
        for coefficient in ("pearson", "spearman"):
            row[coefficient] = correlate(x, y, coefficient).value
            row[f"{coefficient}_printed"] = float(printed[name][coefficient])
        rows.append(row)
    return pl.DataFrame(rows)


def table3() -> pl.DataFrame:
    """Return the first row of table 3: Pearson over the targets of English, as printed, with English, and without.

    The p-values without English are naive ones and permutations of the targets (all targets are different languages),
    the last corrected over the five distances; neither knows the family tree.
    """
    printed = _read("philippy2023-table3").row(0, named=True)
    transfer = figure3()
    own = transfer.languages.index(_SOURCE)
    rows = []
    for name, distance in distances_of_the_time().items():
        x, y = distance.take(transfer.languages)[own], transfer.values[own]
        other_x, other_y = np.delete(x, own), np.delete(y, own)
        rest = correlate(other_x, other_y)
        p = stats.pearsonr(
            other_x, other_y, method=stats.PermutationMethod(n_resamples=9_999, rng=Key(0, name).generator())
        ).pvalue
        rows.append(
            {
                "distance": name,
                "pearson": correlate(x, y).value,
                "pearson_printed": float(printed[name]),
                "without_same_language": rest.value,
                "p_naive": rest.p,
                "p": float(p),
            }
        )
    return adjust(pl.DataFrame(rows).with_columns(family=pl.lit("all")), ["family"]).drop("family")


def corrected(*, draws: int = 9_999) -> pl.DataFrame:
    """Return every test of figure 3 against the five distances, each controlled for the others where a test can."""
    distances = list(distances_of_the_time().values())
    return relate(figure3(), distances, controls=distances, key=Key(0, "philippy2023-table1"), draws=draws)


def _read(name: str) -> pl.DataFrame:
    with (files("isogloss.evaluation") / "reference" / f"{name}.csv").open("rb") as file:
        return pl.read_csv(file, infer_schema=False)
