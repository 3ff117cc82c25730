"""Two tests whose null keeps what the family tree puts into both matrices.

*Spectral randomisation* (Wagner & Dray 2015; of matrices: Crabot, Clappe, Dray & Datry 2019): let U be the
eigenvectors of the tree's centred covariance. A trait that evolves along the tree has independent coordinates in U,
and any orthogonal R that acts within eigenspaces (a change of sign, where an eigenvalue is simple) leaves its law as
it was. R is applied to the rows and columns of the double-centred x; each draw has the tree's autocorrelation
exactly, whatever its strength, since no eigenvalue is used. Two matrices with the same tree are similar, so that draws
scatter around what the tree explains, not around 0. On complete matrices of squared Euclidean distances between
Gaussian traits the test is exact; on others its level is measured (docs/statistics.md). It knows no more than the
tree that it is given. A rotation moves a part of x into cells that are not compared (the diagonal): what is left is
taken free of main effects and to norm 1 once more. There are no controls: rotations would undo their being taken
out, and the test would not hold its level.

*Simulation*: x is compared with distances between traits drawn by Brownian motion along the tree; that is a null of one
strength of autocorrelation, without noise.

Both are made on two-way residuals: the rotation mixes languages, so that main effects must be gone before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from isogloss.analysis.statistics.correlation import Coefficient, scores
from isogloss.analysis.statistics.design import nuisance, residual, residual_matrix
from isogloss.analysis.statistics.mantel import Randomised, p_value
from isogloss.analysis.statistics.pairs import Bools, Floats
from isogloss.analysis.statistics.tree import Tree

_CHUNK = 500
_ITSELF = 0.9  # of what is left of x: the share that no rotation moves, beyond which the test has no power
_GAP = 1e-6  # eigenvalues nearer than this part of the largest are one


def spectral_randomisation(
    x: Floats,
    y: Floats,
    cells: Bools,
    tree: Tree,
    *,
    coefficient: Coefficient = "pearson",
    draws: int = 9_999,
    rng: np.random.Generator,
) -> Randomised:
    """Test whether x and y share more than one tree and main effects would give them.

    Args:
        x: [n, n].
        y: [n, n].
        cells: which cells are compared, [n, n].
        tree: of the n languages, in the matrices' order.
        coefficient: "pearson" or "spearman", of the two-way residuals; ranks are taken before.
        draws: how many rotations.
        rng: whence they come.

    Returns:
        The correlation of the two-way residuals; the statistic is its distance from what the rotations
        give on average, which is what the tree alone explains. Without a p-value and a statistic where x is nearly the
        tree itself, which rotations leave as it is: nothing could be found then, however strong a relation is.

    Raises:
        Mistakes: x or y is a sum of main effects.
    """
    basis, left, right = _residuals(x, y, cells, coefficient)
    values, vectors = _spectrum(tree)
    spaces = eigenspaces(values)
    spectral = vectors.T @ left @ vectors
    value = float((left * right).sum())
    if _unmoved(spectral, spaces) > _ITSELF:
        return Randomised(value, None, None, 0)
    drawn = []
    for start in range(0, draws, _CHUNK):
        turn = vectors @ rotations(spaces, min(_CHUNK, draws - start), rng)
        drawn.append(_fit((turn @ spectral @ turn.transpose(0, 2, 1))[:, cells], basis, right[cells]))
    found = np.concatenate(drawn)
    # What was observed is one of the draws under the null: the mean holds it, so that all are treated alike.
    middle = (float(found.sum()) + value) / (draws + 1)
    return Randomised(value, value - middle, p_value(value - middle, found - middle), draws)


def tree_simulation(
    x: Floats,
    y: Floats,
    cells: Bools,
    tree: Tree,
    *,
    traits: int = 1,
    draws: int = 9_999,
    rng: np.random.Generator,
) -> Randomised:
    """Test whether y is nearer to x than distances between independent traits of the same tree are.

    Args:
        x: [n, n].
        y: [n, n].
        cells: which cells are compared, [n, n].
        tree: of the n languages, in the matrices' order.
        traits: how many traits a simulated distance is made of.
        draws: how many trees' worth of traits.
        rng: whence they come.

    Returns:
        The correlation of the two-way residuals, which is the statistic.

    Raises:
        Mistakes: x or y is a sum of main effects.
    """
    basis, left, right = _residuals(x, y, cells, "pearson")
    drawn = []
    for start in range(0, draws, _CHUNK):
        points = tree.traits(min(_CHUNK, draws - start), traits, rng)
        gaps = np.sqrt(((points[:, :, None] - points[:, None]) ** 2).sum(axis=-1))
        drawn.append(_fit(gaps[:, cells], basis, left[cells]))
    value = float((left * right).sum())
    return Randomised(value, value, p_value(value, np.concatenate(drawn)), draws)


def _unmoved(spectral: Floats, spaces: Sequence[NDArray[np.int64]]) -> float:
    """The share of a matrix, in the tree's eigenvectors, that no rotation moves: a multiple of one in each space."""
    within = [np.trace(spectral[np.ix_(space, space)]) ** 2 / len(space) for space in spaces]
    return float(sum(within) / (spectral**2).sum())


def _fit(vectors: Floats, basis: Floats, unit: Floats) -> Floats:
    """Correlation of what a basis leaves of each vector with a vector that is free of it and of norm 1, [vectors]."""
    rest = residual(vectors, basis)
    norm = np.linalg.norm(rest, axis=1)
    return np.asarray(np.divide(rest @ unit, norm, out=np.zeros_like(norm), where=norm > 1e-12))


def _residuals(x: Floats, y: Floats, cells: Bools, coefficient: Coefficient) -> tuple[Floats, Floats, Floats]:
    """The basis of main effects, and what it leaves of x and of y."""
    rank = partial(_ranked, cells=cells, coefficient=coefficient)
    basis = nuisance(cells, two_way=True)
    return basis, residual_matrix(rank(x), cells, basis, "x"), residual_matrix(rank(y), cells, basis, "y")


def _ranked(matrix: Floats, cells: Bools, coefficient: Coefficient) -> Floats:
    full = np.zeros(cells.shape)
    full[cells] = scores(matrix[cells], coefficient)
    return full


def _spectrum(tree: Tree) -> tuple[Floats, Floats]:
    """Eigenvalues and eigenvectors of the centred covariance without the constant one, [n − 1] and [n, n − 1]."""
    n = len(tree.shared)
    centre = np.eye(n) - 1 / n
    # The constant vector is moved to the front of the spectrum, where no other one is.
    values, vectors = np.linalg.eigh(centre @ tree.shared @ centre - n * np.full((n, n), 1 / n))
    values, vectors = values[1:], vectors[:, 1:]
    return values, one_basis(vectors, eigenspaces(values))


def eigenspaces(values: Floats) -> list[NDArray[np.int64]]:
    """Return the positions of equal eigenvalues, sorted ones given; a simple one is alone."""
    label = np.cumsum(np.concatenate([[0], np.diff(values) > _GAP * np.abs(values).max()]))
    return [np.flatnonzero(label == space) for space in range(label[-1] + 1)]


def one_basis(vectors: Floats, spaces: Sequence[NDArray[np.int64]]) -> Floats:
    """Return a basis of each eigenspace that depends on the space alone, [n, size].

    The signs and, where eigenvalues are equal, the vectors that come out of a decomposition depend on the last bits of
    its sums, and thus on the processor: the same seed would draw other rotations there. These are what is left of the
    same arbitrary vectors in each space, made orthogonal one after the other.
    """
    arbitrary = np.random.default_rng(0).standard_normal(vectors.shape)
    found = np.empty_like(vectors)
    for space in spaces:
        inside = vectors[:, space]
        q, r = np.linalg.qr(inside @ (inside.T @ arbitrary[:, : len(space)]))
        found[:, space] = q * np.sign(np.diagonal(r))
    return found


def rotations(spaces: Sequence[NDArray[np.int64]], draws: int, rng: np.random.Generator) -> Floats:
    """Draw orthogonal matrices that act within each space, uniformly (Haar), [draws, size, size]."""
    size = sum(map(len, spaces))
    turn = np.zeros((draws, size, size))
    for space in spaces:
        q, r = np.linalg.qr(rng.standard_normal((draws, len(space), len(space))))
        # Without the signs of R's diagonal, Q is not uniform (Mezzadri 2007).
        turn[:, space[:, None], space] = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    return turn
