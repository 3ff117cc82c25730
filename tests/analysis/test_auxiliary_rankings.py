"""Rank correlation and regret by hand, ties, the interval; features, and what is not known of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isogloss.analysis.selection.evaluate import BASELINES, coverage, evaluate, interval, judge, rankings
from isogloss.analysis.selection.features import SCRIPT, SIZE, Features, centred, nearness, pair_features
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.selection.overlap import NAME as OVERLAP
from isogloss.analysis.selection.rank import rank
from isogloss.analysis.selection.reasons import reasons
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.errors import Mistakes
from isogloss.keys import Key

NAN = np.nan


def test_regret_and_correlation_by_hand() -> None:
    """Red when the candidate that stands last is taken, or the best is not the best measured one."""
    observed = Observed(("a", "b", "c", "d"), ("x", "y"), np.array([[70, 50], [60, 58], [65, 55], [NAN, 52.0]]))
    ranking = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0], [9.0, 0.0]])
    correlation, regret = judge(ranking, observed)
    np.testing.assert_allclose(correlation, [1.0, 0.6])  # y: ranks 2 3 4 1 of 1 4 3 2, 1 − 6·4/60
    np.testing.assert_allclose(regret, [0.0, 58 - 55])


def test_ties_are_drawn_at_random() -> None:
    """Two stand first: their mean is what is lost on average. Red when the first of them is taken."""
    observed = Observed(("a", "b", "c"), ("x",), np.array([[70.0], [60.0], [50.0]]))
    correlation, regret = judge(np.array([[1.0], [0.0], [1.0]]), observed)
    assert regret[0] == 70 - 60
    assert correlation[0] == pytest.approx(stats.spearmanr([2.5, 1, 2.5], [3, 2, 1]).statistic)
    correlation, regret = judge(np.full((3, 1), 0.1 + 1e-12 * np.arange(3)[:, None]), observed)
    assert (correlation[0], regret[0]) == (0, 10)  # rounding noise is a tie


def test_the_interval_is_students() -> None:
    """Red with plain percentiles, which are a tenth narrower with 10 targets."""
    values = np.random.default_rng(0).normal(size=10)
    low, high = interval(values, Key(0), draws=50_000)
    half = stats.t.isf(0.025, 9) * values.std(ddof=1) / np.sqrt(10)
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
    assert interval(np.full(6, 2.0), Key(0)) == (2.0, 2.0)


def codes(n: int) -> tuple[str, ...]:
    return tuple("abcdefghij"[:n])


def matrices(n: int) -> tuple[Features, Observed]:
    """A world in which the genetic distance says all, and the syntactic one its opposite."""
    rng = np.random.default_rng(1)
    names = ("genetic", "syntactic", "phonological", "inventory", "geographic", SCRIPT, OVERLAP, SIZE)
    values = rng.random((n, n, len(names)))
    values[:, :, 1] = 1 - values[:, :, 0]
    scores = 60 - 10 * values[:, :, 0]
    np.fill_diagonal(scores, NAN)
    return Features(names, codes(n), codes(n), values), Observed(codes(n), codes(n), scores)


def test_rankings_are_compared_with_both_baselines() -> None:
    features, observed = matrices(7)
    frame = evaluate(observed, features, draws=99)
    assert frame.height == 2 * 2 * len(rankings(features.names))
    at = {(row["measure"], row["ranking"], row["baseline"]): row for row in frame.iter_rows(named=True)}
    genetic, elsewhere = BASELINES
    assert at["rank correlation", genetic, genetic]["value"] == pytest.approx(1)
    assert at["rank correlation", "nearest, syntactic", genetic]["difference"] == pytest.approx(-2)
    assert at["top-1 regret", genetic, genetic]["value"] == 0
    random = at["top-1 regret", "at random", genetic]
    assert random["value"] == pytest.approx(np.mean(np.nanmax(observed.values, 0) - np.nanmean(observed.values, 0)))
    assert at["rank correlation", "at random", elsewhere]["value"] == 0
    assert at["rank correlation", "ridge", genetic]["value"] > 0.9
    assert (frame["low"] <= frame["difference"] + 1e-12).all()
    assert (frame["high"] >= frame["difference"] - 1e-12).all()
    assert frame["cells"].unique().to_list() == [42]


def test_without_overlap_there_is_no_ranking_by_it() -> None:
    features, _ = matrices(3)
    named = rankings(features.only(features.names[:6]).names)
    assert not [name for name in named if OVERLAP in name or SIZE in name]
    assert f"ridge, without {OVERLAP}" in rankings(features.names)


def test_a_target_has_to_be_left_out() -> None:
    features, observed = matrices(5)
    for ask in (evaluate, coverage):
        with pytest.raises(Mistakes, match="5 targets with 3 measured candidates; at least 6"):
            ask(observed, features)


def test_what_is_unknown_speaks_neither_for_nor_against() -> None:
    """Red when it counts as 0, which is as near as can be."""
    values = np.array([[0.2, NAN], [NAN, NAN], [0.8, NAN], [9.0, NAN]])
    known = np.array([[True, True]] * 3 + [[False, True]])
    np.testing.assert_allclose(centred(values, known), [[-0.3, 0], [0, 0], [0.3, 0], [0, 0]])


def test_nearness_is_the_mean_of_standardised_distances() -> None:
    values = np.array([[[0.0, 1.0]], [[1.0, 1.0]], [[2.0, 4.0]]])
    features = Features(("genetic", "syntactic"), ("a", "b", "c"), ("x",), values)
    found = nearness(features, np.ones((3, 1), dtype=bool))[:, 0]
    z = [-np.sqrt(1.5), 0, np.sqrt(1.5)], [-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2)]
    np.testing.assert_allclose(found, -np.mean(z, axis=0))


def test_features_of_real_languages() -> None:
    overlap = Matrix(OVERLAP, ("de", "sw"), np.array([[1, 0.2], [0.2, 1]]))
    features = pair_features(("de", "ru", "et"), ("sw", "uk"), encoder="xlm-roberta-base@main", overlap=overlap)
    np.testing.assert_array_equal(features.of(SCRIPT), [[1, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(features.of(OVERLAP), [[0.2, NAN], [NAN, NAN], [NAN, NAN]])
    assert features.of(SIZE)[0] == pytest.approx(np.log10([66.6, 66.6]))
    assert features.of("genetic")[1, 1] < features.of("genetic")[0, 1]
    assert np.isnan(features.of("genetic")[2]).all()
    assert "Pre-training size: GiB of text that xlm-roberta-base@main had read." in features.notes
    assert "genetic unknown, and taken for the mean of the candidates: et." in features.notes
    assert f"{OVERLAP} unknown, and taken for the mean of the candidates: et, ru, uk." in features.notes


def test_sizes_that_were_not_published_have_a_stand_in() -> None:
    features = pair_features(("de", "ht"), ("sw",), encoder="bert-base-multilingual-cased")
    assert features.of(SIZE)[:, 0] == pytest.approx([np.log10(66.6), -1])  # not read: as little as 0.1 GiB
    assert "GiB of CC-100 (XLM-R) in its place" in features.notes[0]
    assert OVERLAP not in features.names


def test_without_runs_distance_alone_ranks() -> None:
    features = pair_features(("de", "nl", "ja"), ("en",), encoder="mini")
    found = rank(features, ("de", "nl", "ja"), ("en",), budget=2)
    assert found.expectation is None
    assert [found.candidates[row] for row in found.order(0)][2] == "ja"
    assert set(found.chosen) == {"de", "nl"}
    known = "phonological 0.53, inventory 0.55, geographic 0.35, another script, 69.3 GiB"
    assert found.because[2][0] == f"genetic 1.00; syntactic 0.63 (also known: {known})"


def test_reasons_are_what_brings_most() -> None:
    """Red when what costs points, or what is unknown, is sorted by its sign."""
    names = ("genetic", SCRIPT, OVERLAP, SIZE)
    pair = Features(names, ("a",), ("x",), np.array([[[0.31, 1.0, 0.42, 1.0]]]))
    parts = np.array([0.2, -1.26, 0.01, 0.3, 0.8])
    assert reasons(pair, parts) == "same script (−1.3); for other targets (+0.8); 10.0 GiB (+0.3)"
    assert reasons(pair, np.array([0, 0, 0.5, 0.01, 0.0])) == "0.42 of its sub-words (+0.5)"
    assert reasons(pair, np.full(5, 0.01)) == "nothing tells it apart"
    unknown = Features(names, ("a",), ("x",), np.array([[[NAN, 0.0, 0.42, 1.0]]]))
    assert reasons(unknown, parts) == "another script (−1.3); for other targets (+0.8); 10.0 GiB (+0.3)"
