"""Which label is taken for which: confusion matrices, by language and variant, to be chosen from two lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import altair, by_name, drop_down, inline
from isogloss.report.figures.theme import VIRIDIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from isogloss.report.material import Material

NAME = "confusion"
MOST_CELLS, MOST_ARMS, MOST_LABELS = 4500, 8, 16
"""What a page can carry: cells of all matrices together, variants, and labels of one matrix."""
FEWEST_LABELS = 2
OTHER = "(another label)"
_CAPTION = (
    "Rows are right labels, columns predicted ones; a cell is the share of a row, its seeds together. {which}"
    "First comes {first} on the language where it scores least; choose another variant or language in the lists."
)
_SOME = "Only the {shown} of {all} labels that are most often part of an error, over all languages and variants. "


def figure(material: Material) -> Figure | None:
    """Return the matrices; None where runs do not choose among labels."""
    frame = confusions(material)
    if frame is None:
        return None
    every, shown = len(material.labels), frame["label"].n_unique()
    which = _SOME.format(shown=shown, all=every) if shown < every else ""
    languages = material.arms[0].means
    first = (material.called(material.arms[0].arm), min(languages, key=lambda language: languages[language]))
    chart, caption = _chart(frame, material.labels, first), _CAPTION.format(which=which, first=first[0])
    return Figure(NAME, "Which labels are taken for which", caption, chart, frame, interactive=True)


def confusions(material: Material) -> pl.DataFrame | None:
    """Return a row for each cell that is not empty: arm, language, label, predicted, count, share (of the label).

    Predictions outside of the labels that are shown are counted as `OTHER`, so that the shares of a label add up to 1.
    """
    import polars as pl

    from isogloss.evaluation.frame import arm_of, axis_columns

    predictions = material.predictions
    if not {"label", "prediction"} <= set(predictions.columns) or not material.labels:
        return None
    axes = axis_columns(predictions)
    arms = [material.called(one.arm) for one in material.arms[:MOST_ARMS]]
    names = dict(enumerate(material.labels))
    counts = (
        predictions.drop_nulls(["label", "prediction"])
        .group_by("variant", *axes, "language", "label", "prediction")
        .agg(count=pl.len())
    )
    whose = [material.called(arm_of(axes, row[0], row[1:])) for row in counts.select("variant", *axes).iter_rows()]
    counts = counts.with_columns(arm=pl.Series(whose, dtype=pl.String)).filter(pl.col("arm").is_in(arms))
    if counts.is_empty():
        return None
    kept = _most_confused(counts, _room(counts))
    shown = counts.filter(pl.col("label").is_in(kept)).with_columns(
        label=pl.col("label").cast(pl.Int64).replace_strict(names, return_dtype=pl.String),
        predicted=pl.when(pl.col("prediction").is_in(kept))
        .then(pl.col("prediction").cast(pl.Int64).replace_strict(names, return_dtype=pl.String))
        .otherwise(pl.lit(OTHER)),
    )
    key = ["arm", "language", "label"]
    cells = shown.group_by(*key, "predicted").agg(pl.col("count").sum())
    return cells.with_columns(share=pl.col("count") / pl.col("count").sum().over(key)).sort(*key, "predicted")


def _room(counts: pl.DataFrame) -> int:
    """How many labels a matrix may have so that all of them together stay small."""
    matrices = counts.select("arm", "language").n_unique()
    return max(FEWEST_LABELS, min(MOST_LABELS, math.isqrt(MOST_CELLS // matrices)))


def _most_confused(counts: pl.DataFrame, most: int) -> list[int]:
    """The labels that are most often right or predicted in an error, in their own order."""
    import polars as pl

    wrong = counts.filter(pl.col("label") != pl.col("prediction"))
    parts = [wrong.select(pl.col(side).cast(pl.Int64).alias("label"), "count") for side in ("label", "prediction")]
    every = pl.concat([*parts, counts.select(pl.col("label").cast(pl.Int64), count=pl.lit(0, dtype=pl.UInt32))])
    ranked = every.group_by("label").agg(pl.col("count").sum()).sort("count", "label", descending=[True, False])
    return sorted(ranked["label"].head(most).to_list())


def _chart(frame: pl.DataFrame, labels: tuple[str, ...], first: tuple[str, str]) -> Any:
    alt = altair()
    arms, languages = (sorted(frame[name].unique()) for name in ("arm", "language"))
    occurring = {*frame["label"], *frame["predicted"]}  # a label may be predicted and right nowhere
    rows = [label for label in labels if label in occurring]
    columns = [*rows, *([OTHER] if OTHER in set(frame["predicted"]) else [])]
    lists = (
        drop_down("arm", "variant", {arm: arm for arm in arms}, first[0]),
        drop_down("language", "language", {language: by_name(language) for language in languages}, first[1]),
    )
    base = _cells(frame, columns).transform_filter(lists[0]).transform_filter(lists[1])
    base = base.encode(
        x=alt.X("column:N", scale=alt.Scale(domain=columns), title="predicted", axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("row:N", scale=alt.Scale(domain=rows), title="right"),
        tooltip=[
            alt.Tooltip("row:N", title="right"),
            alt.Tooltip("column:N", title="predicted"),
            alt.Tooltip("share:Q", title="share", format=".0%"),
            alt.Tooltip("count:Q", title="examples", format=",d"),
        ],
    )
    step = 34 if len(rows) > 8 else 44
    rects, texts = _matrix(base)
    return (rects.add_params(*lists) + texts).properties(width=alt.Step(step), height=alt.Step(22))


def _cells(frame: pl.DataFrame, columns: Sequence[str]) -> Any:
    """Return a chart over cells with their row and column, whose names stand in the data once: cells are thousands."""
    import polars as pl

    alt = altair()
    numbers = {name: number for number, name in enumerate(columns)}
    cells = frame.select(
        "arm",
        "language",
        "count",
        a=pl.col("label").replace_strict(numbers, return_dtype=pl.Int64),
        b=pl.col("predicted").replace_strict(numbers, return_dtype=pl.Int64),
        share=pl.col("share").round(3),
    )
    names = alt.LookupData(
        data=inline(pl.DataFrame({"number": range(len(columns)), "name": columns})), key="number", fields=["name"]
    )
    named = alt.Chart(inline(cells)).transform_lookup(lookup="a", from_=names, as_=["row"])
    return named.transform_lookup(lookup="b", from_=names, as_=["column"])


def _matrix(base: Any) -> tuple[Any, Any]:
    """Return coloured cells, and the shares in them."""
    alt = altair()
    scale = alt.Scale(scheme=VIRIDIS.name, domain=[0, 1])
    colour = alt.Color("share:Q", scale=scale, title="share", legend=alt.Legend(format=".0%"))
    dark = alt.FieldLTPredicate(field="share", lt=VIRIDIS.white_below)
    ink = alt.condition(dark, alt.value("#ffffff"), alt.value("#000000"))
    texts = base.mark_text(fontSize=10).encode(text=alt.Text("share:Q", format=".0%"), color=ink)
    return base.mark_rect().encode(color=colour), texts
