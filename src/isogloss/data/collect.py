"""The mistakes of one table, gathered before any is raised."""

from __future__ import annotations

from isogloss.errors import Mistake, Mistakes

_SHOWN = 10  # mistakes of one file that are listed; a wrong column makes thousands
_QUOTED = 60  # characters of a value that a message shows


class Collector:
    """Mistakes of one table; it keeps the first few and counts the others."""

    def __init__(self) -> None:
        self.first: list[Mistake] = []
        self.more = 0

    def add(self, what: str, where: str, remedy: str) -> None:
        """Keep one more mistake, or count it."""
        if len(self.first) < _SHOWN:
            self.first.append(Mistake(what, where, remedy))
        else:
            self.more += 1

    def raise_any(self, origin: str) -> None:
        """Raise what was gathered.

        Raises:
            Mistakes: there is any.
        """
        if self.more:
            self.first.append(Mistake(f"{self.more} more rows like these", origin, "mend the first ones and try again"))
        if self.first:
            raise Mistakes(self.first)


def shown(value: object) -> str:
    """Return a value as Python writes it, cut to what fits a line; texts in double quotes as they are."""
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…{text[0] if isinstance(value, str) else ''}"
