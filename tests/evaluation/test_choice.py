"""Choosing an auxiliary language for each target without looking at the target, and with looking, as an oracle."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest

from evaluation.make import facts
from isogloss.errors import Mistakes
from isogloss.evaluation.choice import choose, picked
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.frame import failed_run, stack
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.table import tables

LANGUAGES = ("sw", "th", "ur", "el", "hi")
# candidate → language → (development, test): hi is the better one on most development rows, el on th's test rows.
KNOWN: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "el": {"sw": (50, 50), "th": (50, 90), "ur": (61, 50), "el": (99, 99), "hi": (50, 50)},
    "hi": {"sw": (60, 60), "th": (60, 60), "ur": (60, 60), "el": (50, 50), "hi": (99, 99)},
}


def scores(known: Mapping[str, Mapping[str, tuple[float, float]]] = KNOWN, *, seeds: int = 2) -> pl.DataFrame:
    rows = []
    for candidate, values in known.items():
        for seed in range(seeds):
            for language, (development, test) in values.items():
                about = facts("maml", seed, language=language, n=100, **{"axis.auxiliary": candidate})
                about["role"] = "auxiliary" if language in candidate.split("+") else "unseen"
                about["run"] = f"{candidate}-{seed}"
                rows.append({**about, "metric": "accuracy", "value": float(test) + seed})
                rows.append({**about, "metric": "development accuracy", "value": float(development) + seed})
    return stack([pl.DataFrame(rows).with_columns(pl.lit(None).alias("second_language"))])


def chosen(frame: pl.DataFrame, how: str = "chosen") -> dict[str, str]:
    return dict(frame.filter(pl.col("how") == how).select("language", "axis.auxiliary").iter_rows())


def test_a_targets_own_development_rows_are_not_looked_at() -> None:
    """hi wins on sw and th, el on ur alone: so hi is chosen for ur too."""
    assert chosen(choose(scores(), "auxiliary")) == {"sw": "hi", "th": "hi", "ur": "hi", "el": "hi", "hi": "el"}
    swapped = {name: dict(values) for name, values in KNOWN.items()}
    swapped["el"]["th"] = (98, 90)  # for all others a reason to take el, for th itself none
    found = chosen(choose(scores(swapped), "auxiliary"))
    assert found == {"sw": "el", "th": "hi", "ur": "el", "el": "hi", "hi": "el"}


def test_cells_of_two_languages_are_targets_of_their_own_and_share_their_labels() -> None:
    """Red when a cell is taken for its first language, or is chosen for by another cell in one of its languages."""
    frame = scores().with_columns(
        second_language=pl.when(pl.col("language").is_in(["th", "sw"])).then(pl.lit("de")).otherwise(None)
    )
    alone = frame.filter(pl.col("second_language").is_not_null())
    with pytest.raises(Mistakes, match="no other unseen language"):
        choose(alone, "auxiliary")
    found = chosen(choose(frame, "auxiliary"))
    assert found == {"sw/de": "el", "th/de": "el", "ur": "hi", "el": "hi", "hi": "el"}
    shown = picked(frame, choose(frame, "auxiliary"), "auxiliary")
    assert set(shown.filter(metric="accuracy")["language"]) == set(found)


def test_neither_are_languages_that_a_candidate_was_trained_on() -> None:
    """el scores 99 on el and hi 99 on hi, which says nothing of unseen ones; and none is chosen for itself."""
    boosted = {name: dict(values) for name, values in KNOWN.items()}
    boosted["el"]["el"], boosted["el"]["hi"] = (100, 100), (100, 100)
    assert chosen(choose(scores(boosted), "auxiliary"))["sw"] == "hi"


def test_a_target_that_all_candidates_have_seen_has_no_choice() -> None:
    known = {"el+hi": KNOWN["el"], "hi": KNOWN["hi"]}
    assert set(chosen(choose(scores(known), "auxiliary"))) == {"sw", "th", "ur", "el"}


def test_the_oracle_looks_and_says_so() -> None:
    scored = scores()
    found = choose(scored, "auxiliary", oracle=True)
    assert chosen(found, "oracle") | {"el": "", "hi": ""} == {"sw": "hi", "th": "el", "ur": "hi", "el": "", "hi": ""}
    assert chosen(found)["th"] == "hi"
    (table,) = tables(picked(scored, found, "auxiliary"))
    axis = [column.name for column in table.columns].index("auxiliary")
    assert [(row[axis].value, row[axis].marks) for row in table.rows] == [("chosen", ()), ("oracle", ("oracle",))]
    assert any("oracle: chosen on the targets' own test scores" in line for line in table.footnotes)
    assert "maml (auxiliary chosen): el for hi; hi for sw, th, ur, el." in table.footnotes
    th = [column.name for column in table.columns].index("th")
    assert [row[th].value for row in table.rows] == [60.5, 90.5]


def test_what_was_chosen_is_compared_on_its_own_predictions() -> None:
    scored = stack([scores(), scores().with_columns(variant=pl.lit("pooled"))])
    rows = [
        {
            **{
                "recipe": "toy",
                "variant": variant,
                "axis.auxiliary": candidate,
                "seed": str(seed),
                "language": language,
            },
            **{"id": f"{i:03d}", "group": i, "label": 0, "prediction": int(i % 2 and candidate == wrong)},
        }
        for variant, wrong in (("pooled", "hi"), ("maml", "el"))
        for candidate in KNOWN
        for seed in range(2)
        for language in LANGUAGES
        for i in range(40)
    ]
    choice = choose(scored, "auxiliary")
    outcomes = Outcomes.from_predictions(picked(pl.DataFrame(rows), choice, "auxiliary"))
    found = compare(picked(scored, choice, "auxiliary"), outcomes, baseline="pooled")
    differences = dict(found.filter(scope="language").select("language", "difference").iter_rows())
    assert differences == {"sw": 50, "th": 50, "ur": 50, "el": 50, "hi": -50}  # hi is chosen, but for hi
    assert found["axis.auxiliary"].unique().to_list() == ["chosen"]


def test_of_equals_the_first_wins_and_a_failed_run_stays_in_sight() -> None:
    equal = {name: dict.fromkeys(LANGUAGES, (50.0, 50.0)) for name in ("hi", "el")}
    scored = stack([scores(equal), failed_run(facts("maml", 5, **{"axis.auxiliary": "el"}))])
    found = choose(scored, "auxiliary")
    assert chosen(found)["sw"] == "hi"
    (table,) = tables(picked(scored, found, "auxiliary"))
    assert any("Failed and not in the means: maml (auxiliary el), seed 5" in line for line in table.footnotes)


def test_candidates_are_judged_on_the_seeds_that_all_of_them_have() -> None:
    """A seed lower by 9 points is missing for hi: no reason to take it where it is worse on all shared ones."""
    close = {"el": dict.fromkeys(LANGUAGES, (61.0, 61.0)), "hi": dict.fromkeys(LANGUAGES, (60.0, 60.0))}
    scored = scores(close, seeds=3).with_columns(pl.col("value") - pl.when(seed="0").then(9.0).otherwise(0.0))
    missing = (pl.col("axis.auxiliary") == "hi") & (pl.col("seed") == "0")
    assert chosen(choose(scored.filter(~missing), "auxiliary"))["sw"] == "el"
    with pytest.raises(Mistakes, match="no seed has development scores for all of el, hi"):
        choose(scored.filter(~((pl.col("axis.auxiliary") == "hi") ^ (pl.col("seed") == "0"))), "auxiliary")


def test_a_language_without_development_rows_has_no_say() -> None:
    gone = (pl.col("axis.auxiliary") == "el") & (pl.col("language") == "th") & pl.col("metric").str.starts_with("dev")
    assert chosen(choose(scores().filter(~gone), "auxiliary"))["sw"] == "el"  # without th, which spoke for hi


def test_a_recipe_without_the_axis_stays_as_it_is() -> None:
    other = scores().filter(pl.col("axis.auxiliary") == "el", metric="accuracy").with_columns(recipe=pl.lit("other"))
    both = stack([scores(), other.drop("axis.auxiliary")])
    found = picked(both, choose(both, "auxiliary"), "auxiliary")
    assert found.filter(recipe="other").height == other.height
    assert found.filter(recipe="toy")["axis.auxiliary"].unique().to_list() == ["chosen"]


@pytest.mark.parametrize(
    ("frame", "axis", "said"),
    [
        (scores().with_columns(pl.lit("1").alias("axis.draw")), "draw", 'no axis "draw" to choose on'),
        (scores().with_columns(pl.lit("sw").alias("axis.target")), "target", 'no axis "target" to choose on'),
        (scores(), "auxilary", 'no axis "auxilary" to choose on; did you mean "auxiliary"'),
        (scores().filter(metric="accuracy"), "auxiliary", "no development accuracy to choose by; write development"),
        (scores().filter(language="th"), "auxiliary", "target th: no other unseen language to choose on"),
    ],
)
def test_what_cannot_be_chosen(frame: pl.DataFrame, axis: str, said: str) -> None:
    with pytest.raises(Mistakes, match=said):
        choose(frame, axis)
