"""What philippy2023 prints of its figure 3, computed again from the figure, and what better tests say of it.

Its 15 accuracies a row are counts of 5,010 correct answers, printed to two decimals: the counts are put back, so that
correlations come out to the fourth decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl

from isogloss.analysis.controls import pretraining_sizes
from isogloss.analysis.legacy import legacy_distances
from isogloss.analysis.statistics.correlation import COEFFICIENTS, correlate
from isogloss.analysis.statistics.frame import TAKE_CONTROLS, relate
from isogloss.analysis.statistics.one_source import PERMUTATION, relate_targets
from isogloss.analysis.statistics.pairs import Matrix, align
from isogloss.errors import mistake, nearest
from isogloss.evaluation.printed import printed_tables
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
STAND_IN = "xlm-roberta-base"
"""The encoder whose sizes in pre-training stand in for those of the paper's own, which were not published."""


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


def source(name: str) -> Mapping[str, Any]:
    """Return the citation of a table of this module, what it is, and whether same-language pairs are in it."""
    return printed_tables()[name]


def printed_correlations(name: str) -> pl.DataFrame:
    """Return a paper's printed correlations in long form.

    Args:
        name: of its table or figure, as "philippy2023-figure1".

    Returns:
        The columns variant, layer ("1", "2" …, "mean" for what the paper calls an average or all, "" where there are
        none), explanatory (distances have the names that they have here), coefficient, with_same_language (null where
        the paper does not say), value.

    Raises:
        Mistakes: there is no such table.
    """
    if name not in printed_tables():
        remedy = nearest(name, printed_tables())
        raise mistake(f'no printed correlations called "{name}"', where="printed", remedy=remedy)
    rows = []
    for row in _read(name).iter_rows(named=True):
        layer = row.get("layer") or ""
        about = {
            "variant": row.get("experiment") or "",
            "layer": "mean" if layer in ("AVG", "All") else layer,
            "with_same_language": printed_tables()[name].get("same_language"),
        }
        for column, value in row.items():
            if column in DISTANCES:
                rows.append(
                    {**about, "explanatory": DISTANCES[column], "coefficient": "pearson", "value": float(value)}
                )
            elif column in COEFFICIENTS:
                one = DISTANCES[row["distance"]] if "distance" in row else "transfer"
                rows.append({**about, "explanatory": one, "coefficient": column, "value": float(value)})
    return pl.DataFrame(rows, schema_overrides={"with_same_language": pl.Boolean})


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
    found = relate_targets([figure3()], list(distances_of_the_time().values()), source=_SOURCE, key=Key(0))
    found = found.filter(pl.col("coefficient") == "pearson")
    rows = []
    for (name,), part in found.group_by(["explanatory"], maintain_order=True):
        rest = part.filter(~pl.col("with_same_language"))
        naive, permuted = (rest.row(by_predicate=pl.col("test") == test, named=True) for test in ("naive", PERMUTATION))
        rows.append(
            {
                "distance": name,
                "pearson": part["value"][0],
                "pearson_printed": float(printed[str(name)]),
                "without_same_language": naive["value"],
                "p_naive": naive["p"],
                "p": permuted["p"],
                "p_bh": permuted["p_bh"],
            }
        )
    return pl.DataFrame(rows)


def corrected(*, draws: int = 9_999) -> pl.DataFrame:
    """Return every test of figure 3 against the five distances, each controlled for the others where a test can."""
    distances = list(distances_of_the_time().values())
    return relate(figure3(), distances, controls=distances, key=Key(0, "philippy2023-table1"), draws=draws)


def controlled(*, draws: int = 9_999) -> pl.DataFrame:
    """Return the tests that take controls once more, with size in pre-training among what is controlled for.

    The sizes are those of CC-100, which XLM-R read: those of the paper's encoder, multilingual BERT, were not
    published.
    """
    distances = list(distances_of_the_time().values())
    sizes = pretraining_sizes(STAND_IN, figure3().languages, where="philippy2023-figure3")
    key = Key(0, "philippy2023-table1")
    return relate(figure3(), distances, controls=distances, covariates=sizes, tests=TAKE_CONTROLS, key=key, draws=draws)


def _read(name: str) -> pl.DataFrame:
    with (files("isogloss.evaluation") / "reference" / f"{name}.csv").open("rb") as file:
        return pl.read_csv(file, infer_schema=False)
