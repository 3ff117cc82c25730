"""Heat maps as Philippy, Guo & Haddadan (2023) draw them, the printed one beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from isogloss.analysis.correlations import MEAN, believed
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.report.figures.drawing import vega

if TYPE_CHECKING:
    import altair as alt

_LEVEL = 0.05


def correlation_figure(answers: pl.DataFrame, printed: pl.DataFrame | None = None) -> alt.VConcatChart:
    """Return Pearson's coefficient of impact and distance by layer (figures 1 and 2 of the paper).

    A value in bold is below 5 % after correction by the test that can be believed, which agrees on its sign (it is of
    two-way residuals); one in grey is not below 5 % even by the naive p-value.

    Args:
        answers: of `correlations.answer`, where impact is the outcome; drawn without same-language pairs.
        printed: the paper's numbers, of `printed_correlations`.

    Raises:
        Mistakes: altair is not installed.
    """
    mine = answers.filter(~pl.col("with_same_language"))
    parts = []
    for (variant,), part in mine.group_by(["variant"], maintain_order=True):
        explanatory = "transfer" if "transfer" in part["explanatory"] else "distance"
        parts.append(_heat(_cells(part), f"{variant}: impact and {explanatory}, by layer"))
    if printed is not None:
        names = mine["explanatory"].unique(maintain_order=True).to_list()
        theirs = printed.filter(
            pl.col("coefficient") == "pearson", pl.col("layer") != "", pl.col("explanatory").is_in(names)
        )
        if theirs.height:
            parts.append(_heat(theirs.with_columns(weight=pl.lit("unknown")), "as printed"))
    return cast("alt.VConcatChart", vega().vconcat(*parts))


def _cells(part: pl.DataFrame) -> pl.DataFrame:
    """layer, explanatory, value, weight ("believed", "naive", "neither") of each cell."""
    layered = part.filter(pl.col("layer").is_not_null() | (pl.col("outcome") == MEAN)).with_columns(
        layer=pl.col("layer").cast(pl.String).fill_null("mean")
    )
    key = ["layer", "explanatory"]
    naive = layered.filter(pl.col("test") == "naive", pl.col("coefficient") == "pearson")
    better = believed(layered).select(*key, believed="p_bh", tested="value")
    both = naive.join(better, on=key, how="left", maintain_order="left")
    weight = (
        pl.when((pl.col("believed") < _LEVEL) & (pl.col("tested") * pl.col("value") > 0))
        .then(pl.lit("believed"))
        .when(pl.col("p") < _LEVEL)
        .then(pl.lit("naive"))
        .otherwise(pl.lit("neither"))
    )
    return both.select(*key, "value", weight=weight)


def _heat(frame: pl.DataFrame, title: str) -> alt.LayerChart:
    draw = vega()
    layers = sorted(set(frame["layer"]) - {"mean"}, key=int)
    base = draw.Chart(draw.InlineData(values=frame.to_dicts())).encode(
        x=draw.X("layer:N", sort=[*layers, "mean"], axis=draw.Axis(labelAngle=0)),
        y=draw.Y("explanatory:N", sort=frame["explanatory"].unique(maintain_order=True).to_list(), title=None),
    )
    scale = draw.Scale(scheme="blueorange", domain=[-1, 1], domainMid=0)
    bold = draw.expr("datum.weight == 'believed' ? 'bold' : 'normal'")
    colour = draw.condition("datum.weight == 'neither'", draw.value("#777777"), draw.value("black"))
    text = base.mark_text(fontSize=11, fontWeight=bold).encode(text=draw.Text("value:Q", format=".2f"), color=colour)
    rectangles = base.mark_rect().encode(color=draw.Color("value:Q", scale=scale, title=None))
    heat = (rectangles + text).properties(title=title, width=draw.Step(44), height=draw.Step(24))
    return cast("alt.LayerChart", heat)


def transfer_figure(matrices: Sequence[tuple[str, Matrix]]) -> alt.VConcatChart:
    """Return scores over sources (rows) and targets (columns), one heat map under the other (figure 3 of the paper).

    Each has colours of its own: scores of different tasks have little in common but their pattern.

    Args:
        matrices: title and scores in percent.

    Raises:
        Mistakes: altair is not installed.
    """
    draw = vega()
    parts = []
    for title, matrix in matrices:
        low, high = float(np.floor(np.nanmin(matrix.values))), float(np.ceil(np.nanmax(matrix.values)))
        scale = draw.Scale(scheme="viridis", domain=[low, high])
        dark = f"datum.score < {low + 0.55 * (high - low)}"  # the lower half of viridis
        values = [
            {"source": source, "target": target, "score": matrix.values[i, j]}
            for i, source in enumerate(matrix.languages)
            for j, target in enumerate(matrix.languages)
            if not np.isnan(matrix.values[i, j])
        ]
        base = draw.Chart(draw.InlineData(values=values)).encode(
            x=draw.X("target:N", sort=list(matrix.languages), axis=draw.Axis(labelAngle=0)),
            y=draw.Y("source:N", sort=list(matrix.languages)),
        )
        colour = draw.condition(dark, draw.value("white"), draw.value("black"))
        text = base.mark_text(fontSize=11).encode(text=draw.Text("score:Q", format=".0f"), color=colour)
        rectangles = base.mark_rect().encode(color=draw.Color("score:Q", scale=scale, title=None))
        parts.append((rectangles + text).properties(title=title, width=draw.Step(26), height=draw.Step(24)))
    return cast("alt.VConcatChart", draw.vconcat(*parts).resolve_scale(color="independent"))
