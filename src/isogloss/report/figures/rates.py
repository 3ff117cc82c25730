"""The course of learned update rates, layer by layer, over meta steps (Xu et al. 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.report.figure import Figure
from isogloss.report.figures.heat import Heat, Hover
from isogloss.report.figures.theme import VIRIDIS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from isogloss.report.material import Material
    from isogloss.store import LearnedRates

NAME = "rates"
MOST_STEPS, MOST_PANELS = 40, 6
"""Columns and panels: meta steps beyond are thinned out evenly, the last always there."""
_CAPTION = (
    "The share of each update that a layer group takes, 0 to 1, after so many meta steps: mean over {what}. "
    "Colours run from the least to the greatest rate here. Where a column darkens or lightens as a whole, a step size "
    "was learned; where rows part, a selection of layers."
)


def figure(material: Material) -> Figure | None:
    """Return the heat map of rates; None where no phase has learned any."""
    learned = _learned(material)
    if not learned:
        return None
    import polars as pl

    rows = [row for panel, found in learned.items() for row in _rows(panel, list(found.values()))]
    if not rows:
        return None
    frame = pl.DataFrame(rows)
    caption = _CAPTION.format(what="seeds and cells of the axes" if material.cells else "seeds")
    return Figure(NAME, "Learned update rates by layer", caption, _chart(frame), frame, interactive=True)


def _learned(material: Material) -> dict[str, dict[str, LearnedRates]]:
    """Panel → key of a phase → what it learned; a phase that variants share stands where it is first met."""
    found: dict[str, dict[str, LearnedRates]] = {}
    met: set[str] = set()
    for run in material.done:
        for key in run.phases:
            phase = material.store.phase(key)
            if key not in met and (phase.path / "rates.json").is_file():
                met.add(key)
                found.setdefault(f"{material.variant(run)}, {phase.spec['name']}", {})[key] = phase.rates()
    return dict(list(found.items())[:MOST_PANELS])


def _rows(panel: str, learned: Sequence[LearnedRates]) -> list[dict[str, Any]]:
    """Means over those that have come so far: panel, group, step, value, low, high, runs."""
    longest = max(len(one.course) for one in learned)
    steps = (
        sorted({1 + round(place * (longest - 1) / (MOST_STEPS - 1)) for place in range(MOST_STEPS)}) if longest else []
    )
    rows = []
    for step in steps:
        reached = [one.course[step - 1] for one in learned if len(one.course) >= step]
        for group in _groups(learned[0].rates):
            values = [rates[group] for rates in reached if group in rates]
            if values:
                about = {"panel": panel, "group": group, "step": step, "value": sum(values) / len(values)}
                rows.append({**about, "low": min(values), "high": max(values), "runs": len(values)})
    return rows


def _groups(rates: Mapping[str, float]) -> list[str]:
    """Layer groups from the top down."""
    return list(rates)[::-1]


def _chart(frame: pl.DataFrame) -> Any:
    import polars as pl

    cells = frame.select(
        "panel", row="group", column=pl.col("step").cast(pl.String), value="value", low="low", high="high", runs="runs"
    )
    panels, rows = (cells[name].unique(maintain_order=True).to_list() for name in ("panel", "row"))
    columns = sorted(cells["column"].unique(), key=int)
    hover = (
        Hover("row", "layer group"),
        Hover("column", "meta step"),
        Hover("value", "rate", ".3f"),
        Hover("low", "least over seeds", ".3f"),
        Hover("high", "greatest over seeds", ".3f"),
        Hover("runs", "runs", "d"),
    )
    low, high = float(frame["value"].to_numpy().min()), float(frame["value"].to_numpy().max())
    domain = (low, high if high > low else low + 0.01)
    heat = Heat(rows, columns, VIRIDIS, domain, "rate", column_title="meta step", step=(14, 18))
    return heat.panels(cells, hover, panels, abreast=max(1, 80 // (len(columns) + 8)))
