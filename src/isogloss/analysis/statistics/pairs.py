"""Matrices over sources × targets, and which of their cells are compared.

A transfer matrix holds the score of a model trained on the source (row) and tested on the target (column), an
impact matrix 1 − CKA of one layer, a distance matrix what typology says. The *same-language pairs* on the diagonal
are no transfer: every comparison is made with and without them. A missing cell is NaN and costs its language, since
a permutation or a rotation of languages has nowhere to put it; what was dropped is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isogloss.analysis.matrix import DistanceMatrix
from isogloss.errors import Mistake, Mistakes, mistake

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FLAT = 1e-9  # of an impact that is none, 1 - CKA leaves as much in rounding
FEWEST = 5
"""Fewer languages than this are refused: 4 have 24 permutations, and none could be significant with both signs."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """One number for each source and target.

    Attributes:
        name: what the numbers are: "transfer", "impact", "SYN".
        languages: keys of sources and of targets, in one order, n of them.
        values: source × target, [n, n]; NaN where missing.
        layer: the layer that they belong to, counted from 1 (0 is the embeddings); None where there is none.
    """

    name: str
    languages: tuple[str, ...]
    values: Floats
    layer: int | None = None

    def __post_init__(self) -> None:
        n = len(self.languages)
        found: list[Mistake] = []
        if self.values.shape != (n, n):
            shape = " × ".join(map(str, self.values.shape))
            found.append(Mistake(f"{shape} values for {n} languages", self.name, f"give {n} × {n}"))
        if len(set(self.languages)) < n:
            twice = sorted({code for code in self.languages if self.languages.count(code) > 1})
            found.append(Mistake(f"{', '.join(twice)} more than once", self.name, "give every language one row"))
        if np.isinf(self.values).any():
            found.append(Mistake("infinite values", self.name, "leave a cell empty (NaN) where it is not known"))
        if found:
            raise Mistakes(found)

    @classmethod
    def of(cls, distance: DistanceMatrix, *, name: str | None = None) -> Matrix:
        """Return distances between languages as a matrix; its name is their kind if none is given."""
        return cls(name or distance.kind, distance.languages, distance.values)

    def times(self, factor: float) -> Matrix:
        """Return the matrix in another unit."""
        return replace(self, values=self.values * factor)

    def take(self, languages: Sequence[str]) -> Floats:
        """Return the values of these languages in this order, [len(languages)] × 2."""
        order = [self.languages.index(code) for code in languages]
        return np.asarray(self.values[np.ix_(order, order)])


def of_target(name: str, values: Mapping[str, float]) -> Matrix:
    """Return a quantity of the target as a matrix: the logarithm of its size in pre-training, its script."""
    row = np.array(list(values.values()), dtype=float)
    return Matrix(name, tuple(values), np.tile(row, (row.size, 1)))


def of_source(name: str, values: Mapping[str, float]) -> Matrix:
    """Return a quantity of the source as a matrix."""
    target = of_target(name, values)
    return Matrix(name, target.languages, target.values.T.copy())


def matrix_from_pairs(frame: pl.DataFrame, name: str, *, value: str = "value", layer: int | None = None) -> Matrix:
    """Return a matrix from a frame of pairs with the columns `source`, `target` and `value`.

    A pair that is not in the frame is missing.

    Raises:
        Mistakes: a pair stands in the frame more than once.
    """
    if frame.select("source", "target").is_duplicated().any():
        raise mistake("a pair stands there twice", where=name, remedy="choose one run or average before")
    codes = sorted({*frame["source"], *frame["target"]})
    position = {code: index for index, code in enumerate(codes)}
    values = np.full((len(codes), len(codes)), np.nan)
    for source, target, number in frame.select("source", "target", value).iter_rows():
        values[position[source], position[target]] = np.nan if number is None else number
    return Matrix(name, tuple(codes), values, layer)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Matrices aligned by language, without a missing cell.

    Attributes:
        languages: the n languages that all have.
        values: the matrices in the order given, [matrices, n, n].
        cells: which cells are compared, [n, n]: all, or all but the same-language pairs.
        dropped: language → why it is not here.
    """

    languages: tuple[str, ...]
    values: Floats
    cells: Bools
    dropped: Mapping[str, str]

    @property
    def with_same_language(self) -> bool:
        """Whether the diagonal is compared."""
        return bool(self.cells[0, 0])

    def vector(self, position: int) -> Floats:
        """Return the compared cells of a matrix, [cells], sources one after the other."""
        return np.asarray(self.values[position][self.cells])


def align(matrices: Sequence[Matrix], *, with_same_language: bool) -> Pairs:
    """Align matrices by language and drop languages until no compared cell is missing.

    The language with the most missing cells goes first, so that as few as possible go.

    Raises:
        Mistakes: fewer than `FEWEST` languages are left.
    """
    shared, dropped = _shared(matrices)
    values = np.stack([matrix.take(shared) for matrix in matrices])
    cells = np.ones((len(shared), len(shared)), dtype=bool)
    if not with_same_language:
        np.fill_diagonal(cells, False)
    keep = np.ones(len(shared), dtype=bool)
    missing = (np.isnan(values) & cells).any(axis=0)
    while (inside := missing & np.outer(keep, keep)).any():
        count = inside.sum(axis=0) + inside.sum(axis=1)
        worst = int(count.argmax())
        dropped[shared[worst]] = f"{count[worst] - inside[worst, worst]} cells missing"
        keep[worst] = False
    kept = np.flatnonzero(keep)
    pairs = Pairs(
        tuple(shared[index] for index in kept),
        values[:, kept[:, None], kept],
        cells[np.ix_(kept, kept)],
        dropped,
    )
    if len(pairs.languages) < FEWEST:
        what = f"{len(pairs.languages)} languages without a missing cell"
        where = " and ".join(matrix.name for matrix in matrices)
        raise mistake(what, where=where, remedy=f"at least {FEWEST} are needed")
    return pairs


def _shared(matrices: Sequence[Matrix]) -> tuple[list[str], dict[str, str]]:
    lacking = {
        code: f"not in {', '.join(dict.fromkeys(m.name for m in matrices if code not in m.languages))}"
        for matrix in matrices
        for code in matrix.languages
        if any(code not in other.languages for other in matrices)
    }
    return [code for code in matrices[0].languages if code not in lacking], lacking


def constants(*named: tuple[str, Floats]) -> str:
    """Return a note that names the vectors which are the same everywhere, but for rounding; "" where none is."""
    flat = [name for name, vector in named if np.ptp(vector) <= _FLAT]
    return f"the same number everywhere: {' and '.join(flat)}" if flat else ""
