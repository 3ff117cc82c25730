"""What is made of a comparison, in words."""

from __future__ import annotations

import polars as pl

from evaluation.make import predictions, scores
from isogloss.evaluation.comparison import compare, decisive
from isogloss.evaluation.meaning import NO_TARGET, advice, caution, meaning
from isogloss.evaluation.outcomes import Outcomes


def comparison(*rows: tuple[str, str, float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "variant": variant, "baseline": "pooled", "scope": "unseen", "language": "ar+de+sw", "verdict": verdict,
                "difference": difference, "low": difference - 1, "high": difference + 1, "minimum": minimum, "seeds": 2,
                "unit": "seed",
            }
            for variant, verdict, difference, minimum in rows
        ]
    )  # fmt: skip


def test_a_method_that_wins_is_named() -> None:
    text = meaning(comparison(("source_only", "worse", -5, 1), ("meta", "better", 2, 1)))
    first, second = text.splitlines()
    assert first.index("meta is better (+2.00 points [+1.00, +3.00])") < first.index("source_only is worse (-5.00")
    assert "3 languages without any labels" in first
    assert second.startswith('"meta" is the one to use')


def test_a_method_that_does_not_win_is_not_named() -> None:
    text = meaning(comparison(("meta", "undecided", 0.5, 1.2)))
    assert 'Nothing here was shown to beat "pooled", so this is no reason to leave it' in text
    assert "from 1.2 points on a difference would probably have shown" in text
    assert "with 2 seeds" in text


def test_an_undecided_one_names_what_would_have_shown() -> None:
    first = meaning(comparison(("meta", "undecided", 0.5, 1.2))).splitlines()[0]
    assert "meta is undecided (+0.50 points [-0.50, +1.50]; from 1.2 on it would probably have shown)" in first


def test_what_would_not_have_shown_is_told_for_all_variants() -> None:
    second = meaning(comparison(("meta", "undecided", 0.5, 1.2), ("other", "undecided", 0.4, 22.6))).splitlines()[1]
    assert "from 1.2 to 22.6 points on, by variant, a difference would probably have shown; with" in second


def test_no_difference_is_greater_than_100_points() -> None:
    """Red when it is said that one of 180 points would have shown."""
    first, second = meaning(comparison(("meta", "undecided", 0.5, 180.0))).splitlines()
    assert "; nothing could have shown)" in first
    assert "; nothing could have shown with these data" in second
    both = advice(comparison(("meta", "undecided", 0.5, 180.0), ("other", "undecided", 0.4, 1.2)))
    assert "from 1.2 points on a difference would probably have shown; of others nothing could" in both


def test_of_several_better_ones_none_is_the_best() -> None:
    """Red when the greatest is recommended, which no test has compared with the second."""
    text = advice(comparison(("b", "better", 2, 1), ("c", "better", 3, 1), ("d", "worse", -1, 1)))
    assert text.startswith('Better than "pooled": "c", "b"; these were not compared with each other')
    assert "the one to use" not in text


def test_no_value_of_an_axis_is_chosen_on_the_targets_own_labels() -> None:
    """Red when the cell with the greatest difference is recommended."""
    cells = pl.Series("axis.auxiliary", ["el", "ur", "el+ur"])
    text = advice(comparison(*[("meta", "better", by, 1) for by in (1, 2, 3)]).with_columns(cells))
    assert "the one to use" not in text
    assert '"meta (auxiliary el+ur)", "meta (auxiliary ur)", "meta (auxiliary el)"' in text
    assert "To choose the auxiliary by these scores would be an oracle" in text
    assert "`isogloss table --choose auxiliary` does without" in text
    one = comparison(("meta", "better", 1, 1), ("meta", "undecided", 0, 1), ("meta", "worse", -1, 1))
    assert "would be an oracle" in advice(one.with_columns(cells))
    alike = comparison(("meta", "better", 1, 1)).with_columns(pl.Series("axis.auxiliary", ["el"]))
    assert "oracle" not in advice(alike)


def test_seeds_are_those_of_the_variant_that_is_talked_about() -> None:
    """Red when they are those of the greatest difference, or the least of all."""
    frame = comparison(("x", "undecided", 30, 40), ("b", "better", 2, 1), ("c", "worse", -2, 1))
    assert "with" not in advice(frame.with_columns(seeds=pl.Series([1, 6, 2])))
    assert "with 3 seeds" in advice(frame.with_columns(seeds=pl.Series([1, 3, 2])))
    assert "with 3 draws this says little about other draws" in advice(
        frame.with_columns(seeds=pl.Series([1, 3, 2]), unit=pl.lit("draw"))
    )
    assert caution(frame.with_columns(seeds=pl.Series([1, 6, 2]))).startswith("With 1 to 2 seeds, intervals")


def test_one_unseen_language_speaks_for_itself() -> None:
    """Red when it is said that there is nothing to compare on, though the language was decided."""
    predicted = predictions({"pooled": 0.4, "meta": 0.9}, languages=("en", "sw"))
    scored = scores(predicted)
    compared = compare(scored, Outcomes.from_predictions(predicted))
    first, second = meaning(decisive(compared, scored)).splitlines()
    assert first.startswith('Against "pooled", on sw: meta is better (')
    assert second.startswith('"meta" is the one to use')
    several = predictions({"pooled": 0.4, "meta": 0.9})
    means = compare(scores(several), Outcomes.from_predictions(several))
    assert decisive(means, scores(several)).equals(means)


def test_equal_predictions_are_no_difference() -> None:
    frame = comparison(("meta", "identical", 0.0, 1.2)).with_columns(low=None, high=None, minimum=None)
    first, second = meaning(frame).splitlines()
    assert "meta predicts the same" in first
    assert "have shown" not in second


def test_cells_of_an_axis_are_told_apart() -> None:
    both = comparison(("meta", "better", 1.0, 1.2), ("meta", "worse", -1.0, 1.2))
    text = meaning(both.with_columns(pl.Series("axis.auxiliary", ["el", "ur"])))
    assert "meta (auxiliary el) is better" in text
    assert "meta (auxiliary ur) is worse" in text


def test_without_a_mean_nothing_is_advised() -> None:
    text = meaning(comparison(("meta", "better", 1.0, 1.2)).with_columns(scope=pl.lit("language")))
    assert text == NO_TARGET


def test_where_every_target_was_seen_the_mean_is_said_to_be_over_languages() -> None:
    text = meaning(comparison(("meta", "better", 1.0, 1.2)).with_columns(scope=pl.lit("targets")))
    assert "on the mean over 3 languages:" in text


def test_few_seeds_are_a_condition_and_five_are_not() -> None:
    few = comparison(("meta", "better", 1.0, 1.2))
    assert caution(few).startswith("With 2 seeds, intervals are conditional on these")
    many = few.with_columns(seeds=pl.lit(5))
    assert caution(many) == ""
    assert "seeds" not in meaning(many)
