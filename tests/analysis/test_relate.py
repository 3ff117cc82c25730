from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analysis.worlds import WORLDS
from isogloss.analysis.statistics.correlation import COEFFICIENTS
from isogloss.analysis.statistics.frame import DEFAULT, SCHEMA, TESTS, relate
from isogloss.analysis.statistics.levels import NULLS, broken, levels, rates, warning
from isogloss.analysis.statistics.multiple import adjust
from isogloss.analysis.statistics.one_source import PERMUTATION
from isogloss.analysis.statistics.pairs import Matrix, of_target
from isogloss.errors import Mistakes
from isogloss.keys import Key

CODES = ("bg", "de", "en", "es", "fr", "hi", "sw", "tr", "vi", "zh")


def material() -> tuple[list[Matrix], list[Matrix]]:
    """Impact at three layers, and two distances, of which the first matters to layer 2."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((5, len(CODES), len(CODES)))
    first, second = (Matrix(name, CODES, noise[row] + 2) for row, name in enumerate(("SYN", "GEO")))
    layers = [
        Matrix("impact", CODES, noise[2 + layer] - (layer == 1) * 2 * first.values, layer + 1) for layer in range(3)
    ]
    return layers, [first, second]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    layers, distances = material()
    return relate(layers, distances, controls=distances, key=Key(1), draws=99)


def test_one_row_for_each_test(frame: pl.DataFrame) -> None:
    assert dict(frame.schema) == SCHEMA
    of = sum(len(named) for _, named in TESTS.values())
    assert frame.height == 2 * 3 * 2 * of
    assert frame.filter(pl.col("with_same_language"))["cells"].unique().to_list() == [100]
    assert frame.filter(~pl.col("with_same_language"))["cells"].unique().to_list() == [90]
    assert frame["languages"].unique().to_list() == [10]
    tests = frame.filter(pl.col("test") != "bootstrap")
    assert tests["p"].is_between(0, 1).all()
    assert frame.filter(pl.col("test") == "bootstrap").select(pl.col("low") <= pl.col("high")).to_series().all()


def test_what_was_planted_is_found_by_all(frame: pl.DataFrame) -> None:
    planted = (pl.col("layer") == 2) & (pl.col("explanatory") == "SYN")
    assert frame.filter(planted, pl.col("p").is_not_null())["p_bh"].max() < 0.07
    assert frame.filter(planted)["value"].max() < 0
    rest = frame.filter(~planted, pl.col("test") == DEFAULT)
    assert rest["p_bh"].min() > 0.05


def test_correction_is_over_layers_and_distances(frame: pl.DataFrame) -> None:
    """Red when with and without same-language pairs, or two tests, are one family."""
    for _, family in frame.filter(pl.col("p").is_not_null()).group_by(
        ["outcome", "with_same_language", "test", "coefficient"]
    ):
        assert family.height == 6
        np.testing.assert_allclose(family["p_bh"], stats.false_discovery_control(family["p"]))


def test_the_same_key_gives_the_same_frame_whatever_else_is_asked(frame: pl.DataFrame) -> None:
    """Red when tests share one generator."""
    layers, distances = material()
    alone = relate(layers[0], distances[0], controls=distances, key=Key(1), draws=99, tests=["Mantel", DEFAULT])
    columns = ["with_same_language", "test", "coefficient", "value", "statistic", "p"]
    same = frame.filter(pl.col("layer") == 1, pl.col("explanatory") == "SYN").select(columns)
    assert alone.select(columns).equals(same.filter(pl.col("test").is_in(["Mantel", DEFAULT])))
    other = relate(layers[0], distances[0], controls=distances, key=Key(2), draws=99, tests=["Mantel", DEFAULT])
    assert not alone["p"].equals(other["p"])


def test_a_matrix_is_not_controlled_for_itself_and_missing_is_told() -> None:
    layers, (syn, geo) = material()
    geo.values[CODES.index("vi"), :3] = np.nan
    tests = ["naive", "MRQAP-DSP"]
    without = relate(layers[1], [syn, geo], key=Key(1), draws=19, tests=tests)
    dropped = dict(without.group_by("explanatory").agg(pl.col("dropped").first()).iter_rows())
    assert dropped == {"SYN": "", "GEO": "vi: 3 cells missing"}
    with_controls = relate(layers[1], [syn], controls=[syn, geo], key=Key(1), draws=19, tests=tests)
    assert with_controls["languages"].unique().to_list() == [9]
    assert with_controls.filter(pl.col("coefficient") == "partial")["value"].max() < -0.5


def test_a_test_that_is_undefined_for_one_matrix_costs_the_others_nothing() -> None:
    """Red when it aborts the frame, or takes the correction or another test of the same matrix with it."""
    layers, (syn, _) = material()
    size = of_target("size", dict(zip(CODES, range(len(CODES)), strict=True)))  # nothing but main effects
    tests = ["naive", "MRQAP-DSP", "tree simulation", DEFAULT]
    both = relate(layers, [size, syn], key=Key(1), draws=19, tests=tests)
    undefined = (pl.col("explanatory") == "size") & pl.col("coefficient").str.starts_with("two-way")
    lost = both.filter(undefined)
    assert set(lost["test"]) == set(tests) - {"naive"}
    assert lost.select("value", "statistic", "p", "p_bh").null_count().row(0) == (lost.height,) * 4
    assert lost["note"].str.starts_with("nothing is left of it").all()
    assert both.filter(~undefined).select("value", "p", "p_bh").null_count().row(0) == (0, 0, 0)
    alone = relate(layers, syn, key=Key(1), draws=19, tests=tests)
    of_syn = both.filter(pl.col("explanatory") == "SYN")
    assert of_syn.drop("p_bh").equals(alone.drop("p_bh"))
    two_way = pl.col("coefficient").str.starts_with("two-way")
    assert of_syn.filter(two_way)["p_bh"].equals(alone.filter(two_way)["p_bh"])


def test_controls_are_for_the_tests_that_take_them() -> None:
    """Red when the tree tests take controls out, with which they do not hold their level, or MRQAP does not."""
    layers, (syn, geo) = material()
    tests = ["MRQAP-DSP", "tree simulation", DEFAULT]
    plain, controlled = (
        relate(layers[1], syn, controls=controls, key=Key(1), draws=99, tests=tests) for controls in ([], [geo])
    )
    regression = pl.col("test") == "MRQAP-DSP"
    assert plain.filter(~regression).equals(controlled.filter(~regression))
    before, after = (frame.filter(regression) for frame in (plain, controlled))
    assert before.height == 4
    for column in ("value", "statistic"):
        assert (before[column] != after[column]).all()


def test_an_unknown_test_is_refused() -> None:
    layers, distances = material()
    with pytest.raises(Mistakes, match='did you mean "Mantel"'):
        relate(layers, distances, key=Key(0), tests=["Mantle"])


def test_tests_that_fail_say_so_beside_their_p(frame: pl.DataFrame) -> None:
    """Red when a note is missing, or speaks of same-language pairs where there are none."""
    for row in frame.iter_rows(named=True):
        same = row["with_same_language"]
        expected = warning(row["test"], row["coefficient"], with_same_language=same, controlled=True)
        assert row["note"].endswith(expected)
    assert "row and column effects" in warning("naive", "pearson", with_same_language=False)
    assert "a family tree;" in warning("Mantel", "pearson", with_same_language=False)
    assert "same-language" in warning("mixed model", "slope", with_same_language=True)
    assert "same-language" not in warning("mixed model", "slope", with_same_language=False)
    with pytest.raises(KeyError, match=r"not in levels\.csv"):
        broken("Mantel", "slope")


def test_the_default_holds_its_level_wherever_a_test_does() -> None:
    """Under every null but the tree that is known too coarsely, where none does."""
    measured = rates(levels())
    assert set(measured["world"]) == set(WORLDS)
    assert set(measured["languages"]) == {15, 22}
    assert measured["simulations"].min() >= 1_000
    assert set(broken(DEFAULT, "two-way pearson")) == {"coarse tree"}
    everywhere = measured.filter(pl.col("world") == "coarse tree")
    assert not everywhere["held"].any()
    named = {(test, of) for test, (_, all_of) in TESTS.items() for of in all_of}
    named |= {(PERMUTATION, of) for of in COEFFICIENTS}
    assert set(measured.select("test", "coefficient").iter_rows()) == named
    lost = {pair for pair in named if not {"effects", "tree"} & set(broken(*pair))}
    assert {test for test, _ in lost} == {DEFAULT}
    assert measured.filter(pl.col("world").is_in(list(NULLS)))["held"].null_count() == 0


def test_a_rate_has_its_interval() -> None:
    row = {"world": "tree", "languages": 15, "test": "t", "coefficient": "c", "simulations": 1_000}
    found = rates(
        pl.DataFrame([row | {"rejections": 67}, row | {"rejections": 68}, row | {"world": "x", "rejections": 9}])
    )
    assert found["held"].to_list() == [True, False, None]
    assert found["low"][0] == pytest.approx(stats.beta.ppf(0.025, 67, 934))
    assert found["high"][0] == pytest.approx(stats.beta.ppf(0.975, 68, 933))


def test_benjamini_hochberg_skips_what_has_no_p() -> None:
    frame = pl.DataFrame({"of": ["a", "a", "a", "b"], "p": [0.01, None, 0.04, 0.03]})
    assert adjust(frame, ["of"])["p_bh"].to_list() == [0.02, None, 0.04, 0.03]
