"""What each variant differs by from the baseline, language by language, with intervals and verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.evaluation.comparison import MEANS, comparison_arms
from isogloss.evaluation.frame import only, primary_metric
from isogloss.evaluation.naming import how_many
from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import altair, by_name, inline
from isogloss.report.figures.heat import Hover, evenly, hovering
from isogloss.report.figures.scores import score_cells

if TYPE_CHECKING:
    import polars as pl

    from isogloss.report.material import Material

NAME = "differences"
MOST_ARMS = 24
"""Panels, more than which nobody compares."""
VERDICTS = {"better": "#0072B2", "worse": "#D55E00", "undecided": "#8a8a8a", "identical": "#8a8a8a"}
"""What a test may say, and its colour."""
_COLUMNS = ["arm", "row", "language", "languages", "value", "low", "high", "p", "verdict", "minimum", "n", "seeds"]
_CAPTION = (
    "Points over the same examples and seeds; right of the line is better than the baseline. Filled: decided at 5 % "
    "after Holm's correction over a variant's languages; hollow: undecided, which is not the same as equal. "
    "Bars are 95 % intervals, not corrected for the number of languages{condition}."
)
_CONDITION = (
    ", and conditional on the {what}: where one leaves the line out though the point is hollow, it does not reckon "
    "with other seeds, or with so many languages at once"
)
_HOVER = (
    Hover("row", "language"),
    Hover("languages", "languages", "d"),
    Hover("panel", "variant"),
    Hover("value", "difference", "+.2f"),
    Hover("low", "95 % from", "+.2f"),
    Hover("high", "to", "+.2f"),
    Hover("p", "p (corrected)", ".3f"),
    Hover("verdict", "verdict"),
    Hover("minimum", "could have shown", ".1f"),
    Hover("n", "examples", ",d"),
    Hover("seeds", "seeds", "d"),
)


def figure(material: Material) -> Figure | None:
    """Return the dot plot of differences; None where nothing was compared, or there are too many arms to show."""
    comparisons = material.comparisons
    if comparisons is None or comparisons.is_empty() or len(comparison_arms(comparisons)) > MOST_ARMS:
        return None
    frame = difference_rows(material, comparisons)
    baseline = str(comparisons["baseline"][0])
    conditional = comparisons["conditional"].drop_nulls().unique(maintain_order=True).to_list()
    condition = _CONDITION.format(what=conditional[0]) if conditional and conditional[0] else ""
    title = f"Difference from {baseline} by language, in points of {primary_metric(material.scores)}"
    return Figure(NAME, title, _CAPTION.format(condition=condition), _chart(frame), frame, interactive=True)


def difference_rows(material: Material, comparisons: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each arm and language, in the order of the scores, the mean over targets first.

    Columns: arm, row ("mean of unseen targets", or the language as axes show it), language, languages (how many, of a
    mean), value, low, high, p (corrected), verdict, minimum (what could have been shown), n, seeds.
    """
    import polars as pl

    places = {language: place for place, language in enumerate(dict.fromkeys(score_cells(material)["language"]))}
    rows = [
        {
            "arm": material.called(arm),
            "row": _row_name(row),
            "languages": how_many(row["language"]) if row["scope"] in MEANS else 1,
            **{name: row[name] for name in ("language", "low", "high", "verdict", "minimum", "n", "seeds")},
            "value": row["difference"],
            "p": row["p_adjusted"],
            "place": -1 if row["scope"] in MEANS else places[row["language"]],
        }
        for arm in comparison_arms(comparisons)
        for row in only(comparisons, arm).iter_rows(named=True)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None).sort("place", maintain_order=True)
    return frame.select(_COLUMNS)


def _row_name(row: dict[str, Any]) -> str:
    if row["scope"] in MEANS:
        return f"mean of {MEANS[row['scope']]}"
    return by_name(row["language"])


def _chart(frame: pl.DataFrame) -> Any:
    alt = altair()
    rows, panels = (frame[name].unique(maintain_order=True).to_list() for name in ("row", "arm"))
    drawn, tips = hovering(frame.drop("language").rename({"arm": "panel"}), _HOVER)
    axis = alt.Axis(ticks=False, domain=False, grid=True)
    data = inline(drawn)
    base = alt.Chart(data).encode(
        y=alt.Y("row:N", scale=alt.Scale(domain=rows), title=None, axis=axis),
        color=alt.Color(
            "verdict:N", scale=alt.Scale(domain=list(VERDICTS), range=list(VERDICTS.values())), legend=None
        ),
        tooltip=tips,
    )
    at = alt.X("value:Q", title="points", axis=alt.Axis(format=".2~f", tickCount=5))
    decided = alt.FieldOneOfPredicate(field="verdict", oneOf=["better", "worse"])
    zero = alt.Chart(data).transform_aggregate(rows="count()", groupby=["panel"]).mark_rule(style="ink-line")
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", title="points"), x2="high:Q")
    hollow = base.transform_filter(alt.LogicalNotPredicate(**{"not": decided}))
    points = [
        base.transform_filter(decided).mark_point(filled=True, size=52, opacity=1).encode(x=at),
        hollow.mark_point(filled=False, size=44, opacity=1, strokeWidth=1.5).encode(x=at),
    ]
    heading = max(150, 7 * max(map(len, panels)))
    abreast = evenly(len(panels), max(1, min(4, 720 // heading)))
    width = max(heading, 640 // abreast - 20)
    layered = alt.layer(zero.encode(x=alt.XDatum(0)), bars, *points).properties(width=width, height=alt.Step(19))
    header = alt.Facet("panel:N", title=None, sort=panels)
    return layered.facet(facet=header, columns=abreast)
