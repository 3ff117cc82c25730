"""Scores over sources × targets as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from isogloss.analysis.statistics.pairs import Matrix
from isogloss.analysis.transfer import TransferFrames
from isogloss.evaluation.tabular import Cell, Column, Table


def titled(observed: TransferFrames) -> list[tuple[str, Matrix]]:
    """Return the scores of each variant as a matrix, under a title that says whose and which they are."""
    name, metric = observed.name, observed.metric
    return [(f"{name}/{variant}: {metric}", observed.transfer_matrix(variant)) for variant in observed.variants]


def transfer_tables(matrices: Sequence[tuple[str, Matrix]]) -> Iterator[Table]:
    """Yield a table for each matrix: a row for each source with its mean over the other languages, a column a target.

    Args:
        matrices: title and scores in percent; a source without any has no row.
    """
    for title, matrix in matrices:
        columns = [Column(name, "number", digits=1, many=True) for name in matrix.languages]
        others = matrix.values.copy()
        np.fill_diagonal(others, np.nan)
        rows = []
        for source, row, rest in zip(matrix.languages, matrix.values, others, strict=True):
            if not np.isnan(row).all():
                mean = None if np.isnan(rest).all() else float(np.nanmean(rest))
                cells = (Cell(None if np.isnan(value) else float(value)) for value in row)
                rows.append((Cell(source), Cell(mean), *cells))
        heads = (Column("source"), Column("mean of the others", "number", digits=1))
        yield Table(title, (*heads, *columns), tuple(rows))
