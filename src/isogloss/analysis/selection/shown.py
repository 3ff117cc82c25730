"""Rankings and comparisons of rankings as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import polars as pl

from isogloss.analysis.selection.evaluate import BASELINES, MEASURES, RIDGE
from isogloss.analysis.selection.features import NEAREST
from isogloss.analysis.selection.rank import Ranked
from isogloss.evaluation.tabular import Cell, Column, Table

_SHORT = dict(zip(BASELINES, ("genetic", "best elsewhere"), strict=True))


def ranking_table(
    found: Ranked, *, notes: Sequence[str], budget: int, reference: str | None = None, oracle: bool = False
) -> Table:
    """Return candidates in their order, target after target.

    Args:
        found: the ranking.
        notes: what a reader should know.
        budget: what the chosen ones were chosen for.
        reference: the name of the variant without an auxiliary.
        oracle: whether the targets' own scores were used: gains are marked so.
    """
    gains = _gain_columns(found, reference)
    columns = (Column("target"), Column("auxiliary"), Column("chosen"), *gains, Column("because"))
    rows = []
    for position, target in enumerate(found.targets):
        for row in found.order(position):
            code = found.candidates[row]
            numbers = _gains(found, row, position, oracle=oracle)
            chosen = "yes" if code in found.chosen else ""
            rows.append((Cell(target), Cell(code), Cell(chosen), *numbers, Cell(found.because[row][position])))
    how = "expected gain" if found.expectation else f"distance alone ({' and '.join(NEAREST)})"
    title = f"Auxiliary languages for {', '.join(found.targets)}, by {how}"
    return Table(title, columns, tuple(rows), tuple(notes), tuple(_footnotes(found, budget, reference, oracle=oracle)))


def comparison_tables(frame: pl.DataFrame, about: str, notes: Sequence[str] = ()) -> Iterator[Table]:
    """Yield a table for each measure, rankings in the order of the frame (see `isogloss.analysis.selection.evaluate`).

    Args:
        frame: of `evaluate`.
        about: what was ranked, in words.
        notes: what a reader should know, above the first table.
    """
    for measure in MEASURES:
        part = frame.filter(measure=measure)
        size = f"{part['targets'][0]} targets, {part['cells'][0]} cells"
        points = ", points" * (measure == MEASURES[1])
        columns = [Column("ranking"), Column(measure + points, "number")]
        for short in _SHORT.values():
            columns += [Column(f"difference to {short}", "signed"), Column(f"difference to {short}, 95 %", "interval")]
        rows = []
        for (name,), own in part.group_by(["ranking"], maintain_order=True):
            cells = [Cell(str(name)), Cell(own["value"][0])]
            for baseline in _SHORT:
                row = own.filter(baseline=baseline).row(0, named=True)
                itself = name == baseline
                cells.append(Cell(None if itself else row["difference"]))
                cells.append(Cell(None if itself else (row["low"], row["high"])))
            rows.append(tuple(cells))
        title = f"{measure.capitalize()} of rankings, {about}: {size}, each language left out in turn"
        yield Table(title, tuple(columns), tuple(rows), tuple(notes) if measure == MEASURES[0] else ())


def coverage_table(frame: pl.DataFrame, about: str) -> Table:
    """Return how often intervals held what was measured (see `isogloss.analysis.selection.evaluate.coverage`)."""
    columns = (
        Column("candidates"),
        Column("cells", "integer"),
        Column("aimed at, %", digits=1, kind="number"),
        Column("covered, %", digits=1, kind="number"),
        Column("half the interval, points", "number"),
        Column("error (root mean square), points", "number"),
        Column("if none is expected to differ, points", "number"),
    )
    rows = tuple(
        (
            Cell(row["candidates"]),
            Cell(row["cells"]),
            Cell(100 * row["level"]),
            Cell(None if row["covered"] is None else 100 * row["covered"]),
            Cell(row["half_width"]),
            Cell(row["error"]),
            Cell(row["spread"]),
        )
        for row in frame.iter_rows(named=True)
    )
    return Table(f"Intervals of the {RIDGE}'s expected gains, {about}: each target left out in turn", columns, rows)


def _gain_columns(found: Ranked, reference: str | None) -> list[Column]:
    if found.expectation is None:
        return [Column("nearness", "signed")]
    columns = [Column("expected gain", "signed", 1), Column("95 %", "interval", 1)]
    if found.expectation.over_reference is not None:
        columns += [Column(f"over {reference}", "signed", 1), Column(f"over {reference}, 95 %", "interval", 1)]
    return columns


def _gains(found: Ranked, row: int, column: int, *, oracle: bool) -> Iterator[Cell]:
    marks = ("oracle",) if oracle else ()
    yield Cell(float(found.scores[row, column]), marks)
    expectation = found.expectation
    if expectation is None:
        return
    yield _interval(expectation.gains[row, column], expectation.half_widths[row])
    if expectation.over_reference is not None and expectation.reference_half_widths is not None:
        over = expectation.over_reference[row, column]
        yield Cell(float(over), marks)
        yield _interval(over, expectation.reference_half_widths[row])


def _interval(middle: float, half: float) -> Cell:
    return Cell(None if math.isnan(half) else (float(middle - half), float(middle + half)))


def _footnotes(found: Ranked, budget: int, reference: str | None, *, oracle: bool) -> Iterator[str]:
    if found.expectation is None:
        yield "Nearness: minus the mean of both distances, standardised over the candidates; no gain is expected of it."
    else:
        yield "Gain: points above the mean of all candidates, measured or asked for."
        yield "95 %: from errors for left-out targets."
        if any(math.isnan(half) for half in found.expectation.half_widths):
            yield "–: too little was measured to tell how far off the expectation may be."
        if reference is not None and found.expectation.over_reference is None:
            yield f"Too few targets have scores of {reference} for a gain over it."
    if oracle:
        yield "‡ the target's own scores were used: no zero-shot choice."
    if len(found.targets) > 1 or budget > 1:
        yield f"Chosen for a budget of {budget}: {', '.join(found.chosen)}."
