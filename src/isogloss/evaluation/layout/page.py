"""What a layout makes of each table: rows and columns in order and under their names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from isogloss.errors import mistake
from isogloss.evaluation.layout.arms import Arm, Order, arm_of
from isogloss.evaluation.layout.below import absent, counts, dropped, printed, said, sources
from isogloss.evaluation.layout.model import Given, Layout
from isogloss.evaluation.layout.read import LayoutFile
from isogloss.evaluation.layout.turn import turned
from isogloss.evaluation.tabular import Cell, Column, Group, Table

_OF_LANGUAGES = ("language", "context")  # columns whose cells are languages
_SCALED = ("number", "signed", "interval")  # kinds with digits after the decimal point


@dataclass(frozen=True)
class Page:
    """A layout whose names are all there.

    Attributes:
        file: the layout.
        order: of the arms.
        languages: all that have columns of scores, in the order of the table.
    """

    file: LayoutFile
    order: Order
    languages: tuple[str, ...]

    @property
    def layout(self) -> Layout:
        """What the file says."""
        return self.file.layout

    def of_scores(self, table: Table, conditions: Sequence[str] = ()) -> Table:
        """The first table of scores: a row for each arm, and rows given in the file; turned, if that is asked for.

        `conditions` are what else must be said of its marks.
        """
        given = (row for group in self.layout.groups for row in group.rows if isinstance(row, Given))
        more = (_given(row, table.columns, len(self.order.axes)) for row in given)
        shown = self.of_rows(replace(table, rows=(*table.rows, *more)))
        if self.layout.transpose:
            self._check_numbers(shown)
            shown = turned(shown, 1 + len(self._axes()))
        self._check(shown)
        gone = set(range(len(table.columns))) - set(self._kept(table.columns))
        below = (*counts(table, gone, self.order), *printed(table, self.layout, self.order), *sources(self.layout))
        return replace(shown, footnotes=(*shown.footnotes, *conditions, *below, *absent(self.layout, self.order)))

    def of_rows(self, table: Table) -> Table:
        """Any table whose rows begin with the cells of an arm."""
        tongue = next((at for at, column in enumerate(table.columns) if column.name in _OF_LANGUAGES), None)
        spoken = [str(row[tongue].value) if tongue is not None else "" for row in table.rows]
        arms = [arm_of(row, self.order.axes) for row in table.rows]
        shown = [
            at
            for at, (arm, language) in enumerate(zip(arms, spoken, strict=True))
            if arm in self.order.places and language not in self.layout.left_out.languages
        ]
        shown.sort(key=lambda at: (*self.order.places[arms[at]], self._rank(spoken[at])))
        kept = list(self._kept(table.columns))
        columns = tuple(self._column(table.columns[at]) for at in kept)
        self._check_names([column.full_name for column in columns])
        gone = set(range(len(table.columns))) - set(kept)
        below = tuple(dropped(table, gone, self.layout, self.order))
        return replace(
            table,
            title=said(table.title, self.layout),
            columns=columns,
            rows=tuple(tuple(self._cell(table.rows[row][at], table.columns[at]) for at in kept) for row in shown),
            footnotes=(*(said(footnote, self.layout) for footnote in table.footnotes), *below),
            groups=self._groups([arms[at] for at in shown]),
        )

    def _rank(self, language: str) -> int:
        """The position of a language; of what is none, as a mean, the last."""
        order = self._ordered()
        return order.index(language) if language in order else len(order)

    def _ordered(self) -> list[str]:
        """The languages that are shown, in order."""
        first = self.layout.languages
        rest = [each for each in self.languages if each not in first]
        return [each for each in (*first, *rest) if each not in self.layout.left_out.languages]

    def _axes(self) -> tuple[str, ...]:
        """The axes that have columns."""
        named = self.layout.columns
        return tuple(axis for axis in self.order.axes if named is None or axis in named)

    def _kept(self, columns: Sequence[Column]) -> Iterator[int]:
        """Which columns stay, in order: those that name a row, languages, the others."""
        heads = 1 + len(self.order.axes)
        yield from (at for at in range(heads) if at == 0 or columns[at].name in self._axes())
        many = {column.name: at for at, column in enumerate(columns) if column.many}
        rest = [at for at in range(heads, len(columns)) if not columns[at].many]
        yield from (at for at in rest if columns[at].name in _OF_LANGUAGES)
        yield from (many[each] for each in self._ordered() if each in many)
        by_key = {key_of(columns[at]): at for at in rest if columns[at].name not in _OF_LANGUAGES}
        asked = self._asked(by_key)
        yield from by_key.values() if asked is None else (by_key[key] for key in asked if key in by_key)

    def _asked(self, keys: Collection[str]) -> tuple[str, ...] | None:
        """Which of a table's columns the layout asks for; None where it says nothing."""
        if "difference" in keys:
            return self.layout.differences
        return self.layout.columns if "seeds" in keys else None

    def _column(self, column: Column) -> Column:
        names = self.layout.names.languages if column.many else self.layout.names.columns
        name = names.get(key_of(column), column.name)
        digits = self.layout.digits if column.kind in _SCALED and self.layout.digits is not None else column.digits
        return column._replace(name=name, digits=digits)

    def _cell(self, cell: Cell, column: Column) -> Cell:
        if not isinstance(cell.value, str):
            return cell
        names = self.layout.names
        if column.name == "variant":
            return cell._replace(value=names.variants.get(cell.value, cell.value))
        if column.name in _OF_LANGUAGES:
            return cell._replace(value=names.languages.get(cell.value, cell.value))
        return cell._replace(value=names.values.get(cell.value, cell.value)) if column.name in self.order.axes else cell

    def _groups(self, arms: Sequence[Arm]) -> tuple[Group, ...]:
        """Where groups begin; none where a table has one without a heading."""
        headings = [*(group.heading for group in self.layout.groups), ""]
        positions = [self.order.places[arm][0] for arm in arms]
        found = tuple(
            Group(headings[position], at)
            for at, position in enumerate(positions)
            if at == 0 or position != positions[at - 1]
        )
        return found if len(found) > 1 or any(group.heading for group in found) else ()

    def _check(self, table: Table) -> None:
        """Refuse rows or columns that could not be told apart."""
        named = [column.full_name for column in table.columns]
        heads = next((at for at, column in enumerate(table.columns) if column.kind != "text"), len(named))
        for heading, rows in table.parts():
            named += [f"{heading or ''}: {', '.join(str(cell.value) for cell in row[:heads])}" for row in rows]
        self._check_names(named)

    def _check_names(self, named: Sequence[str]) -> None:
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            remedy = "give one another name, or keep the column of an axis in `columns`"
            raise mistake(f'two rows or columns would be called "{twice}"', where=self.file.label, remedy=remedy)

    def _check_numbers(self, table: Table) -> None:
        """Refuse to turn a table that has no scores left."""
        if not any(column.kind == "number" for column in table.columns):
            remedy = 'keep a language, or "mean" in `columns`'
            raise mistake("no column of scores is left to turn", where=self.file.label, remedy=remedy)


def key_of(column: Column) -> str:
    """Return what a layout calls a column."""
    return column.key or column.name


def _given(row: Given, columns: Sequence[Column], axes: int) -> tuple[Cell, ...]:
    """A row of numbers that stand in the layout's file."""
    numbers = (Cell(row.values.get(key_of(column))) for column in columns[1 + axes :])
    return (Cell(row.name), *[Cell("")] * axes, *numbers)
