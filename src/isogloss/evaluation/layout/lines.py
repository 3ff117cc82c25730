"""On which line of a TOML text a key or a value stands, which tomllib does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from isogloss.recipe.toml import parse_path

Steps: TypeAlias = tuple[str | int, ...]
"""From the outermost table to a value: keys, and positions in lists from 0 on."""
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")


def line_of(text: str, steps: Steps) -> int:
    """Return the line, from 1 on, that a reader looks for: that of the value, or the nearest that can be told.

    Args:
        text: TOML without mistakes.
        steps: the way to the value; the last one may be the value itself, as text.
    """
    lines = text.splitlines()
    at, end, rest = _table(lines, steps)
    for step in rest:
        if isinstance(step, str):
            at = next((number for number in range(at, end) if _names(lines[number], step)), at)
    return at + 1


def _table(lines: Sequence[str], steps: Steps) -> tuple[int, int, Steps]:
    """The lines of the innermost [table] that is on the way, and the steps that are left from there."""
    found, used, end = 0, 0, next((number for number, _ in _headers(lines)), len(lines))
    starts = [*_headers(lines), (len(lines), ())]
    for (number, way), (following, _) in pairwise(starts):
        if len(way) > used and steps[: len(way)] == way:
            found, used, end = number, len(way), following
    return found, end, steps[used:]


def _headers(lines: Sequence[str]) -> Iterator[tuple[int, Steps]]:
    """The line of each [table] and [[list of tables]], and the way to it."""
    counts: dict[Steps, int] = {}
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        path = parse_path(header[2]) if header else None
        if header is None or path is None:
            continue
        if header[1] == "[[":
            counts[path] = counts.get(path, -1) + 1
            yield number, (*path, counts[path])
        else:
            yield number, path


def _names(line: str, step: str) -> bool:
    """Whether a line has a key or a text of this name."""
    bare = re.escape(step)
    return bool(re.search(rf"""["']{bare}["']|(?:^|[\s.{{,])({bare})\s*[.=]""", line.split(" #", maxsplit=1)[0]))
