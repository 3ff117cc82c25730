"""Heat maps as Philippy, Guo & Haddadan (2023) draw them, the printed one beside ours.

Drawn with altair and written offline by vl-convert: the extra `figures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from isogloss.analysis.correlations import MEAN, believed
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.errors import mistake
from isogloss.store.files import whole_file

if TYPE_CHECKING:
    import altair as alt

SUFFIXES = (".svg", ".png", ".pdf", ".html", ".json")
_REMEDY = "pip install 'isogloss[figures]'"
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
    return cast("alt.VConcatChart", _altair().vconcat(*parts))


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
    vega = _altair()
    layers = sorted(set(frame["layer"]) - {"mean"}, key=int)
    base = vega.Chart(vega.InlineData(values=frame.to_dicts())).encode(
        x=vega.X("layer:N", sort=[*layers, "mean"], axis=vega.Axis(labelAngle=0)),
        y=vega.Y("explanatory:N", sort=frame["explanatory"].unique(maintain_order=True).to_list(), title=None),
    )
    scale = vega.Scale(scheme="blueorange", domain=[-1, 1], domainMid=0)
    bold = vega.expr("datum.weight == 'believed' ? 'bold' : 'normal'")
    colour = vega.condition("datum.weight == 'neither'", vega.value("#777777"), vega.value("black"))
    text = base.mark_text(fontSize=11, fontWeight=bold).encode(text=vega.Text("value:Q", format=".2f"), color=colour)
    rectangles = base.mark_rect().encode(color=vega.Color("value:Q", scale=scale, title=None))
    heat = (rectangles + text).properties(title=title, width=vega.Step(44), height=vega.Step(24))
    return cast("alt.LayerChart", heat)


def transfer_figure(matrices: Sequence[tuple[str, Matrix]]) -> alt.VConcatChart:
    """Return scores over sources (rows) and targets (columns), one heat map under the other (figure 3 of the paper).

    Each has colours of its own: scores of different tasks have little in common but their pattern.

    Args:
        matrices: title and scores in percent.

    Raises:
        Mistakes: altair is not installed.
    """
    vega = _altair()
    parts = []
    for title, matrix in matrices:
        low, high = float(np.floor(np.nanmin(matrix.values))), float(np.ceil(np.nanmax(matrix.values)))
        scale = vega.Scale(scheme="viridis", domain=[low, high])
        dark = f"datum.score < {low + 0.55 * (high - low)}"  # the lower half of viridis
        values = [
            {"source": source, "target": target, "score": matrix.values[i, j]}
            for i, source in enumerate(matrix.languages)
            for j, target in enumerate(matrix.languages)
            if not np.isnan(matrix.values[i, j])
        ]
        base = vega.Chart(vega.InlineData(values=values)).encode(
            x=vega.X("target:N", sort=list(matrix.languages), axis=vega.Axis(labelAngle=0)),
            y=vega.Y("source:N", sort=list(matrix.languages)),
        )
        colour = vega.condition(dark, vega.value("white"), vega.value("black"))
        text = base.mark_text(fontSize=11).encode(text=vega.Text("score:Q", format=".0f"), color=colour)
        rectangles = base.mark_rect().encode(color=vega.Color("score:Q", scale=scale, title=None))
        parts.append((rectangles + text).properties(title=title, width=vega.Step(26), height=vega.Step(24)))
    return cast("alt.VConcatChart", vega.vconcat(*parts).resolve_scale(color="independent"))


def save(chart: alt.VConcatChart, file: Path) -> None:
    """Write a figure, in the format that the name ends in; an HTML file holds all that it needs.

    Raises:
        Mistakes: the name ends in something else, or the file cannot be written.
    """
    if file.suffix not in SUFFIXES:
        raise mistake(f'no figures end in "{file.suffix}"', where=str(file), remedy=f"one of {' '.join(SUFFIXES)}")
    with whole_file(file) as temporary:
        form = cast(Any, file.suffix.removeprefix("."))
        chart.save(str(temporary), format=form, inline=form == "html")


def _altair() -> Any:
    try:
        import altair
        import vl_convert  # noqa: F401 (altair writes through it)
    except ImportError as error:
        raise mistake("figures are drawn with altair and vl-convert", where="--figure", remedy=_REMEDY) from error
    return altair
