from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from evaluation.make import predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.comparison import compare, read_comparisons
from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.describe import describe
from isogloss.evaluation.frame import Arm, write_frame
from isogloss.evaluation.outcomes import Outcomes, seed_units
from isogloss.evaluation.render import render


def compared(predicted: pl.DataFrame, **options: str) -> pl.DataFrame:
    return compare(scores(predicted), Outcomes.from_predictions(predicted), **options)


def test_differences_are_those_of_the_scores() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.8})
    frame = scores(predicted)
    found = compare(frame, Outcomes.from_predictions(predicted))
    mean = {
        (variant, language): value
        for variant, language, value in frame.group_by(["variant", "language"]).agg(pl.col("value").mean()).iter_rows()
    }
    for row in found.filter(pl.col("scope") == "language").iter_rows(named=True):
        expected = mean["meta", row["language"]] - mean["pooled", row["language"]]
        assert row["difference"] == pytest.approx(expected)
        assert row["low"] < row["difference"] < row["high"]
    unseen = found.filter(pl.col("scope") == "unseen").row(0, named=True)
    both = [mean["meta", each] - mean["pooled", each] for each in ("sw", "th")]
    assert unseen["difference"] == pytest.approx(np.mean(both))
    assert (unseen["language"], unseen["verdict"], unseen["clusters"]) == ("sw+th", "better", 60)


def test_the_order_of_rows_changes_nothing() -> None:
    """Red when examples are paired by position: every run comes in its own order."""
    predicted = predictions({"pooled": 0.7})
    same = predicted.with_columns(variant=pl.lit("meta")).reverse()
    found = compared(pl.concat([predicted, same]))
    assert found["difference"].to_list() == [0] * 5
    assert set(found["verdict"]) == {"identical"}


def test_the_baseline_can_be_chosen() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.8})
    found = compared(predicted, baseline="meta")
    assert set(found["variant"]) == {"pooled"}
    assert found.filter(pl.col("scope") == "unseen")["verdict"].to_list() == ["worse"]
    with pytest.raises(Mistakes, match='did you mean "pooled"'):
        compared(predicted, baseline="poled")


def test_arms_are_compared_within_a_cell() -> None:
    parts = []
    for auxiliary, best in (("el", 0.9), ("ur", 0.6)):
        axis = {"axis.auxiliary": auxiliary}
        predicted = predictions({"pooled": 0.6, "meta": best}, **axis)
        parts.append((predicted, scores(predicted, **axis)))
    found = compare(pl.concat([b for _, b in parts]), Outcomes.from_predictions(pl.concat([a for a, _ in parts])))
    means = found.filter(pl.col("scope") == "unseen")
    assert means["axis.auxiliary"].to_list() == ["el", "ur"]
    assert means["verdict"][0] == "better"
    assert abs(means["difference"][1]) < 10


@pytest.mark.parametrize(("seeds", "condition"), [(1, "1 seed"), (3, "3 seeds"), (5, "")])
def test_few_seeds_make_an_interval_conditional(seeds: int, condition: str) -> None:
    found = compared(predictions({"pooled": 0.6, "meta": 0.62}, seeds=range(seeds)))
    assert set(found["conditional"]) == {condition}
    assert set(found["seeds"]) == {seeds}


def test_only_common_seeds_are_paired() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.8}, seeds=range(4))
    gone = (pl.col("variant") == "meta") & (pl.col("seed") == "2")
    assert set(compared(predicted.filter(~gone))["seeds"]) == {3}


def test_no_common_seed_is_no_comparison() -> None:
    one, two = predictions({"pooled": 0.6}, seeds=[0]), predictions({"meta": 0.6}, seeds=[1])
    found = compared(pl.concat([one, two]))
    assert found.is_empty()
    assert "Nothing was compared" in describe(found)


def test_examples_that_a_run_lacks_are_left_out_and_counted() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.8})
    gone = (pl.col("variant") == "meta") & (pl.col("language") == "sw") & (pl.col("id") < "0006")
    found = compared(predicted.filter(~gone)).filter(pl.col("scope") == "language")
    left_out = dict(found.select("language", "left_out").iter_rows())
    assert left_out == {"en": 0, "el": 0, "sw": 6, "th": 0}
    assert found.filter(pl.col("language") == "sw")["clusters"].to_list() == [58]


def test_crossed_seeds_are_units_of_the_longer_phase() -> None:
    """Ten runs of 2 × 5 seeds are five draws: red when they count as ten."""
    crossed = [f"source={a},adapt={b}" for a in range(2) for b in range(5)]
    units = seed_units(crossed)
    assert len(units.members) == 5
    assert all(len(runs) == 2 for runs in units.members)
    assert units.fixed == (("source", 2),)
    found = compared(predictions({"pooled": 0.6, "meta": 0.8}, seeds=crossed))
    assert set(found["conditional"]) == {"2 source seeds"}
    assert seed_units(["0", "1"]).members == (("0",), ("1",))
    assert seed_units(["source=0,adapt=0", "source=1,adapt=1"]).fixed == ()


def test_an_arm_that_skips_a_phase_is_paired_with_every_seed_of_it() -> None:
    """Either may be the baseline; each of the two runs of `source_only` meets the five that go on from it."""
    crossed = [f"source={a},adapt={b}" for a in range(2) for b in range(5)]
    longer = predictions({"pooled": 0.8}, seeds=crossed)
    both = pl.concat([predictions({"source_only": 0.6}, seeds=["source=0", "source=1"]), longer])
    means = {
        name: scores(both).filter(variant=name, language="sw")["value"].mean() for name in ("pooled", "source_only")
    }
    for baseline, sign in (("source_only", 1), ("pooled", -1)):
        found = compared(both, baseline=baseline)
        assert set(found["seeds"]) == {5}
        assert set(found["conditional"]) == {"2 source seeds"}
        difference = found.filter(language="sw")["difference"].item()
        assert difference == pytest.approx(sign * (means["pooled"] - means["source_only"]))
    others = pl.concat([predictions({"source_only": 0.6}, seeds=["source=2"]), longer])
    assert compared(others, baseline="source_only").is_empty()


def test_a_score_between_right_and_wrong_can_be_paired() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.6})
    halves = predicted.with_columns(value=pl.when(pl.col("variant") == "meta").then(60.0).otherwise(20.0))
    outcomes = Outcomes.from_predictions(halves.drop("label", "prediction"))
    found = outcomes.differences(Arm("meta"), Arm("pooled"))
    assert found is not None
    assert found.by_language["sw"].differences.values == pytest.approx(40)


def test_comparisons_survive_writing(tmp_path: Path) -> None:
    found = compared(predictions({"pooled": 0.6, "meta": 0.8}))
    write_frame(found, tmp_path / "a.csv")
    again = read_comparisons(tmp_path / "a.csv")
    assert_frame_equal(found, again, abs_tol=1e-6)
    with pytest.raises(Mistakes, match="no such file"):
        read_comparisons(tmp_path / "b.csv")


def test_the_description_names_test_seeds_clusters_correction_and_numbers() -> None:
    found = compared(predictions({"pooled": 0.6, "meta": 0.8, "same": 0.605}))
    text = describe(found)
    assert "paired t tests with 3 seeds (paired) and 60 clusters" in text
    assert "over 4 languages after Holm" in text
    assert "conditional on the 3 seeds" in text
    mean = found.filter((pl.col("scope") == "unseen") & (pl.col("variant") == "meta")).row(0, named=True)
    assert f"meta changes the mean over 2 unseen targets by +{mean['difference']:.2f} points" in text
    assert "would probably have shown" in text.splitlines()[2]


def test_conditions_are_told_apart_below_a_table() -> None:
    """Few seeds condition the interval, crossed ones and a single one condition the p-value too."""
    found = compared(predictions({"pooled": 0.6, "meta": 0.8}))
    crossed = found.with_columns(conditional=pl.lit("3 seeds and 2 source seeds"))
    three, both, one = (
        " ".join(difference_tables(frame)[0].footnotes)
        for frame in (found, crossed, found.with_columns(conditional=pl.lit("1 seed"), seeds=1))
    )
    assert "conditional on the 3 seeds; p and verdict are not" in three
    assert "All is conditional on the 2 source seeds" in both
    assert "All is conditional" not in three
    assert "interval and p-value are conditional on it" in one
    decided = found.filter(scope="unseen").with_columns(seeds=1, conditional=pl.lit("1 seed"), verdict=pl.lit("better"))
    assert difference_tables(decided)[0].rows[0][-1].value == "better with this seed"


def test_these_models_can_differ_where_other_seeds_are_in_doubt() -> None:
    found = compared(predictions({"pooled": 0.6, "meta": 0.8})).filter(pl.col("scope") == "language")
    assert (found["p_given_seeds"] < found["p_adjusted"]).all()
    assert (found["p_given_seeds"] < 0.05).all()
    assert set(found["verdict"]) == {"undecided"}
    text = render(difference_tables(found), "md")
    assert text.count("better with these seeds; over seeds undecided, could have shown") == 4


def test_fifteen_languages_five_seeds_and_5010_examples_take_less_than_a_second() -> None:
    """The arithmetic on one comparison is counted in milliseconds; ten times that is a lost vectorisation."""
    import time

    from isogloss.evaluation.paired import LanguageDifferences, contributions, uncertainty

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(1670), 3)
    languages = [LanguageDifferences(rng.normal(size=(5, 5010)), groups) for _ in range(15)]
    start = time.perf_counter()
    parts = contributions(languages, [range(1, 15)])
    spread = uncertainty(parts)
    spread.p_value(parts.estimate)
    spread.quantile(0.05, conditional=False)
    assert time.perf_counter() - start < 1
