"""Heat maps as Philippy, Guo & Haddadan (2023) draw them, the printed one beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from isogloss.analysis.correlations import MEAN, believed
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.report.figures.drawing import altair
from isogloss.report.figures.heat import Heat, number, whole_span
from isogloss.report.figures.theme import BLUE_ORANGE, VIRIDIS

if TYPE_CHECKING:
    import altair as alt

_LEVEL = 0.05
_GREY = "#777777"


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
    return cast("alt.VConcatChart", altair().vconcat(*parts))


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


def _heat(frame: pl.DataFrame, title: str) -> Any:
    layers = sorted(set(frame["layer"]) - {"mean"}, key=int)
    domain = (-1.0, 1.0)
    cells = [
        {
            "row": explanatory,
            "column": layer,
            **number(value, f"{value:.2f}".replace("-", "−"), BLUE_ORANGE, domain, decided=weight == "believed"),
            **({"ink": _GREY} if weight == "neither" else {}),
        }
        for layer, explanatory, value, weight in frame.select("layer", "explanatory", "value", "weight").iter_rows()
    ]
    rows = frame["explanatory"].unique(maintain_order=True).to_list()
    heat = Heat(rows, [*layers, "mean"], BLUE_ORANGE, domain, "", "", "layer", step=(44, 24))
    return heat.chart(pl.DataFrame(cells), ()).properties(title=title)


def transfer_figure(matrices: Sequence[tuple[str, Matrix]]) -> alt.VConcatChart:
    """Return scores over sources (rows) and targets (columns), one heat map under the other (figure 3 of the paper).

    Each has colours of its own: scores of different tasks have little in common but their pattern.

    Args:
        matrices: title and scores in percent.

    Raises:
        Mistakes: altair is not installed.
    """
    parts = [_scores(matrix).properties(title=title) for title, matrix in matrices]
    return cast("alt.VConcatChart", altair().vconcat(*parts).resolve_scale(color="independent"))


def _scores(matrix: Matrix) -> Any:
    domain = whole_span(matrix.values[~np.isnan(matrix.values)].tolist())
    cells = [
        {"row": source, "column": target, **number(value, f"{value:.0f}", VIRIDIS, domain)}
        for source, row in zip(matrix.languages, matrix.values.tolist(), strict=True)
        for target, value in zip(matrix.languages, row, strict=True)
        if not np.isnan(value)
    ]
    heat = Heat(matrix.languages, matrix.languages, VIRIDIS, domain, "", "source", "target", step=(26, 24))
    return heat.chart(pl.DataFrame(cells), ())
