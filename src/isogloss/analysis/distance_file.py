"""Distances out of a user's own file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.analysis.matrix import DistanceMatrix
from isogloss.data.table import Table, read_table
from isogloss.errors import Mistake, Mistakes, mistake
from isogloss.languages import get

_LONG = ("language", "second_language", "value")
_MISSING = frozenset({"", "–", "-", "na", "nan", "null", "none"})


class _Cell(NamedTuple):
    first: str
    second: str
    value: Any
    place: str


def read_distances(path: Path) -> DistanceMatrix:
    """Return the distances in a table of one's own: CSV, TSV, JSON lines or Parquet.

    Two forms are understood. Long: columns `language`, `second_language`, `value`, others are left aside (what
    `DistanceMatrix.frame` gives is of this form). Square: a first column of languages, and a column for each of them.
    Languages are keys of our table. A cell that is empty, "–" or "NA" stays missing; so does a pair that a long file
    does not name. A long file that names each pair in one direction only is taken to be symmetric.

    Args:
        path: the file. Its name is the kind of the distances.

    Returns:
        The languages in the order in which the file first names them.

    Raises:
        Mistakes: with its line: an unknown language, a value that is no number ≥ 0, a pair that is there twice; a
            square whose rows and columns are not the same languages; more than one kind; a file that cannot be read.
    """
    table = read_table(path)
    is_long = set(_LONG) <= set(table.columns)
    if is_long:
        _refuse_kinds(table)
    cells = list(_long(table) if is_long else _square(table))
    languages = _known(cells, table)
    given = _values(cells)
    notes = []
    mirrored = is_long and not any((second, first) in given for first, second in given if first != second)
    if mirrored and any(first != second for first, second in given):
        given |= {(second, first): value for (first, second), value in given.items()}
        notes.append("each pair is given in one direction: taken to be symmetric")
    values = np.array([[given.get((first, second), math.nan) for second in languages] for first in languages])
    return DistanceMatrix(
        kind=path.name.removesuffix(".gz").rsplit(".", 1)[0],
        languages=languages,
        values=values,
        settings={"form": "long" if is_long else "square"},
        source=str(path),
        without_data=tuple(name for name, row in zip(languages, _others(values), strict=True) if np.isnan(row).all()),
        notes=(*notes, *_asymmetric(values, languages)),
    )


def _refuse_kinds(table: Table) -> None:
    kinds = sorted({str(kind) for kind in table.columns.get("kind", ())})
    if len(kinds) > 1:
        what = f"holds {len(kinds)} kinds of distances ({', '.join(kinds)})"
        raise mistake(what, where=table.origin, remedy="give a file for each")


def _long(table: Table) -> Iterator[_Cell]:
    columns = [table.column(name) for name in _LONG]
    for row, (first, second, value) in enumerate(zip(*columns, strict=True)):
        yield _Cell(str(first), str(second), value, table.place(row))


def _square(table: Table) -> Iterator[_Cell]:
    names, *columns = table.columns
    rows = [str(name) for name in table.columns[names]]
    odd = sorted(set(rows) ^ set(columns))
    if odd:
        what = f"neither long nor square: {', '.join(odd)} in rows or in columns only"
        remedy = f"write columns {', '.join(_LONG)}, or a row and a column for each language"
        raise mistake(what, where=table.origin, remedy=remedy)
    for row, first in enumerate(rows):
        for second in columns:
            yield _Cell(first, second, table.columns[second][row], table.place(row))


def _known(cells: list[_Cell], table: Table) -> tuple[str, ...]:
    """Return the languages in the order in which the file names them; refuse those that our table lacks."""
    places: dict[str, str] = {}
    for cell in cells:
        places.setdefault(cell.first, cell.place)
        places.setdefault(cell.second, cell.place)
    found: list[Mistake] = []
    for name, place in places.items():
        try:
            get(name, where=place)
        except Mistakes as unknown:
            found += unknown.mistakes
    if found:
        raise Mistakes(found)
    if not places:
        raise mistake("holds no distances", where=table.origin, remedy=f"write columns {', '.join(_LONG)}")
    return tuple(places)


def _values(cells: list[_Cell]) -> dict[tuple[str, str], float]:
    """Return the value of every pair that is given, NaN where it is given as missing."""
    found: dict[tuple[str, str], float] = {}
    places: dict[tuple[str, str], str] = {}
    mistakes: list[Mistake] = []
    for cell in cells:
        pair = (cell.first, cell.second)
        if pair in found:
            what = f"{cell.first}, {cell.second} is there twice, first in {places[pair]}"
            mistakes.append(Mistake(what, cell.place, "keep one"))
            continue
        places[pair] = cell.place
        found[pair] = _number(cell.value)
        if found[pair] < 0 or math.isinf(found[pair]):
            what = f'"{cell.value}" is no distance'
            remedy = "write a number of 0 or more, or nothing where it is not known"
            mistakes.append(Mistake(what, cell.place, remedy))
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _number(value: Any) -> float:
    """Return a number, NaN for what is missing, −∞ for what is no number."""
    if value is None or str(value).strip().casefold() in _MISSING:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return -math.inf


def _others(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return for each language its distances to and from the others."""
    n = len(values)
    return [np.concatenate([np.delete(values[row], row), np.delete(values[:, row], row)]) for row in range(n)]


def _asymmetric(values: NDArray[np.float64], languages: tuple[str, ...]) -> Iterator[str]:
    differ = ~np.isclose(values, values.T, rtol=0, atol=1e-9, equal_nan=True)
    pairs = np.argwhere(np.triu(differ))
    if len(pairs):
        i, j = pairs[0]
        first, second = languages[i], languages[j]
        yield (
            f"not symmetric: {len(pairs)} pairs differ by direction ({first}, {second} {values[i, j]:g}; "
            f"{second}, {first} {values[j, i]:g}); kept as they are, the row is the first language"
        )
