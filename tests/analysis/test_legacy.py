"""The distances of lang2vec, made again: every cell between the languages of XNLI, and what rests on corrections."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

import isogloss.evaluation
from isogloss.analysis import legacy
from isogloss.analysis.legacy import LEGACY_KINDS, legacy_distances
from isogloss.errors import Mistakes
from isogloss.languages import languages

XNLI = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
# Philippy et al. 2023, table 1: Pearson and Spearman of accuracy and distance over 225 pairs.
TABLE_1 = {
    "syntactic": (-0.3193, -0.4683),
    "geographic": (-0.3178, -0.3198),
    "inventory": (-0.1706, -0.1329),
    "genetic": (-0.3364, -0.3935),
    "phonological": (-0.2075, -0.2659),
}


def stored(kind: str) -> np.ndarray:
    """Return what lang2vec had, [15, 15]."""
    lines = (Path(__file__).parent / "lang2vec.csv").read_text().splitlines()[1:]
    rows = {row["language"]: row for row in csv.DictReader(lines) if row["kind"] == kind}
    return np.array([[float(rows[first][second]) for second in XNLI] for first in XNLI])


def agreeing(kind: str) -> int:
    return int((np.abs(legacy_distances(XNLI, kind).values - stored(kind)) < 1e-9).sum())


@pytest.mark.parametrize("kind", LEGACY_KINDS)
def test_all_225_cells_are_as_stored(kind: str) -> None:
    assert agreeing(kind) == 225


@pytest.mark.parametrize("kind", LEGACY_KINDS)
def test_table_1_of_philippy_2023_comes_out_to_the_fourth_decimal(kind: str) -> None:
    path = Path(isogloss.evaluation.__file__).parent / "reference/philippy2023-figure3.csv"
    rows = {row["source"]: row for row in csv.DictReader(path.read_text().splitlines())}
    accuracy = [float(rows[source][target]) for source in XNLI for target in XNLI]
    found = legacy_distances(XNLI, kind).values.ravel()
    correlations = (pearsonr(accuracy, found).statistic, spearmanr(accuracy, found).statistic)
    assert correlations == pytest.approx(TABLE_1[kind], abs=5.1e-5)


@pytest.mark.parametrize(
    ("kind", "name", "instead", "agree"),
    [
        ("genetic", "_ANCESTORS", {}, 217),  # fr with es, hi, ru, ur, both ways: 12 ancestors today
        ("phonological", "_UVULARS", ("P_UVULARS", frozenset(), 0.0), 171),  # all 54 cells of de and fr
        ("syntactic", "_LEFT_OUT", frozenset(), 101),
        ("phonological", "_BOTH_UNKNOWN", {"phonological": 0.0}, 213),
    ],
)
def test_what_rests_on_a_correction(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str, instead: object, agree: int
) -> None:
    """How many cells today's arrays give by the bare rules; the module's text explains each difference."""
    monkeypatch.setattr(legacy, name, instead)
    assert agreeing(kind) == agree


def test_rounding_goes_by_way_of_four_decimals() -> None:
    """German and Urdu: 0.66501 → 0.6650 → 0.66. Rounded once it would be 0.67, and table 1 would print -0.4689."""
    assert legacy_distances(("de", "ur"), "syntactic").values[0, 1] == 0.66


def test_the_order_of_the_file_decides_and_not_that_of_the_question() -> None:
    found = legacy_distances(("en", "de"), "genetic").values
    assert found.tolist() == [[0, 0.4286], [0.4286, 0]]  # by German's ancestors; by English's it were 0.6
    urdu = legacy_distances(("ur", "hi", "cs"), "genetic")
    assert urdu.values[0, 1] == 0.125


def test_codes_that_had_no_data_are_named() -> None:
    found = legacy_distances(("en", "sw", "ur"), "phonological")
    assert found.without_data == ("sw", "ur")
    assert "artefacts" in found.notes[0]
    assert found.source.startswith("uriel-legacy")
    assert legacy_distances(("en", "de"), "genetic").notes == ()


def test_every_language_of_the_table_has_a_place_in_the_order() -> None:
    for kind in LEGACY_KINDS:
        found = legacy_distances(tuple(languages()), kind)
        assert np.isfinite(found.values).all()
        assert np.array_equal(found.values, found.values.T)
    codes = {legacy._CODES.get(key, language.iso639_3) for key, language in languages().items()}
    assert codes == set(legacy._ORDER)
    assert len(legacy._ORDER) == len(codes)


def test_featural_is_refused_and_so_are_macrolanguages() -> None:
    with pytest.raises(Mistakes, match='lang2vec\'s "featural" distances are not known'):
        legacy_distances(("en", "de"), "featural")
    with pytest.raises(Mistakes, match='write "ar"'):
        legacy_distances(("en", "ara"), "genetic")
