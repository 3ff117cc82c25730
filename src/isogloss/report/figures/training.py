"""How the loss fell: a curve for each phase and variant, over what was measured at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import altair, inline
from isogloss.report.figures.heat import Hover, evenly, hovering
from isogloss.report.figures.theme import OKABE_ITO

if TYPE_CHECKING:
    import polars as pl

    from isogloss.report.material import Material

NAME = "training"
MOST_POINTS = 2000
"""Of all curves together; each has as many as another, and no more than `POINTS`."""
POINTS = 100
_CAPTION = (
    "Loss on what was trained on: dots as measured at some of the steps, the line their running mean over a tenth of "
    "the phase; both means over seeds{cells}. A phase that variants share is drawn once. A low loss here says nothing "
    "of other languages."
)


_DASHES = ([1, 0], [5, 3], [2, 2], [7, 3, 2, 3])
_HOVER = (
    Hover("curve", "variant"),
    Hover("step", "step", ",d"),
    Hover("loss", "loss", ".3f"),
    Hover("smooth", "running mean", ".3f"),
    Hover("runs", "runs", "d"),
)


@dataclass
class _Curve:
    """One phase as some variants go through it.

    Attributes:
        phase: its name.
        variants: that go through the very same phases of this name.
        logs: of each of them, one for a seed and cell: step → loss.
    """

    phase: str
    variants: tuple[str, ...]
    logs: list[Mapping[int, float]] = field(default_factory=list)


def figure(material: Material) -> Figure | None:
    """Return the curves; None where no phase has logged a loss."""
    curves = _curves(material)
    if not curves:
        return None
    import polars as pl

    points = max(2, min(POINTS, MOST_POINTS // len(curves)))
    everyone = {material.variant(run) for run in material.done if run.phases}
    frame = pl.DataFrame([row for curve in curves for row in _rows(curve, points, everyone)])
    cells = " and cells of the axes" if material.cells else ""
    caption = _CAPTION.format(cells=cells)
    return Figure(NAME, "Loss in training, by phase and variant", caption, _chart(frame), frame, interactive=True)


def _curves(material: Material) -> list[_Curve]:
    users: dict[str, list[str]] = {}
    for run in material.done:
        variant = material.variant(run)
        for key in run.phases:
            if variant not in users.setdefault(key, []):
                users[key].append(variant)
    found: dict[tuple[str, tuple[str, ...]], _Curve] = {}
    for key, variants in users.items():
        phase = material.store.phase(key)
        log = {row["step"]: row["loss"] for row in phase.read_log() if row.get("loss") is not None}
        if log:
            at = str(phase.spec["name"]), tuple(variants)
            found.setdefault(at, _Curve(*at)).logs.append(log)
    return list(found.values())


def _rows(curve: _Curve, points: int, everyone: set[str]) -> list[dict[str, Any]]:
    """The rows of a curve: phase, variant, step, loss, smooth, runs."""
    steps = sorted(set(curve.logs[0]).intersection(*curve.logs[1:])) or sorted(curve.logs[0])
    reached = [log for log in curve.logs if all(step in log for step in steps)]
    losses = np.array([[log[step] for step in steps] for log in reached]).mean(axis=0)
    smooth = running_mean(losses, max(1, len(steps) // 10))
    shown = np.unique(np.linspace(0, len(steps) - 1, min(points, len(steps))).round().astype(int))
    shared = len(everyone) > 1 and set(curve.variants) == everyone
    name = "all variants" if shared else ", ".join(curve.variants)
    return [
        {
            "phase": curve.phase,
            "variant": name,
            "step": steps[place],
            "loss": float(losses[place]),
            "smooth": float(smooth[place]),
            "runs": len(reached),
        }
        for place in shown
    ]


def running_mean(values: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]], window: int) -> Any:
    """Return the mean of each value and of those up to `window` // 2 before and after it, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    low, high = np.maximum(place - window // 2, 0), np.minimum(place + window // 2 + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _chart(frame: pl.DataFrame) -> Any:
    alt = altair()
    drawn, tips = hovering(frame.rename({"phase": "panel", "variant": "curve"}), _HOVER)
    panels, curves = (drawn[name].unique(maintain_order=True).to_list() for name in ("panel", "curve"))
    colour, dash = _told_apart(curves)
    base = alt.Chart(inline(drawn)).encode(
        x=alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1, grid=False)), color=colour
    )
    losses = alt.Y("loss:Q", title="loss", scale=alt.Scale(zero=False), axis=alt.Axis(minExtent=34))
    dots = base.mark_circle(size=12, opacity=0.35).encode(y=losses, tooltip=tips)
    lines = base.mark_line(strokeWidth=1.8).encode(y=alt.Y("smooth:Q", title="loss"), strokeDash=dash)
    layered = alt.layer(dots, lines).properties(width=260, height=180)
    faceted = layered.facet(facet=alt.Facet("panel:N", title=None, sort=panels), columns=evenly(len(panels), 3))
    return faceted.resolve_scale(x="independent", y="independent")


def _told_apart(curves: Sequence[str]) -> tuple[Any, Any]:
    """Return colours and dashes of curves, so that twelve differ, and without colour four."""
    alt = altair()
    colours, dashes = (
        alt.Scale(domain=list(curves), range=[values[place % len(values)] for place in range(len(curves))])
        for values in (OKABE_ITO, _DASHES)
    )
    legend = alt.Legend(orient="bottom", columns=3, symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2)
    colour = alt.Color("curve:N", scale=colours, title=None, legend=legend if len(curves) > 1 else None)
    return colour, alt.StrokeDash("curve:N", scale=dashes, legend=None)
