"""Simulated transfer matrices: what is true of them is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from isogloss.analysis.statistics.pairs import Bools, Floats
from isogloss.analysis.statistics.tree import Tree

NOISE = 0.5
TRAITS = 5


class Draw(NamedTuple):
    """An explanatory matrix, an outcome, which cells to compare, the tree that a test is told of, and its controls."""

    x: Floats
    y: Floats
    cells: Bools
    tree: Tree
    controls: tuple[Floats, ...] = ()


class World(NamedTuple):
    """How outcomes come about.

    Attributes:
        kin: outcome and main effects follow the same tree as the distance, independently of it; otherwise main effects
            are independent and there is nothing else.
        coarse: a test is told of two levels of the tree only.
        slope: how much a standard deviation of distance takes from the outcome; 0 is a null.
        own: what a language gains from being trained on itself; not 0: same-language pairs are compared too.
        beside: the slope of another distance, correlated with the one in question, which tests are told to control for;
            0: there is none.
    """

    kin: bool = False
    coarse: bool = False
    slope: float = 0.0
    own: float = 0.0
    beside: float = 0.0

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """Return a distance and an outcome of n languages; the distance follows a tree in every world."""
        tree = yule(n, rng)
        x = gaps(tree, rng)
        y = -standard(gaps(tree, rng)) if self.kin else np.zeros((n, n))
        effects = tree.traits(1, 2, rng)[0].T if self.kin else rng.standard_normal((2, n))
        y = y + effects[0][:, None] + effects[1] + NOISE * rng.standard_normal((n, n)) - self.slope * standard(x)
        y = y + self.own * np.eye(n)
        cells = np.ones((n, n), dtype=bool) if self.own else ~np.eye(n, dtype=bool)
        controls: tuple[Floats, ...] = ()
        if self.beside:
            other = standard(x) + standard(gaps(tree, rng))
            y = y - self.beside * standard(other)
            controls = (other,)
        return Draw(x, y, cells, coarsened(tree) if self.coarse else tree, controls)


WORLDS = {
    "effects": World(),
    "tree": World(kin=True),
    "coarse tree": World(kin=True, coarse=True),
    "same-language pairs": World(own=2.0),
    "planted, effects": World(slope=0.15),
    "planted, tree": World(kin=True, slope=0.4),
    "controlled": World(beside=0.4),
    "controlled tree": World(kin=True, beside=0.4),
    "planted, controlled": World(beside=0.4, slope=0.15),
}


def yule(n: int, rng: np.random.Generator) -> Tree:
    """Return a tree of pure birth (Yule 1925), read backwards: any two lineages meet, at rate k for k lineages."""
    met = np.zeros((n, n))
    lineages, now = [[leaf] for leaf in range(n)], 0.0
    while len(lineages) > 1:
        now += rng.exponential(1 / len(lineages))
        first, second = (lineages.pop(int(rng.integers(len(lineages)))) for _ in range(2))
        met[np.ix_(first, second)] = now
        met[np.ix_(second, first)] = now
        lineages.append(first + second)
    return Tree(tuple(map(str, range(n))), 1 - met / now, "pure birth")


def coarsened(tree: Tree) -> Tree:
    """Return what is left of a tree where only families (a third from the root) and branches are known."""
    shared = np.floor(tree.shared * 3) / 3
    return Tree(tree.languages, shared, "two levels")


def gaps(tree: Tree, rng: np.random.Generator) -> Floats:
    """Return Euclidean distances between traits that evolve along a tree."""
    points = tree.traits(1, TRAITS, rng)[0]
    return np.asarray(np.linalg.norm(points[:, None] - points, axis=-1))


def standard(matrix: Floats) -> Floats:
    """Centre and scale by what stands off the diagonal."""
    off = matrix[~np.eye(len(matrix), dtype=bool)]
    return np.asarray((matrix - off.mean()) / off.std())
