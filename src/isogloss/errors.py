"""Every way in which Isogloss refuses, as one tree.

IsoglossError
├── Mistakes          what was asked cannot be done: exit code 2, one line for each mistake
└── Interrupted       stopped from outside, resumable: exit code 3

Anything else that reaches the command line is a fault of ours: exit code 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One thing that was asked and cannot be done.

    Attributes:
        what: what is wrong, with the value that was met.
        where: the place: `file:line`, `file: key`, an option, a language.
        remedy: what to write or do instead.
    """

    what: str
    where: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


class IsoglossError(Exception):
    """The root of the exceptions that Isogloss raises on purpose."""


class Mistakes(IsoglossError):
    """What was asked cannot be done. Holds every mistake that could be found at once."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class Interrupted(IsoglossError):
    """The run was stopped from outside; the same command goes on where it was."""


class IsoglossWarning(UserWarning):
    """Something that a run survives and its reader should know."""


def mistake(what: str, *, where: str, remedy: str) -> Mistakes:
    """Return an exception for a single mistake, ready to be raised."""
    return Mistakes([Mistake(what, where, remedy)])


def nearest(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return a remedy that names what is nearest to `name` among `known`, or lists them all."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return otherwise or f"known: {', '.join(known)}"
