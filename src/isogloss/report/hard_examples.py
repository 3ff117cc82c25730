"""The section of hard examples: which they are, how often variants part from the baseline, and on which.

The texts of rows are not in the store. What is shown of an example is its id, its label and what was predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from isogloss.evaluation.comparison import baseline_of
from isogloss.evaluation.html import TEXT
from isogloss.evaluation.naming import named
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.report.examples import RIGHT, disagreements, hardest
from isogloss.report.judged import judged
from isogloss.report.section import Section, without_empty

if TYPE_CHECKING:
    from isogloss.report.material import Material

_A_LANGUAGE = 2  # of the hardest examples
_A_SIDE = 5  # of the examples on which two variants part
Texts = Mapping[tuple[str, str], str]
"""(language, id) → the texts of a row, joined."""


def tables(material: Material) -> tuple[Table, ...]:
    """Return the tables of the section, without texts; none where nothing was predicted."""
    found = (_hardest(material), _counts(material), _parted(material))
    return tuple(without_empty(table) for table in found if table.rows)


def shown(tables: Sequence[Table]) -> set[tuple[str, str]]:
    """Return language and id of the examples in tables."""
    return {place for table in tables for place in _places(table)}


def hard_examples(tables: Sequence[Table], texts: Texts) -> Section:
    """Return the section, with the texts of its examples as far as they are given."""
    return Section("examples", "Hard examples", tables=tuple(_with_texts(table, texts) for table in tables))


def _hardest(material: Material) -> Table:
    frame = hardest(material, most=_A_LANGUAGE).sort("wrong", "variants", descending=True, maintain_order=True)
    columns = (
        *map(Column, ("language", "id", "label", "wrong runs mostly say")),
        *(Column(name, "integer") for name in ("wrong", "of runs", "variants always wrong")),
    )
    note = "An example that every run gets wrong may be hard, or its label may be wrong: look at it."
    if material.answers:
        note = f"Wrong: an F1 of {RIGHT:g} or less. {note}"
    return _table(f"Hardest: the {_A_LANGUAGE} of each language that most runs get wrong", columns, frame, note)


def _counts(material: Material) -> Table:
    frame = disagreements(material).select("arm", "language", "n", "both", "only_arm", "only_baseline", "neither")
    which = f"an F1 above {RIGHT:g} in" if material.answers else "in"
    columns = ("examples", "both right", "only the variant", "only the baseline", "neither")
    return _table(
        "Who is right where",
        (Column("variant"), Column("language"), *(Column(name, "integer") for name in columns)),
        frame,
        f"Right: {which} more than half of the runs. What a difference is worth is in the tests by language, not here.",
    )


def _table(title: str, columns: tuple[Column, ...], frame: pl.DataFrame, note: str) -> Table:
    rows = tuple(tuple(map(Cell, row)) for row in frame.iter_rows())
    return Table(title, columns, rows, footnotes=(note,))


def _pairs(material: Material) -> list[tuple[str, pl.DataFrame]]:
    """Return for each arm the examples that it shares with the baseline: (title, frame)."""
    found = judged(material)
    if found is None:
        return []
    baseline = baseline_of(named(material.scores), material.against)
    pairs = []
    for (arm, variant, cell), ours in found.group_by("arm", "variant", "cell", maintain_order=True):
        theirs = found.filter(variant=baseline, cell=cell)
        both = ours.join(theirs, on=["language", "id"], suffix="_base")
        if variant != baseline and both.height:
            pairs.append((f"{arm} and {baseline}", both))
    return pairs


def _parted(material: Material) -> Table:
    """Return the examples on which an arm and the baseline part most, over seeds; as many of either side."""
    shown = ("language", "id", "label", "said", "said_base", "percent", "percent_base")
    cells = []
    for title, both in _pairs(material):
        gap = pl.col("right") - pl.col("right_base")
        parted = both.with_columns(
            gap=gap,
            certain=(pl.col("sure") - pl.col("sure_base")).abs(),
            percent=100 * pl.col("right"),
            percent_base=100 * pl.col("right_base"),
        ).sort(pl.col("gap").abs(), "certain", "language", "id", descending=[True, True, False, False], nulls_last=True)
        sides = [parted.filter(side).head(_A_SIDE) for side in (gap > 0, gap < 0)]
        cells += [
            (Cell(title), *(Cell(row[name]) for name in shown)) for own in sides for row in own.iter_rows(named=True)
        ]
    names = ("variants", "language", "id", "label", "the first says", "the second says")
    number, more = ("{}'s F1", "has a higher F1") if material.answers else ("{} right in %", "is right more often")
    numbers = [Column(number.format(which), "number", digits=0) for which in ("first", "second")]
    return Table(
        "Where a variant and the baseline disagree most",
        (*map(Column, names), *numbers),
        tuple(cells),
        footnotes=(f"For each pair up to five examples where the one {more}, and five where the other {more}.",),
    )


def _places(table: Table) -> list[tuple[str, str]]:
    """Return language and id of each row; none of a table of something else."""
    names = [column.name for column in table.columns]
    if "id" not in names:
        return []
    language, id = names.index("language"), names.index("id")
    return [(str(row[language].value), str(row[id].value)) for row in table.rows]


def _with_texts(table: Table, texts: Texts) -> Table:
    """Put the texts of rows beside, where there are any."""
    places = _places(table)
    if not texts or not places:
        return table
    rows = tuple((*row, Cell(texts.get(place))) for row, place in zip(table.rows, places, strict=True))
    return replace(table, columns=(*table.columns, Column(TEXT)), rows=rows)
