"""What a check says: what it looked at, what it found, and how bad that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scipy.stats import binom

from isogloss.evaluation.tabular import Cell, Table, Value

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""An error stops a run; a warning is a likely fault, or a result that will say little; a note is good to know."""

QUOTED = 5
"""Places of rows that a finding names; a fault in a whole column would name them all."""

_UNUSUAL = 1e-4  # the chance at which a count stands out; some hundred columns are looked at in one go


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or should be known.

    Attributes:
        severity: see `SEVERITIES`.
        where: task, language and split, or the phase.
        what: what was found, with its number.
        remedy: what to do about it.
        rows: places of rows (`file:line`), as many as were kept.
        count: how many rows it is about; None where it is not about rows.
    """

    severity: Severity
    where: str
    what: str
    remedy: str
    rows: tuple[str, ...] = ()
    count: int | None = None


@dataclass(frozen=True)
class Examination:
    """What one check came to.

    Attributes:
        check: its name.
        looked: one sentence: what was looked at, and what could not be seen.
        findings: what was found, the worst first.
        tables: numbers to read, where it has any.
    """

    check: str
    looked: str
    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()


class Base(NamedTuple):
    """How often something is met in data that are as they should be.

    Attributes:
        share: of the rows.
        least: a count below this is never told of.
    """

    share: float
    least: int = 3


def stands_out(count: int, rows: int, base: Base) -> bool:
    """Return whether a count among rows is more than chance makes of the usual share.

    It is if a binomial draw from `base.share` would reach it less than once in ten thousand times.
    """
    return count >= base.least and bool(binom.sf(count - 1, rows, base.share) < _UNUSUAL)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, the worst first, otherwise in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def cells(*values: Value) -> tuple[Cell, ...]:
    """Return a row of a table."""
    return tuple(Cell(value) for value in values)


def quoted(places: Sequence[str]) -> tuple[str, ...]:
    """Return the places that a finding names, out of all."""
    return tuple(places[:QUOTED])


def named(names: Sequence[str], most: int = 6) -> str:
    """Return some names in words: all of them, or the first few and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
