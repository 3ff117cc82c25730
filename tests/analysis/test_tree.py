from __future__ import annotations

import itertools

import numpy as np
import pytest

from analysis.worlds import coarsened, gaps, yule
from isogloss.analysis.statistics.design import nuisance, residual_matrix
from isogloss.analysis.statistics.frame import DEFAULT, relate
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.analysis.statistics.tree import Tree, family_tree, tree_from_distances
from isogloss.analysis.statistics.tree_null import (
    _spectrum,
    eigenspaces,
    one_basis,
    rotations,
    spectral_randomisation,
    tree_simulation,
)
from isogloss.analysis.typology import distances
from isogloss.errors import Mistakes
from isogloss.keys import Key

OFF = ~np.eye(12, dtype=bool)


def test_families_and_branches() -> None:
    tree = family_tree(("de", "en", "fr", "sw"))
    expected = np.array([[3, 2, 1, 0], [2, 3, 1, 0], [1, 1, 3, 0], [0, 0, 0, 3]]) / 3
    np.testing.assert_allclose(tree.shared, expected)
    np.testing.assert_allclose(tree.take(("sw", "en", "de")).shared, expected[np.ix_([3, 1, 0], [3, 1, 0])])
    with pytest.raises(Mistakes, match="zh not in the tree"):
        tree.take(("en", "zh"))
    with pytest.raises(Mistakes, match="no language has the key"):
        family_tree(("de", "xx"))


def test_average_linkage_gives_an_ultrametric_tree_back() -> None:
    """Red when heights are not scaled, or the distance is not turned into what is shared."""
    tree = yule(9, np.random.default_rng(0))
    again = tree_from_distances(Matrix("GEN", tree.languages, 7 * (1 - tree.shared)))
    np.testing.assert_allclose(again.shared, tree.shared, atol=1e-12)
    np.testing.assert_array_equal(coarsened(tree).shared.diagonal(), 1)
    with pytest.raises(Mistakes, match="missing"):
        tree_from_distances(Matrix("GEN", tree.languages, np.full((9, 9), np.nan)))


def test_traits_have_the_covariance_of_the_tree() -> None:
    tree = yule(6, np.random.default_rng(1))
    found = tree.traits(20_000, 1, np.random.default_rng(2))[..., 0]
    np.testing.assert_allclose(found.T @ found / len(found), tree.shared, atol=0.05)


def test_rotations_leave_the_law_of_a_trait_as_it_is() -> None:
    """They are orthogonal and commute with the centred covariance, equal eigenvalues included. Red without `_GAP`."""
    tree = family_tree(("de", "en", "nl", "fr", "es", "hi", "sw", "zh", "tr", "fi", "hu"))
    values, vectors = _spectrum(tree)
    spaces = eigenspaces(values)
    assert max(map(len, spaces)) > 1
    turn = rotations(spaces, 50, np.random.default_rng(0))
    identity = np.broadcast_to(np.eye(10), turn.shape)
    np.testing.assert_allclose(turn @ turn.transpose(0, 2, 1), identity, atol=1e-12)
    whole = vectors @ turn @ vectors.T
    centre = np.eye(11) - 1 / 11
    covariance = centre @ tree.shared @ centre
    np.testing.assert_allclose(whole @ covariance, covariance @ whole, atol=1e-12)
    np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-12)


def test_a_basis_depends_on_the_spaces_and_not_on_the_vectors_that_span_them() -> None:
    """Another processor's eigenvectors, as it were: other signs, and other vectors where eigenvalues are equal."""
    tree = family_tree(("de", "en", "nl", "fr", "es", "hi", "sw", "zh", "tr", "fi", "hu"))
    values, vectors = _spectrum(tree)
    spaces = eigenspaces(values)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(10), atol=1e-12)
    for turn in rotations(spaces, 5, np.random.default_rng(3)):
        np.testing.assert_allclose(one_basis(vectors @ turn, spaces), vectors, atol=1e-10)


def test_a_space_is_turned_to_all_sides_alike() -> None:
    """Haar's measure: red without the signs of R's diagonal."""
    turn = rotations([np.arange(3)], 20_000, np.random.default_rng(0))
    np.testing.assert_allclose(turn.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose((turn**2).mean(axis=0), 1 / 3, atol=0.02)


def test_the_statistic_is_the_distance_from_what_rotations_give_on_average() -> None:
    """On a tree of simple eigenvalues all changes of sign are counted out. Red when the mean is not taken off."""
    rng = np.random.default_rng(4)
    tree = yule(8, rng)
    x, y = gaps(tree, rng), gaps(tree, rng) + rng.standard_normal((8, 8))
    cells = ~np.eye(8, dtype=bool)
    basis = nuisance(cells, two_way=True)
    left, right = (residual_matrix(matrix, cells, basis) for matrix in (x, y))
    _, vectors = _spectrum(tree)
    drawn = []
    for signs in itertools.product((-1, 1), repeat=7):
        turn = vectors @ np.diag(signs) @ vectors.T
        turned = residual_matrix(turn @ left @ turn.T, cells, basis)
        drawn.append((turned * right).sum())
    found = spectral_randomisation(x, y, cells, tree, draws=4_000, rng=rng)
    assert found.value == pytest.approx(drawn[0])
    assert found.statistic == pytest.approx(drawn[0] - np.mean(drawn), abs=0.02)
    far = np.abs(np.array(drawn) - np.mean(drawn))
    assert found.p == pytest.approx((far >= far[0] - 1e-12).mean(), abs=0.03)


def test_what_is_shared_beyond_the_tree_is_found() -> None:
    rng = np.random.default_rng(0)
    tree = yule(12, rng)
    cause = gaps(tree, rng)
    x = cause + 0.3 * rng.standard_normal((12, 12))
    y = -cause + 0.2 * rng.standard_normal((12, 12)) + 5 * rng.standard_normal(12)
    found = spectral_randomisation(x, y, OFF, tree, draws=199, rng=rng)
    assert found.value < 0
    assert found.p <= 0.01
    assert tree_simulation(x, y, OFF, tree, draws=199, rng=rng).p <= 0.01


def test_ranks_are_taken_before_main_effects() -> None:
    """A monotone change of y moves Pearson's coefficient and not Spearman's. Red when ranks are not taken."""
    rng = np.random.default_rng(1)
    tree = yule(12, rng)
    x, y = gaps(tree, rng), gaps(tree, rng)
    cubes: dict[str, tuple[float, float]] = {}
    for coefficient in ("pearson", "spearman"):
        cubes[coefficient] = tuple(
            spectral_randomisation(x, outcome, OFF, tree, coefficient=coefficient, draws=9, rng=rng).value
            for outcome in (y, y**3)
        )
    assert cubes["spearman"][0] == pytest.approx(cubes["spearman"][1])
    assert cubes["pearson"][0] != pytest.approx(cubes["pearson"][1], abs=0.01)


def test_simulated_distances_are_compared_as_the_outcome_is() -> None:
    """Where the outcome is such a distance itself, p is uniform. Red when main effects stay in the simulated ones."""
    rng = np.random.default_rng(0)
    p = []
    for _ in range(100):
        tree: Tree = yule(12, rng)
        points = tree.traits(1, 1, rng)[0]
        y = np.abs(points - points.T)
        p.append(tree_simulation(gaps(tree, rng), y, OFF, tree, draws=49, rng=rng).p)
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.12)
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_a_distance_that_is_the_tree_has_no_p() -> None:
    """Rotations leave it as it is: a p-value near 1 would be of no test. Red when it is told all the same."""
    codes = ("bg", "de", "el", "en", "es", "fr", "hi", "ru", "th", "tr", "vi", "zh")
    genetic, syntactic = (Matrix.of(distances(codes, kind)) for kind in ("genetic", "syntactic"))
    tree = tree_from_distances(genetic)
    outcome = Matrix("transfer", codes, -genetic.values + np.random.default_rng(0).normal(0, 0.01, (12, 12)))
    frame = relate(outcome, [genetic, syntactic], key=Key(0), tree=tree, tests=[DEFAULT], draws=99)
    of = {name: part for (name,), part in frame.filter(coefficient="two-way pearson").group_by(["explanatory"])}
    assert of["genetic"]["p"].null_count() == of["genetic"].height
    assert of["genetic"]["value"].max() < -0.9
    assert all(note.startswith("nearly the family tree itself") for note in of["genetic"]["note"])
    assert of["syntactic"]["p"].null_count() == 0
