"""Which examples are hardest, and on which two variants disagree, from the predictions that runs have left.

The texts of rows are not in the store. What is shown of an example is its id, its label and what was predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from isogloss.evaluation.comparison import baseline_of
from isogloss.evaluation.naming import named
from isogloss.evaluation.render import Cell, Column, Table
from isogloss.report.section import Section, without_empty

if TYPE_CHECKING:
    from isogloss.report.material import Material

HARDEST = 20
DISAGREEMENTS = 10
Texts = Mapping[tuple[str, str], str]
"""(language, id) → the texts of a row, joined."""


def examples(material: Material, found: pl.DataFrame, texts: Texts | None = None) -> Section:
    """Return the section: what is hardest for all, and where variants part from the baseline.

    Args:
        material: which runs.
        found: as `isogloss.report.judged.judged` returns it.
        texts: of the rows that are to be shown, where they were asked for.
    """
    pairs = _pairs(material, found)
    tables = [hardest(found, texts)]
    if pairs:
        tables += [_counts(pairs), disagreements(pairs, texts)]
    return Section("examples", "Hard examples", tables=tuple(table for table in tables if table.rows))


def shown(material: Material, found: pl.DataFrame) -> set[tuple[str, str]]:
    """Return language and id of the examples that the section shows."""
    tables = examples(material, found).tables
    places = [(table, [column.name for column in table.columns]) for table in tables]
    return {
        (str(row[names.index("language")].value), str(row[names.index("id")].value))
        for table, names in places
        if "id" in names
        for row in table.rows
    }


def hardest(found: pl.DataFrame, texts: Texts | None = None) -> Table:
    """Return the examples that the fewest runs get right; among equals those whose label is thought least likely."""
    mean = (pl.col("right") * pl.col("runs")).sum() / pl.col("runs").sum()
    each = found.group_by("language", "id", "label", maintain_order=True).agg(
        right=mean,
        runs=pl.col("runs").sum(),
        sure=pl.col("sure").mean(),
        said=pl.col("said").drop_nulls().mode().sort().first(),
    )
    least = each.sort("right", "sure", "language", "id", nulls_last=True).unique(
        "id", keep="first", maintain_order=True
    )
    rows = least.filter(pl.col("right") < 1).head(HARDEST).with_columns(percent=100 * pl.col("right"))
    columns = (
        *map(Column, ("language", "id", "label", "most often said")),
        Column("right in %", "number", digits=0),
        Column("runs", "integer"),
        Column("probability of the label", "number", digits=3),
    )
    cells = [
        tuple(Cell(row[name]) for name in ("language", "id", "label", "said", "percent", "runs", "sure"))
        for row in rows.iter_rows(named=True)
    ]
    note = (
        "An id stands once, in the language where it is hardest. An example that every run gets wrong with "
        "confidence may be mislabelled: look at it before blaming the model."
    )
    table = Table("Hardest for all variants and seeds together", columns, tuple(cells), footnotes=(note,))
    return _with_texts(without_empty(table), texts)


def _pairs(material: Material, found: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Return for each arm the examples that it shares with the baseline: (title, frame)."""
    baseline = baseline_of(named(material.scores), material.against)
    pairs = []
    for (arm, variant, cell), ours in found.group_by("arm", "variant", "cell", maintain_order=True):
        theirs = found.filter(variant=baseline, cell=cell)
        both = ours.join(theirs, on=["language", "id"], suffix="_base")
        if variant != baseline and both.height:
            pairs.append((f"{arm} and {baseline}", both))
    return pairs


def _counts(pairs: Sequence[tuple[str, pl.DataFrame]]) -> Table:
    """Return how often an arm and the baseline part, over languages and examples; a majority of runs decides."""
    rows = []
    for title, both in pairs:
        ours, theirs = both["right"] > 0.5, both["right_base"] > 0.5
        counts = ((ours & theirs).sum(), (ours & ~theirs).sum(), (~ours & theirs).sum(), (~ours & ~theirs).sum())
        rows.append((Cell(title), *(Cell(int(count)) for count in counts)))
    columns = ("both right", "only the first", "only the second", "neither")
    return Table(
        "Who is right where: examples over all languages",
        (Column("variants"), *(Column(name, "integer") for name in columns)),
        tuple(rows),
        footnotes=("Right: in more than half of the seeds.",),
    )


def disagreements(pairs: Sequence[tuple[str, pl.DataFrame]], texts: Texts | None = None) -> Table:
    """Return the examples on which an arm and the baseline part most, over seeds; as many of either side."""
    shown = ("language", "id", "label", "said", "said_base", "percent", "percent_base")
    cells = []
    for title, both in pairs:
        gap = pl.col("right") - pl.col("right_base")
        parted = both.with_columns(
            gap=gap,
            certain=(pl.col("sure") - pl.col("sure_base")).abs(),
            percent=100 * pl.col("right"),
            percent_base=100 * pl.col("right_base"),
        ).sort(pl.col("gap").abs(), "certain", "language", "id", descending=[True, True, False, False], nulls_last=True)
        sides = [parted.filter(side).head(DISAGREEMENTS // 2) for side in (gap > 0, gap < 0)]
        cells += [
            (Cell(title), *(Cell(row[name]) for name in shown)) for own in sides for row in own.iter_rows(named=True)
        ]
    names = ("variants", "language", "id", "label", "the first says", "the second says")
    numbers = [Column(f"{which} right in %", "number", digits=0) for which in ("first", "second")]
    table = Table(
        "Where a variant and the baseline disagree most",
        (*map(Column, names), *numbers),
        tuple(cells),
        footnotes=(
            "For each pair up to five examples that the one gets right more often, and five that the other does.",
        ),
    )
    return _with_texts(without_empty(table), texts)


def _with_texts(table: Table, texts: Texts | None) -> Table:
    """Put the texts of rows beside, where there are any."""
    if not texts:
        return table
    names = [column.name for column in table.columns]
    places = names.index("language"), names.index("id")
    rows = tuple((*row, Cell(texts.get((str(row[places[0]].value), str(row[places[1]].value))))) for row in table.rows)
    return Table(table.title, (*table.columns, Column("text")), rows, table.notes, table.footnotes)
