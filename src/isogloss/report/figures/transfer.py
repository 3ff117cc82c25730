"""Scores by source (Philippy et al. 2023, figure 3); differences by auxiliary (Liu et al. 2021, figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.evaluation.comparison import comparison_arms
from isogloss.evaluation.frame import Arm, only
from isogloss.evaluation.tabular import MARKS
from isogloss.report.figure import Figure
from isogloss.report.figures.heat import Cell, Heat, Hover, around_zero, number, whole_span
from isogloss.report.figures.theme import BLUE_ORANGE, VIRIDIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from isogloss.report.material import Material

NAME, AUXILIARY = "transfer", "auxiliary"
_SOURCE = (
    "Rows are what a model was trained on, columns what it was tested on: mean over seeds, in percent. "
    "Where both are the same nothing was transferred."
)
_DIFFERENCE = (
    "Rows are what was adapted on, columns what was tested on: points above {baseline} with the same rows of the axes. "
    "Bold with ▲ or ▼: decided at 5 % after Holm's correction over a row; others are undecided, which is not the same "
    "as equal."
)


def figure(material: Material) -> Figure | None:
    """Return the heat map of scores over sources and targets; None where all have the same sources."""
    if not material.varies("source"):
        return None
    axes = _axes(material)
    frame = _frame(
        [
            {**_about(one.arm, language, axes), "value": value, "n": one.examples[language], "seeds": len(one.by_seed)}
            for one in material.arms
            for language, value in one.means.items()
        ]
    )
    metric = material.shown_metric
    domain = whole_span(frame["value"])
    cells = [{**row} | number(row["value"], f"{row['value']:.0f}", VIRIDIS, domain) for row in frame.to_dicts()]
    hover = (
        Hover("row", "trained on"),
        Hover("column", "tested on"),
        Hover("value", metric, ".1f"),
        Hover("n", "examples", ",d"),
        Hover("seeds", "seeds", "d"),
    )
    rows, columns = _sides(frame)
    heat = Heat(rows, columns, VIRIDIS, domain, metric, " · ".join(axes), "target", step=(27, 22))
    return Figure(
        NAME,
        f"Scores by source and target: {metric} in percent",
        _SOURCE,
        _panels(heat, cells, hover),
        frame,
        interactive=True,
    )


def auxiliary_figure(material: Material) -> Figure | None:
    """Return the heat map of differences over auxiliaries and targets; None where all have the same."""
    comparisons = material.comparisons
    if comparisons is None or comparisons.is_empty() or not material.varies("auxiliary"):
        return None
    axes = _axes(material)
    frame = _frame(
        [
            {
                **_about(arm, row["language"], axes),
                "value": row["difference"],
                "p": row["p_adjusted"],
                **{name: row[name] for name in ("low", "high", "verdict", "n", "seeds")},
            }
            for arm in comparison_arms(comparisons)
            for row in only(comparisons, arm).filter(scope="language").iter_rows(named=True)
        ]
    )
    baseline, domain = str(comparisons["baseline"][0]), around_zero(frame["value"])
    cells = [{**row} | _difference(row, domain) for row in frame.to_dicts()]
    hover = (
        Hover("row", "adapted on"),
        Hover("column", "tested on"),
        Hover("value", "difference", "+.2f"),
        Hover("low", "95 % from", "+.2f"),
        Hover("high", "to", "+.2f"),
        Hover("p", "p (corrected)", ".3f"),
        Hover("verdict", "verdict"),
        Hover("n", "examples", ",d"),
        Hover("seeds", "seeds", "d"),
    )
    rows, columns = _sides(frame)
    heat = Heat(rows, columns, BLUE_ORANGE, domain, "points", " · ".join(axes), "target", step=(48, 22))
    title, caption = f"Difference from {baseline} by auxiliary and target", _DIFFERENCE.format(baseline=baseline)
    return Figure(AUXILIARY, title, caption, _panels(heat, cells, hover), frame, interactive=True)


def _difference(row: dict[str, Any], domain: tuple[float, float]) -> Cell:
    mark = MARKS.get(row["verdict"], "")
    text = f"{round(row['value'], 1) + 0:+.1f}{mark}".replace("-", "−")
    return number(row["value"], text, BLUE_ORANGE, domain, decided=bool(mark))


def _axes(material: Material) -> list[str]:
    """The axes on which arms differ."""
    return [name for name, _ in material.arms[0].arm.cell if material.varies(name)]


def _about(arm: Arm, language: str, axes: Sequence[str]) -> dict[str, str]:
    """Whose cell it is: a panel for each variant, a row for what these axes say of it."""
    cell = [value for name, value in arm.cell if name in axes and value]
    return {"panel": arm.variant, "row": " · ".join(cell) or "–", "column": language}


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None)


def _sides(frame: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Rows and columns in order; where rows are languages of the columns, in the columns'."""
    rows, columns = (frame[name].unique(maintain_order=True).to_list() for name in ("row", "column"))
    return [name for name in columns if name in rows] if set(rows) <= set(columns) else sorted(rows), columns


def _panels(heat: Heat, cells: list[dict[str, Any]], hover: Sequence[Hover]) -> Any:
    frame = _frame(cells)
    panels = frame["panel"].unique(maintain_order=True).to_list()
    abreast = max(1, 30 // (len(heat.columns) + 4))
    return heat.panels(frame, hover, panels, abreast=abreast)
