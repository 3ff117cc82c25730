from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isogloss.analysis.kilometres import great_circle
from isogloss.analysis.statistics.pairs import Matrix, align, matrix_from_pairs, of_source, of_target
from isogloss.errors import Mistakes

CODES = ("de", "en", "fr", "hi", "sw", "zh")


def matrix(name: str, codes: tuple[str, ...] = CODES) -> Matrix:
    values = np.array([[100 * CODES.index(a) + CODES.index(b) for b in codes] for a in codes], dtype=float)
    return Matrix(name, codes, values)


def test_matrices_are_aligned_by_language_and_not_by_position() -> None:
    """Red when the second matrix keeps its own order."""
    pairs = align([matrix("one"), matrix("two", CODES[::-1])], with_same_language=True)
    assert pairs.languages == CODES
    np.testing.assert_array_equal(pairs.values[0], pairs.values[1])
    assert pairs.vector(0)[1] == 1  # source de, target en
    assert pairs.vector(0)[6] == 100  # source en, target de


def test_same_language_pairs_are_left_out_on_request() -> None:
    assert align([matrix("one")], with_same_language=True).vector(0).size == 36
    without = align([matrix("one")], with_same_language=False)
    assert without.vector(0).size == 30
    assert not {0, 101, 202}.intersection(without.vector(0))
    assert not without.with_same_language


def test_missing_cells_cost_as_few_languages_as_possible() -> None:
    """Red when each language of a missing pair is dropped: hi misses three, its partners one each."""
    holes = matrix("holes")
    holes.values[3, [0, 1, 2]] = np.nan
    holes.values[4, 4] = np.nan
    pairs = align([matrix("one"), holes], with_same_language=False)
    assert pairs.languages == ("de", "en", "fr", "sw", "zh")
    assert dict(pairs.dropped) == {"hi": "3 cells missing"}
    with pytest.raises(Mistakes, match="4 languages without a missing cell"):
        align([matrix("one"), holes], with_same_language=True)  # there sw misses its own cell


def test_a_language_that_one_matrix_lacks_is_named() -> None:
    pairs = align([matrix("one"), matrix("two", CODES[:5])], with_same_language=True)
    assert dict(pairs.dropped) == {"zh": "not in two"}


def test_mistakes() -> None:
    with pytest.raises(Mistakes, match="2 × 2 values for 3 languages"):
        Matrix("m", ("a", "b", "c"), np.zeros((2, 2)))
    with pytest.raises(Mistakes, match="a more than once"):
        Matrix("m", ("a", "a"), np.zeros((2, 2)))
    with pytest.raises(Mistakes, match="infinite"):
        Matrix("m", ("a", "b"), np.full((2, 2), np.inf))


def test_quantities_of_a_language() -> None:
    """Red when rows and columns are exchanged."""
    sizes = {"de": 1.0, "en": 2.0}
    assert of_target("size", sizes).values.tolist() == [[1, 2], [1, 2]]
    assert of_source("size", sizes).values.tolist() == [[1, 1], [2, 2]]


def test_a_frame_of_pairs() -> None:
    frame = pl.DataFrame({"source": ["en", "en", "de"], "target": ["de", "en", "en"], "value": [1.0, 2.0, None]})
    found = matrix_from_pairs(frame, "transfer", layer=3)
    np.testing.assert_array_equal(found.values, [[np.nan, np.nan], [1.0, 2.0]])
    assert (found.languages, found.layer) == (("de", "en"), 3)
    with pytest.raises(Mistakes, match="twice"):
        matrix_from_pairs(pl.concat([frame, frame]), "transfer")


def test_distances_between_languages() -> None:
    distance = great_circle(("en", "de", "fr"))
    found = Matrix.of(distance)
    assert (found.name, found.languages) == ("kilometres", ("en", "de", "fr"))
    np.testing.assert_array_equal(found.values, distance.values)
    assert Matrix.of(distance, name="km").name == "km"
