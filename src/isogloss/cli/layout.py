"""Text that commands print: aligned columns, durations."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def grid(rows: Iterable[Sequence[object]], *, header: Sequence[str] = (), indent: str = "") -> str:
    """Return rows as aligned columns, two spaces apart; numbers to the right."""
    cells = [[_text(cell) for cell in row] for row in ([header] if header else [])]
    body = [[_text(cell) for cell in row] for row in rows]
    right = [all(_is_number(row[column]) for row in body) for column in range(len(body[0]))] if body else []
    cells += body
    widths = [max(_width(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
    lines = []
    for row in cells:
        padded = [
            " " * (width - _width(cell)) + cell
            if column < len(right) and right[column]
            else cell + " " * (width - _width(cell))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((indent + "  ".join(padded)).rstrip())
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Return a duration as somebody would say it: 42 s, 3 min 20 s, 5 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).lstrip("-−").isdigit() or text in ("", "–")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
