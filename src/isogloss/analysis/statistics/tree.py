"""A family tree as far as a trait that evolves along it cares: how much of their history two languages share.

Under Brownian motion along a tree whose leaves are equally far from its root, the covariance of a trait in two
languages is the length of the path that they share (Felsenstein 1985).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from isogloss import languages as table
from isogloss.analysis.statistics.pairs import Floats, Matrix
from isogloss.errors import mistake


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree, all of whose leaves are at depth 1.

    Attributes:
        languages: its leaves.
        shared: length of the path from the root that two of them share, [n, n]; 1 on the diagonal.
        origin: what it was built from.
    """

    languages: tuple[str, ...]
    shared: Floats
    origin: str

    def take(self, languages: Sequence[str]) -> Tree:
        """Return the tree of some of its leaves, in this order.

        Raises:
            Mistakes: a language is not in it.
        """
        lacking = sorted(set(languages) - set(self.languages))
        if lacking:
            raise mistake(f"{', '.join(lacking)} not in the tree", where=self.origin, remedy="give a tree with them")
        order = [self.languages.index(code) for code in languages]
        return Tree(tuple(languages), self.shared[np.ix_(order, order)], self.origin)

    def traits(self, draws: int, traits: int, rng: np.random.Generator) -> Floats:
        """Draw traits that evolve along the tree by Brownian motion, [draws, n, traits]."""
        # A jitter: languages of one branch may share all of their path where a distance between them is 0.
        root = np.linalg.cholesky(self.shared + 1e-9 * np.eye(len(self.shared)))
        return np.asarray(root @ rng.standard_normal((draws, len(root), traits)))


def family_tree(languages: Sequence[str]) -> Tree:
    """Return the tree of families and branches in the table of languages, with a third of its depth above each.

    It is coarse: languages of one branch are equally far from each other, and families from each other.

    Raises:
        Mistakes: a key is not in the table.
    """
    entries = [table.get(code, where="tree") for code in languages]
    family = np.array([entry.family for entry in entries])
    branch = np.array([f"{entry.family}/{entry.branch}" for entry in entries])
    shared = ((family[:, None] == family).astype(float) + (branch[:, None] == branch)) / 3
    np.fill_diagonal(shared, 1.0)
    return Tree(tuple(languages), shared, "families and branches of the table of languages")


def tree_from_distances(distance: Matrix) -> Tree:
    """Return the tree that average linkage (UPGMA) builds from a distance matrix, its two directions averaged.

    Raises:
        Mistakes: a distance is missing.
    """
    values = (distance.values + distance.values.T) / 2
    np.fill_diagonal(values, 0.0)
    if np.isnan(values).any():
        raise mistake("a distance is missing", where=distance.name, remedy="a tree needs every pair")
    heights = squareform(cophenet(linkage(squareform(values, checks=False), "average")))
    shared = 1 - heights / heights.max()
    return Tree(distance.languages, shared, f"average linkage of {distance.name}")
