"""A layout applied to tables, before they are written in any format."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from isogloss.errors import Mistake, Mistakes, nearest
from isogloss.evaluation.comparison_table import KEYS as DIFFERENCES
from isogloss.evaluation.comparison_table import OF_ONE
from isogloss.evaluation.layout.arms import Order, order_of
from isogloss.evaluation.layout.below import absent
from isogloss.evaluation.layout.model import Given
from isogloss.evaluation.layout.page import Page, key_of
from isogloss.evaluation.layout.read import LayoutFile
from isogloss.evaluation.score_table import KEYS
from isogloss.evaluation.tabular import Table


def laid_out(parts: Mapping[str, Sequence[Table]], file: LayoutFile, known: Collection[str] = ()) -> tuple[Table, ...]:
    """Return the tables that a layout shows, laid out.

    Args:
        parts: "scores", "mean" and "languages" → tables; the first of scores has a row for each arm.
        file: the layout.
        known: the recipe's variants; one of them without a run is no mistake.

    Raises:
        Mistakes: the layout names what there is not, or rows or columns could no longer be told apart.
    """
    scores = parts["scores"][0]
    order, mistakes = order_of(scores, file, known)
    languages = list(dict.fromkeys(column.name for table in parts["scores"] for column in table.columns if column.many))
    mistakes += _unknown(file, scores, order, languages, known)
    mistakes += _taken(file, parts)
    if mistakes:
        raise Mistakes(sorted(mistakes, key=lambda one: int(one.where.rpartition(":")[2])))
    page = Page(file, order, tuple(languages))
    shown = {part: [page.of_rows(table) for table in tables] for part, tables in parts.items()}
    shown["scores"][0] = page.of_scores(scores, () if "mean" in file.layout.show else _of_one(parts["mean"]))
    found = [table for part in file.layout.show for table in shown[part]]
    if "scores" not in file.layout.show:  # which say what is left out
        found[:1] = [replace(table, footnotes=(*table.footnotes, *absent(file.layout, order))) for table in found[:1]]
    return tuple(found)


def _of_one(differences: Sequence[Table]) -> tuple[str, ...]:
    """What is said below differences of a test with one repetition, which scores say where there are no differences."""
    return tuple(line for table in differences for line in table.footnotes if line.startswith(OF_ONE))


def _unknown(
    file: LayoutFile, scores: Table, order: Order, languages: Sequence[str], known: Collection[str]
) -> list[Mistake]:
    """What a layout names, apart from rows of groups, that is not there."""
    layout = file.layout
    others = [*order.axes, *KEYS]
    variants = {str(row[0].value) for row in scores.rows} | set(known)
    asked: list[tuple[str, Collection[str], Collection[str], tuple[str | int, ...]]] = [
        ("language", layout.languages, languages, ("languages",)),
        ("language", layout.left_out.languages, languages, ("left_out", "languages")),
        ("column", layout.columns or (), others, ("columns",)),
        ("column", layout.differences or (), DIFFERENCES, ("differences",)),
        ("row", layout.names.variants, variants, ("names", "variants")),
        ("language", layout.names.languages, languages, ("names", "languages")),
        ("column", layout.names.columns, [*others, *DIFFERENCES, "variant", "language"], ("names", "columns")),
        ("value of an axis", layout.names.values, _values(scores, order), ("names", "values")),
    ]
    for position, group in enumerate(layout.groups):
        steps = ("groups", position, "rows")
        asked += [
            ("column", row.values, [*languages, *KEYS], (*steps, row.name))
            for row in group.rows
            if isinstance(row, Given)
        ]
    return [
        file.wrong(f'no {what} is called "{name}"', nearest(name, there), *steps, name)
        for what, names, there, steps in asked
        for name in names
        if name not in there
    ]


def _taken(file: LayoutFile, parts: Mapping[str, Sequence[Table]]) -> list[Mistake]:
    """What a layout calls by the name of another: a reader would take the one for the other."""
    tables = [table for part in parts.values() for table in part]
    columns = [column for table in tables for column in table.columns]
    others = {(key_of(column), name) for column in columns if not column.many for name in (key_of(column), column.name)}
    languages = {(column.name, column.name) for column in columns if column.many}
    variants = {(name, name) for name in (str(row[0].value) for row in parts["scores"][0].rows)}
    names = file.layout.names
    return [
        file.wrong(f'"{name}" is the name of another {what}', "give it a name of its own", "names", part, key)
        for what, part, asked, there in (
            ("column", "columns", names.columns, others | languages),
            ("language or column", "languages", names.languages, others | languages),
            ("row", "variants", names.variants, variants),
        )
        for key, name in asked.items()
        if any(name == other and key != own for own, other in there)
    ]


def _values(scores: Table, order: Order) -> set[str]:
    return {str(cell.value) for row in scores.rows for cell in row[1 : 1 + len(order.axes)] if cell.value}
