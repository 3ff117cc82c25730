"""The answer to a recipe's question: how transfer, impact and distance go together (Philippy, Guo & Haddadan 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isogloss.analysis.controls import PRETRAINING, pretraining_sizes
from isogloss.analysis.origins import distances_from
from isogloss.analysis.statistics.correlation import COEFFICIENTS, correlate
from isogloss.analysis.statistics.frame import DEFAULT, SCHEMA, relate
from isogloss.analysis.statistics.one_source import PERMUTATION, relate_targets
from isogloss.analysis.statistics.pairs import Matrix, align, constants
from isogloss.analysis.statistics.printed import printed_correlations
from isogloss.analysis.statistics.tree import Tree, family_tree, tree_from_distances
from isogloss.analysis.transfer import TransferFrames
from isogloss.errors import mistake
from isogloss.keys import Key
from isogloss.recipe.analysis import CorrelateAnalysis

POOLED = "naive, rows of all layers"
MEAN = "impact, mean of layers"
BELIEVED = {DEFAULT: "two-way pearson", PERMUTATION: "pearson"}
"""The test that the others are read against, of a matrix and of one source, and the coefficient that it is of."""

_LATER = ("encoder", "sizes_of")  # what earlier versions kept does not say them
_ASKED = ("variant", "source", "controls", "printed", *_LATER)
_COLUMNS: Mapping[str, Any] = {**SCHEMA, **dict.fromkeys(_ASKED, pl.String)}
TESTS = ("naive", "Mantel", "MRQAP-DSP", "mixed model", "bootstrap", DEFAULT)


def answer(
    question: CorrelateAnalysis,
    observed: TransferFrames,
    *,
    tests: Sequence[str] = TESTS,
    key: Key | None = None,
) -> pl.DataFrame:
    """Answer a question of every variant.

    Args:
        question: as a recipe asks it.
        observed: what was measured.
        tests: of a whole matrix, names in `frame.TESTS`; one source has its own.
        key: where randomness comes from: the same key, the same answer; one of its own if not given.

    Returns:
        The columns of `relate`, and variant, source ("" for all), controls (what MRQAP and the mixed model control
        for), printed (see `printed_beside`), encoder (of the runs, "" where it is not known) and sizes_of (the encoder
        whose sizes in pre-training are controlled for, "" for none). Where impact is the outcome there are rows of
        every layer, of the mean of all layers, and of the rows of all layers together: the paper has such an entry and
        does not say which it is.

    Raises:
        Mistakes: impact is asked for and was not measured, a language is unknown, sizes in pre-training are to be
            controlled for and are not known, or there are too few languages.
    """
    key = key or Key(0, "correlate")
    if question.outcome == "impact" and observed.impact.is_empty():
        remedy = 'add [[analyses]] with name = "impact" to the recipe and run it: what is trained is found again'
        raise mistake("the impact was not measured", where=observed.name, remedy=remedy)
    parts = []
    for variant in observed.variants:
        outcomes, explanatory, distances = _matrices(question, observed, variant)
        encoder = observed.encoder(variant)
        sizes_of = (question.encoder or encoder) if PRETRAINING in question.controls else ""
        if question.source is not None:
            found = relate_targets(outcomes, explanatory, source=question.source, key=key, draws=question.draws)
            controls: list[Matrix] = []
        else:
            controls = [matrix for matrix in distances if _complete(matrix)]
            sizes = pretraining_sizes(sizes_of, outcomes[0].languages, where=observed.name) if question.controls else ()
            found = relate(
                outcomes,
                explanatory,
                key=key,
                tree=_tree(outcomes[0].languages),
                controls=controls,
                covariates=sizes,
                tests=tests,
                draws=question.draws,
            )
            if question.outcome == "impact":
                found = pl.concat([found, _pooled(outcomes, explanatory)])
        named = " ".join([*(matrix.name for matrix in controls), *question.controls])
        asked = (variant, question.source or "", named, question.printed or "", encoder, sizes_of)
        parts.append(found.with_columns(**{name: pl.lit(value) for name, value in zip(_ASKED, asked, strict=True)}))
    return pl.concat(parts)


def printed_beside(answers: pl.DataFrame) -> pl.DataFrame | None:
    """Return a paper's answers to the same question, of `printed_correlations`; None where it has none."""
    name = str(answers["printed"][0])
    return printed_correlations(name) if name else None


def read_answer(path: Path) -> pl.DataFrame:
    """Read what `answer` returned and `isogloss analyse correlate --keep` wrote.

    Raises:
        Mistakes: it is not there, or is not of that form.
    """
    remedy = "write it anew with `isogloss analyse correlate RUNS --keep`"
    try:
        frame = pl.read_csv(path, schema_overrides=dict(_COLUMNS))
        unsaid = [pl.lit("").alias(name) for name in _LATER if name not in frame.columns]
        found = frame.with_columns(unsaid).select(list(_COLUMNS))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise mistake("cannot be read as an answer", where=str(path), remedy=remedy) from error
    if found.is_empty():
        raise mistake("no rows", where=str(path), remedy=remedy)
    return found


def believed(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the test that the others are read against."""
    rows = [(pl.col("test") == test) & (pl.col("coefficient") == coefficient) for test, coefficient in BELIEVED.items()]
    return answers.filter(pl.any_horizontal(rows))


def _matrices(
    question: CorrelateAnalysis, observed: TransferFrames, variant: str
) -> tuple[list[Matrix], list[Matrix], list[Matrix]]:
    """Outcomes, explanatory matrices, and distances, which may be controlled for."""
    transfer = observed.transfer_matrix(variant)
    outcomes = [transfer]
    if question.outcome == "impact":
        outcomes = observed.impact_matrices(variant)
        if not outcomes:
            remedy = "name the runs of a variant that has it, as NAME/VARIANT"
            raise mistake(f'no impact of the variant "{variant}"', where=observed.name, remedy=remedy)
        mean = np.mean([layer.values for layer in outcomes], axis=0)
        outcomes.append(Matrix(MEAN, outcomes[0].languages, mean))
    languages = outcomes[0].languages
    distances = [Matrix.of(one) for one in distances_from(question.distances, languages, question.kinds)]
    return outcomes, [transfer] if question.explanatory == "transfer" else distances, distances


def _complete(matrix: Matrix) -> bool:
    """Whether a distance may be controlled for: one that lacks a language would cost all tests that language."""
    return bool(np.ptp(matrix.values) > 0)  # NaN where one is missing


def _tree(languages: Sequence[str]) -> Tree:
    """The tree of the genetic distance; that of families and branches where a language has none."""
    genetic = Matrix.of(*distances_from("uriel", languages, ("genetic",)))
    return tree_from_distances(genetic) if _complete(genetic) else family_tree(languages)


def _pooled(outcomes: Sequence[Matrix], explanatory: Sequence[Matrix]) -> pl.DataFrame:
    """Correlation over the cells of all layers put together, with the naive p-value."""
    layers = [outcome for outcome in outcomes if outcome.layer is not None]
    rows = []
    for same in (True, False):
        for one in explanatory:
            aligned = [align([one, layer], with_same_language=same) for layer in layers]
            pairs = [pair for pair in aligned if not constants(("outcome", pair.vector(1)))]
            if not pairs:
                continue
            x = np.concatenate([pair.vector(0) for pair in pairs])
            y = np.concatenate([pair.vector(1) for pair in pairs])
            for coefficient in COEFFICIENTS:
                found = correlate(x, y, coefficient)
                rows.append(
                    {
                        "outcome": layers[0].name,
                        "explanatory": one.name,
                        "with_same_language": same,
                        "test": POOLED,
                        "coefficient": coefficient,
                        "value": found.value,
                        "statistic": found.value,
                        "cells": x.size,
                        "languages": len(pairs[0].languages),
                        "p": found.p,
                        "note": "takes cells and layers for independent",
                    }
                )
    return pl.DataFrame(rows, schema=dict(SCHEMA))
