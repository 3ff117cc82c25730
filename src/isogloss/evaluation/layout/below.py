"""What is said below a table that has a layout: the baseline by its name, and whatever the layout does not show."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from isogloss.evaluation.layout.arms import Order, arm_of
from isogloss.evaluation.layout.model import Given, Layout
from isogloss.evaluation.score_table import PRINTED, SPREAD
from isogloss.evaluation.tabular import Cell, Table

_ADDED = ("sd", "sd of draws", "common mean", "p, given")
_COUNTED = ("seeds", "draws", "failed", "examples seen")


def said(text: str, layout: Layout) -> str:
    """Return a title or a footnote with the shown name of the baseline, and without what is not shown."""
    names = layout.names.variants
    if layout.columns is not None and "sd" not in layout.columns:
        text = text.replace(SPREAD, "")
    return re.sub(
        r"\b(than|from) (\S+) (by|in)\b",
        lambda found: f"{found[1]} {names.get(found[2], found[2])} {found[3]}",
        text,
    )


def dropped(table: Table, gone: Collection[int], layout: Layout, order: Order) -> Iterator[str]:
    """Name the columns that are left out, as far as nothing else says them.

    Languages are named with the rows that are left out, and counts with their values. A spread, the mean that
    rows have in common, and the p-value of these very seeds only add to a column beside them.

    Args:
        table: before it was laid out.
        gone: which of its columns are not shown.
        layout: what the file says.
        order: of the arms that are shown.
    """
    silent = {*_ADDED, *_COUNTED, *_told_by_groups(layout, order)}
    columns = [table.columns[at] for at in sorted(gone)]
    named = [column.name for column in columns if not column.many and (column.key or column.name) not in silent]
    if named:
        yield _sentence(f"Not shown: {'; '.join(named)}")


def _told_by_groups(layout: Layout, order: Order) -> set[str]:
    """The axes whose values stand above all rows: as headings of groups that are of one value each."""
    headed = [set(group.where) if group.heading else set() for group in layout.groups] + [set[str]()]
    return {
        axis
        for at, axis in enumerate(order.axes, start=1)
        if all(axis in headed[place.group] for arm, place in order.places.items() if arm[at])
    }


def counts(table: Table, gone: Collection[int], order: Order) -> Iterator[str]:
    """Say what the counts are whose columns are left out: over how many seeds a mean is must stand somewhere.

    Args:
        table: before it was laid out.
        gone: which of its columns are not shown.
        order: of the arms that are.
    """
    ours = [row for row in table.rows if arm_of(row, order.axes) in order.places and not _is_printed(row)]
    for at in sorted(gone):
        values = [value for row in ours if isinstance(value := row[at].value, int)]
        if values and table.columns[at].kind == "integer":
            low, high = min(values), max(values)
            yield f"{table.columns[at].name}: {low:,}{'' if low == high else f' to {high:,}'}.".capitalize()


def printed(table: Table, layout: Layout, order: Order) -> Iterator[str]:
    """Say which rows are printed numbers, where their names no longer do."""
    names, shown = layout.names.variants, {arm[0] for arm in order.places}
    found = [str(row[0].value) for row in table.rows if _is_printed(row)]
    renamed = dict.fromkeys(names[name] for name in found if name in shown and name in names)
    silent = [name for name in renamed if "printed" not in name]
    if silent:
        yield _sentence(f"Printed numbers, not measured here: {'; '.join(silent)}")


def sources(layout: Layout) -> Iterator[str]:
    """Say where numbers are from that stand in the layout itself."""
    given = (row for group in layout.groups for row in group.rows if isinstance(row, Given))
    yield from (_sentence(f"{row.name}: {row.source}") for row in given)


def absent(layout: Layout, order: Order) -> Iterator[str]:
    """Say what is left out, and what has no run."""
    names = layout.names
    variants = [names.variants.get(each, each) for each in order.left_out]
    languages = [names.languages.get(each, each) for each in layout.left_out.languages]
    if variants or languages:
        yield _sentence(f"Left out of this table: {'; '.join([*variants, *languages])}")
    if order.not_run:
        yield _sentence(f"No run of {'; '.join(names.variants.get(each, each) for each in order.not_run)}")


def _sentence(text: str) -> str:
    """A text with a full stop at its end, and one only."""
    return text.rstrip(".") + "."


def _is_printed(row: Sequence[Cell]) -> bool:
    return str(row[0].value).endswith(PRINTED)
