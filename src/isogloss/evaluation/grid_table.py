"""The table of context × question, where most targets are cells of two languages."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.languages import cell


class GridPart(NamedTuple):
    """One arm's rows.

    Attributes:
        head: the cells that name the arm.
        averaged: the languages of its mean, cells among them.
        score: language → cell of the table.
    """

    head: tuple[Cell, ...]
    averaged: Collection[str]
    score: Callable[[str], Cell]


def is_grid(languages: Collection[str]) -> bool:
    """Return whether most of these are cells of two languages, as `de/en` is."""
    return 2 * sum(cell(each)[1] is not None for each in languages) > len(languages)


def plain(languages: Sequence[str]) -> list[str]:
    """Return those that are no cell of two languages."""
    return [each for each in languages if cell(each)[1] is None]


def grid_table(title: str, heads: Sequence[Column], languages: Sequence[str], parts: Sequence[GridPart]) -> Table:
    """Build a table with a row for each arm and language of a context, and a column for each of a question.

    Args:
        title: what the numbers are.
        heads: the columns that name an arm.
        languages: those tested, cells among them, in the order of rows and columns.
        parts: the arms.
    """
    grid = _Grid.of(languages)
    numbers = [Column(each, "number", many=True) for each in grid.questions]
    columns = (*heads, Column("context"), *numbers, Column("mean", "number"))
    return Table(title, columns, tuple(row for part in parts for row in grid.rows(part)))


@dataclass(frozen=True)
class _Grid:
    """Which languages are where: (context, question) → language, and the order of either."""

    places: dict[tuple[str, str], str]
    contexts: tuple[str, ...]
    questions: tuple[str, ...]

    @classmethod
    def of(cls, languages: Sequence[str]) -> _Grid:
        places = {(first, second or first): each for each in languages for first, second in [cell(each)]}
        contexts = dict.fromkeys(first for first, _ in places)
        asked = {second for _, second in places}
        order = dict.fromkeys([*contexts, *(second for _, second in places)])
        return cls(places, tuple(contexts), tuple(each for each in order if each in asked))

    def rows(self, part: GridPart) -> Iterator[tuple[Cell, ...]]:
        """An arm's rows, the means over contexts last; a dash where there is no such cell."""
        cells = {place: part.score(language) for place, language in self.places.items()}
        counted = {place: cells[place].value for place, language in self.places.items() if language in part.averaged}
        for context in self.contexts:
            scores = (cells.get((context, each), Cell()) for each in self.questions)
            yield *part.head, Cell(context), *scores, _mean([counted[at] for at in counted if at[0] == context])
        below = (_mean([counted[at] for at in counted if at[1] == each]) for each in self.questions)
        yield *part.head, Cell("mean"), *below, _mean(list(counted.values()))


def _mean(values: Sequence[object]) -> Cell:
    """The mean of scores; none where one of them is missing."""
    known = [value for value in values if isinstance(value, float)]
    return Cell(statistics.fmean(known)) if known and len(known) == len(values) else Cell()
