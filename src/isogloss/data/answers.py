"""Gold answers out of a column: their three ways to be written, and whether each stands where it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isogloss.data.collect import Collector, shown
from isogloss.data.table import Table

Answers = tuple[tuple[str, int], ...]
"""A row's gold answers: text, and where it starts in the context, in code points."""

_FORM = 'write [{"text": "…", "start": 0}], or as SQuAD does {"text": ["…"], "answer_start": [0]}'


def gold_answers(
    table: Table, column: str, contexts: Sequence[Any], ids: Sequence[str], mistakes: Collector
) -> list[Answers]:
    """Return each row's answers, one at least; offsets are never repaired.

    A list of `{"text", "start"}` is understood, with other keys ignored, a list of `{"text", "answer_start"}`, and
    SQuAD's `{"text": […], "answer_start": […]}`.

    Args:
        table: whose rows they are.
        column: where they are.
        contexts: [N] what they are cut from; a row without a text is passed over.
        ids: [N] what messages call the rows.
        mistakes: takes what is wrong: another form, no answer, an empty one, one that is not at its place.
    """
    answers, astray = [], []
    for row, value in enumerate(table.column(column)):
        given = _read(value)
        where = f'{table.place(row)}, id "{ids[row]}"'
        if given is None:
            mistakes.add(f'no answers in column "{column}" (found {shown(value)})', where, _FORM)
        elif not given:
            mistakes.add(f'no gold answer in column "{column}"', where, "write one, or drop the row")
        elif any(not text or text.isspace() for text, _ in given):
            mistakes.add("an empty answer", where, "write the answer, or drop it")
        elif isinstance(contexts[row], str):
            astray += [(row, *answer) for answer in given if not _stands(contexts[row], *answer)]
        answers.append(given or ())
    remedy = "give the place of its first character, in code points counted from 0"
    if 1 < len(astray) == sum(map(len, answers)) and (shift := _common_shift(astray, contexts)) is not None:
        remedy += f" (every answer stands {abs(shift)} {'further on' if shift > 0 else 'before'})"
    for row, text, start in astray:
        there = contexts[row][max(start, 0) : max(start, 0) + len(text)]
        what = f"the answer {shown(text)} is not at {start} in its context, where {shown(there)} stands"
        mistakes.add(what, f'{table.place(row)}, id "{ids[row]}"', remedy)
    return answers


def _read(value: Any) -> Answers | None:
    """Return the answers in a cell of a table, or None where it is written in no known way."""
    if isinstance(value, Mapping):
        pairs = _columns(value.get("text"), value.get("answer_start"))
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        pairs = [(one.get("text"), one.get("start", one.get("answer_start"))) for one in value]
    else:
        return None
    if pairs is None or not all(isinstance(text, str) and type(start) is int for text, start in pairs):
        return None
    return tuple(pairs)


def _columns(texts: Any, starts: Any) -> list[tuple[Any, Any]] | None:
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        return None
    return list(zip(texts, starts, strict=True))


def _stands(context: str, text: str, start: int) -> bool:
    return start >= 0 and context.startswith(text, start)


def _common_shift(astray: Sequence[tuple[int, str, int]], contexts: Sequence[str]) -> int | None:
    """Return how much further on each answer stands, where it is the same for all; the nearest of several."""
    common: set[int] | None = None
    for row, text, start in astray:
        here = {place - start for place in _places(contexts[row], text)}
        common = here if common is None else common & here
        if not common:
            return None
    return min(common, key=abs) if common else None


def _places(context: str, text: str) -> list[int]:
    places, place = [], context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return places
