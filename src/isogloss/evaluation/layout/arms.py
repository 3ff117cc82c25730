"""Which rows of a table a layout names, and in which order they come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from isogloss.errors import Mistake, nearest
from isogloss.evaluation.layout.model import Given, RowGroup
from isogloss.evaluation.layout.read import LayoutFile
from isogloss.evaluation.tabular import Cell, Table

Arm: TypeAlias = tuple[str, ...]
"""A variant and the values of the axes, as the first cells of a row have them."""


class Place(NamedTuple):
    """The position of a row's group, and its own in there."""

    group: int
    rank: int


@dataclass(frozen=True)
class Order:
    """Where the arms of a table stand.

    Attributes:
        axes: the names of the columns after that of variants.
        places: arm → where; not those left out.
        left_out: variants that are not shown.
        not_run: variants that the layout names and the recipe knows, without a run.
    """

    axes: tuple[str, ...]
    places: Mapping[Arm, Place]
    left_out: tuple[str, ...]
    not_run: tuple[str, ...]


def arm_of(row: Sequence[Cell], axes: Sequence[str]) -> Arm:
    """Return the arm that a row is of."""
    return tuple(str(cell.value) for cell in row[: 1 + len(axes)])


def axes_of(table: Table) -> tuple[str, ...]:
    """Return the names of the axes' columns in a table of scores: those of text after that of variants."""
    first = next((at for at, column in enumerate(table.columns) if column.kind != "text"), len(table.columns))
    return tuple(column.name for column in table.columns[1:first])


def order_of(table: Table, file: LayoutFile, known: Collection[str]) -> tuple[Order, list[Mistake]]:
    """Return the order of a table's arms, and what the layout names that there is not.

    Args:
        table: of scores.
        file: the layout.
        known: the recipe's variants, whether there is a run of them or not.
    """
    finder = _Finder(table, file, known)
    left_out = finder.left_out()
    places: dict[Arm, Place] = {}
    for position, group in enumerate(file.layout.groups):
        for rank, arm in enumerate(finder.of_group(position, group)):
            if arm in places:
                finder.refuse(f'"{arm[0]}" is in two groups', "leave one out", "groups", position, "rows", arm[0])
            places.setdefault(arm, Place(position, rank))
    rest = [arm for arm in finder.arms if arm not in places]
    places |= {arm: Place(len(file.layout.groups), rank) for rank, arm in enumerate(rest)}
    shown = {arm: place for arm, place in places.items() if arm[0] not in left_out}
    return Order(finder.axes, shown, left_out, tuple(finder.not_run)), finder.mistakes


class _Finder:
    """Looks a layout's names up among the arms of a table, and collects what it does not find."""

    def __init__(self, table: Table, file: LayoutFile, known: Collection[str]) -> None:
        self.axes = axes_of(table)
        self.arms = list(dict.fromkeys(arm_of(row, self.axes) for row in table.rows))
        self.mistakes: list[Mistake] = []
        self.not_run: dict[str, None] = {}
        self._file, self._known = file, known

    def refuse(self, what: str, remedy: str, *steps: str | int) -> None:
        """Keep a mistake."""
        self.mistakes.append(self._file.wrong(what, remedy, *steps))

    def left_out(self) -> tuple[str, ...]:
        """The variants that are not shown, as far as there are runs of them."""
        names = self._file.layout.left_out.rows
        return tuple(name for name in names if self._called(name, self.arms, "left_out", "rows"))

    def of_group(self, position: int, group: RowGroup) -> Iterator[Arm]:
        """The arms of a group, in its order; numbers given in the file are an arm of their own, by their name."""
        steps = ("groups", position)
        arms = self._in_cells(group, *steps)
        for row in group.rows:
            if isinstance(row, Given):
                yield (row.name, *([""] * len(self.axes)))
            else:
                yield from self._called(row, arms, *steps, "rows")

    def _in_cells(self, group: RowGroup, *steps: str | int) -> list[Arm]:
        arms = self.arms
        for axis, value in group.where.items():
            if axis not in self.axes:
                otherwise = "" if self.axes else "leave `where` out: there are no axes"
                self.refuse(f'no axis is called "{axis}"', nearest(axis, self.axes, otherwise=otherwise), *steps, axis)
                continue
            at = 1 + self.axes.index(axis)
            values = {arm[at] for arm in self.arms if arm[at]}
            if value not in values:
                self.refuse(f'no row has {axis} "{value}"', nearest(value, values), *steps, "where", value)
            arms = [arm for arm in arms if arm[at] == value]
        return arms

    def _called(self, name: str, arms: Sequence[Arm], *steps: str | int) -> list[Arm]:
        everywhere = {arm[0] for arm in self.arms}
        if name not in everywhere and name in self._known:
            self.not_run[name] = None
        elif name not in everywhere:
            self.refuse(f'no row is called "{name}"', nearest(name, {*everywhere, *self._known}), *steps, name)
        return [arm for arm in arms if arm[0] == name]
