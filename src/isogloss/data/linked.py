"""What a row takes from its counterpart in another language, and the shares of data that are cut by it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from isogloss.data.collect import Collector, shown
from isogloss.data.rules import Part
from isogloss.data.table import Table


def linked_name(column: str, of: str) -> str:
    """Return the name of the column that `linked` adds."""
    return f"{column} in {of}"


def linked(table: Table, reference: Table, key: str, column: str, of: str) -> Table:
    """Return the table with one more column: the value of `column` in the row of `reference` with the same id.

    Args:
        table: the rows of some language.
        reference: the rows of the language `of`; an id may come several times, with one value.
        key: the id column of both.
        column: what is taken.
        of: the language of `reference`.

    Raises:
        Mistakes: an id has several values there, or none; each with file and line.
    """
    mistakes = Collector()
    values: dict[str, Any] = {}
    for row, (name, value) in enumerate(zip(reference.column(key), reference.column(column), strict=True)):
        if values.setdefault(str(name), value) != value:
            what = f'id "{name}" has another "{column}" here than above'
            mistakes.add(what, reference.place(row), f'write one "{column}", or give the rows ids of their own')
    found = [values.get(str(name)) for name in table.column(key)]
    for row, value in enumerate(found):
        if value in (None, ""):
            what = f'no row in "{of}" with a "{column}" has its id {shown(str(table.column(key)[row]))}'
            mistakes.add(what, table.place(row), f"add the row to {reference.origin}, or drop this one")
    mistakes.raise_any(table.origin)
    return replace(table, columns={**table.columns, linked_name(column, of): found})


def part_of(table: Table, part: Part) -> Table:
    """Return the rows whose value lies in a part, numbered anew; a column of another language is there already.

    Raises:
        Mistakes: a row has no value.
    """
    name = part.column if part.of is None else linked_name(part.column, part.of)
    values = table.column(name)
    _check(table, name, values)
    return table.where([part.start <= _share(str(value)) < part.end for value in values])


def _check(table: Table, name: str, values: Sequence[Any]) -> None:
    mistakes = Collector()
    for row, value in enumerate(values):
        if value in (None, ""):
            mistakes.add(f'nothing in column "{name}", which parts the splits', table.place(row), "write it")
    mistakes.raise_any(table.origin)


def _share(value: str) -> float:
    """Hash a value to a number in [0, 1); as any other number, it must never change, or test rows become training rows.

    The top 53 bits of the hash are a double exactly, so that none is rounded up to 1.
    """
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8, person=b"isogloss.part")
    return (int.from_bytes(digest.digest(), "little") >> 11) / 2**53
