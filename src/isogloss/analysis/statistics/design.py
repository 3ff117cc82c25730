"""What is taken out of a matrix before it is tested: controls, and main effects of source and target.

Sources differ in how much they teach, targets in how hard they are; neither is a matter of distance. Taking out
two-way fixed effects leaves what is particular to a pair. On a complete matrix that is double centring; without
the same-language pairs it is the least-squares fit over the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isogloss.analysis.statistics.pairs import Bools, Floats
from isogloss.errors import mistake

_TOLERANCE = 1e-9


def nuisance(cells: Bools, controls: Sequence[Floats] = (), *, two_way: bool) -> Floats:
    """Return an orthonormal basis of what is controlled for, [cells, rank].

    Args:
        cells: which cells are compared, [n, n].
        controls: other matrices, [n, n] each.
        two_way: whether every source and every target has a level of its own; otherwise one intercept.
    """
    n = len(cells)
    columns = [np.ones(int(cells.sum()))]
    if two_way:
        sources, targets = np.nonzero(cells)
        columns += [*np.equal.outer(np.arange(n), sources).astype(float)]
        columns += [*np.equal.outer(np.arange(n), targets).astype(float)]
    columns += [_unit(control[cells]) for control in controls]
    left, singular, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
    basis: Floats = left[:, singular > _TOLERANCE * singular[0]]
    return basis


def residual(vectors: Floats, basis: Floats) -> Floats:
    """Return what a basis leaves of vectors of cells, [..., cells]."""
    rest: Floats = vectors - (vectors @ basis) @ basis.T
    return rest


def residual_matrix(matrix: Floats, cells: Bools, basis: Floats, name: str = "matrix") -> Floats:
    """Return a matrix of what a basis leaves, of norm 1 and with zeros in the cells that are not compared, [n, n].

    Raises:
        Mistakes: nothing is left: the matrix is a sum of what is controlled for.
    """
    centred = _unit(matrix[cells])
    rest = residual(centred, basis)
    norm = float(np.linalg.norm(rest))
    if norm <= _TOLERANCE * max(float(np.linalg.norm(centred)), 1e-300):
        raise mistake("nothing is left of it", where=name, remedy="control for less: it is a sum of the controls")
    full = np.zeros(cells.shape)
    full[cells] = rest / norm
    return full


def _unit(vector: Floats) -> Floats:
    """Centre and scale, so that no control is lost in the rounding of another."""
    centred: Floats = vector - vector.mean()
    norm = float(np.linalg.norm(centred))
    return centred / norm if norm > 0 else centred
