"""Scores by language and variant: the first table as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.evaluation.intervals import score_intervals
from isogloss.evaluation.tabular import MARKS
from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import by_name
from isogloss.report.figures.heat import Cell, Heat, Hover, number, whole_span
from isogloss.report.figures.theme import VIRIDIS

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.score_table import ArmScores
    from isogloss.report.material import Material

NAME = "scores"
ABREAST, MOST_ARMS = 12, 48
"""So many arms stand side by side; more are rows, and still more cannot be read: recipes with so many cells have
figures by source or by auxiliary."""
_CAPTION = (
    "Mean over seeds, in percent; languages in the order of {first}'s scores. "
    "† marks a language whose labels were trained on: such a score says nothing of transfer. "
    "Colours show where scores are high, not which differences are real: that is in the differences."
)


def figure(material: Material) -> Figure | None:
    """Return the heat map of scores; None where no run is done, or there are too many arms to show."""
    if not material.arms or len(material.arms) > MOST_ARMS:
        return None
    frame = score_cells(material)
    chart = _chart(frame, material.shown_metric)
    title = f"Scores by language and variant: {material.shown_metric} in percent"
    return Figure(NAME, title, _CAPTION.format(first=frame["arm"][0]), chart, frame, interactive=True)


def score_cells(material: Material) -> pl.DataFrame:
    """Return a row for each arm and language: arm, language, value, low, high, role, n, seeds; the best first.

    The interval is of the primary metric alone, and None for another.
    """
    import polars as pl

    rows = [row for one in material.arms for row in _rows(material, one)]
    first = material.arms[0].means
    order = sorted(dict.fromkeys(row["language"] for row in rows), key=lambda each: -first.get(each, -1.0))
    ranks = {language: rank for rank, language in enumerate(order)}
    frame = pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"low": pl.Float64, "high": pl.Float64})
    return frame.sort(pl.col("language").replace_strict(ranks), maintain_order=True)


def _rows(material: Material, one: ArmScores) -> list[dict[str, Any]]:
    intervals = _intervals(material, one)
    return [
        {
            "arm": material.called(one.arm),
            "language": language,
            "value": mean,
            "low": intervals.get(language, (None, None))[0],
            "high": intervals.get(language, (None, None))[1],
            "role": one.roles[language],
            "n": one.examples[language],
            "seeds": sum(language in own for own in one.by_seed.values()),
        }
        for language, mean in one.means.items()
    ]


def _intervals(material: Material, one: ArmScores) -> dict[str, tuple[float, float]]:
    from isogloss.evaluation.frame import primary_metric

    if material.outcomes is None or material.shown_metric != primary_metric(material.scores):
        return {}
    return score_intervals(material.outcomes, one.arm)


def _chart(frame: pl.DataFrame, metric: str) -> Any:
    import polars as pl

    domain = whole_span(frame["value"])
    cells = [_cell(row, domain) for row in frame.iter_rows(named=True)]
    rows, columns = (list(dict.fromkeys(str(cell[side]) for cell in cells)) for side in ("row", "column"))
    hover = (
        Hover("row", "language" if len(columns) <= ABREAST else "variant"),
        Hover("column", "variant" if len(columns) <= ABREAST else "language"),
        Hover("value", metric, ".1f"),
        Hover("low", "95 % from", ".1f"),
        Hover("high", "to", ".1f"),
        Hover("role", "role"),
        Hover("n", "examples", ",d"),
        Hover("seeds", "seeds", "d"),
    )
    drawn = pl.DataFrame(cells, infer_schema_length=None)
    if len(columns) <= ABREAST:
        return Heat(rows, columns, VIRIDIS, domain, metric, step=(58, 21)).chart(drawn, hover)
    turned = drawn.rename({"row": "column", "column": "row"})
    return Heat(columns, rows, VIRIDIS, domain, metric, step=(50, 20)).chart(turned, hover)


def _cell(row: dict[str, Any], domain: tuple[float, float]) -> Cell:
    seen = "" if row["role"] == "unseen" else MARKS["seen"]
    about = {name: row[name] for name in ("low", "high", "role", "n", "seeds")}
    text = f"{row['value']:.1f}{seen}"
    return {"row": by_name(row["language"]), "column": row["arm"], **about} | number(
        row["value"], text, VIRIDIS, domain
    )
