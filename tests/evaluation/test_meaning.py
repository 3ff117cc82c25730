"""What is made of a comparison, in words."""

from __future__ import annotations

import polars as pl

from isogloss.evaluation.meaning import caution, meaning


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
    assert 'Nothing here beats "pooled"' in text
    assert "below 1.2 points would not have shown" in text
    assert "with 2 seeds" in text


def test_an_undecided_one_names_what_would_have_shown() -> None:
    first = meaning(comparison(("meta", "undecided", 0.5, 1.2))).splitlines()[0]
    assert "meta is undecided (+0.50 points [-0.50, +1.50]; from 1.2 on it would probably have shown)" in first


def test_what_would_not_have_shown_is_told_for_all_variants() -> None:
    second = meaning(comparison(("meta", "undecided", 0.5, 1.2), ("other", "undecided", 0.4, 22.6))).splitlines()[1]
    assert "a difference below 1.2 to 22.6 points, by variant, would not have shown" in second


def test_equal_predictions_are_no_difference() -> None:
    frame = comparison(("meta", "identical", 0.0, 1.2)).with_columns(low=None, high=None, minimum=None)
    first, second = meaning(frame).splitlines()
    assert "meta predicts the same" in first
    assert "would not have shown" not in second


def test_cells_of_an_axis_are_told_apart() -> None:
    both = comparison(("meta", "better", 1.0, 1.2), ("meta", "worse", -1.0, 1.2))
    text = meaning(both.with_columns(pl.Series("axis.auxiliary", ["el", "ur"])))
    assert "meta (auxiliary el) is better" in text
    assert "meta (auxiliary ur) is worse" in text


def test_without_a_mean_nothing_is_advised() -> None:
    text = meaning(comparison(("meta", "better", 1.0, 1.2)).with_columns(scope=pl.lit("language")))
    assert text == "There is no mean over unseen languages to compare: one variant or one such language is left."


def test_where_every_target_was_seen_the_mean_is_said_to_be_over_languages() -> None:
    text = meaning(comparison(("meta", "better", 1.0, 1.2)).with_columns(scope=pl.lit("targets")))
    assert "on the mean over 3 languages:" in text


def test_few_seeds_are_a_condition_and_five_are_not() -> None:
    few = comparison(("meta", "better", 1.0, 1.2))
    assert caution(few).startswith("With 2 seeds, intervals are conditional on these")
    many = few.with_columns(seeds=pl.lit(5))
    assert caution(many) == ""
    assert "seeds" not in meaning(many)
