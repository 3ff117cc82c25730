"""Timings as ratios: both sides in alternation after warm-up, a ratio for each pair, median and range over pairs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

Sense = Literal["at least", "at most"]


@dataclass(frozen=True)
class Promise:
    """One row of the results: what is promised.

    Attributes:
        row: the row's name, unique over all benchmarks.
        claim: what is compared with what.
        bound: the number that is promised.
        sense: on which side of the bound the measured number must lie.
        unit: of bound and measured number; "×" for a ratio.
    """

    row: str
    claim: str
    bound: float
    sense: Sense
    unit: str = "×"

    def kept(self, measured: float) -> bool:
        """Return whether a measured number keeps the promise."""
        return measured >= self.bound if self.sense == "at least" else measured <= self.bound


@dataclass(frozen=True)
class Measurement:
    """What was measured for a promise.

    Attributes:
        promise: the promise.
        values: one number for each pair (or each run, where there is one side only), in the promise's unit.
        ours: what our side gave in each pair.
        theirs: what the other side gave in each pair; empty where there is none.
        unit: of `ours` and `theirs`.
        same: what shows that both sides did the same work.
        details: whatever else explains the number.
    """

    promise: Promise
    values: Sequence[float]
    ours: Sequence[float] = ()
    theirs: Sequence[float] = ()
    unit: str = "s"
    same: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a benchmark is given.

    Attributes:
        quick: a smoke run: the smallest sizes, whose numbers mean nothing.
        data: folders of a task's files, by task name.
        scratch: a folder for what is written in between.
        encoder: the encoder that both sides use.
    """

    quick: bool
    data: Mapping[str, Path]
    scratch: Path
    encoder: str = "mini"

    def size(self, full: int, quick: int) -> int:
        """Return how much of something to do."""
        return quick if self.quick else full


class LeftOut(Exception):
    """A benchmark lacks here what it needs; the message says what. Nothing is recorded."""


@dataclass(frozen=True)
class Benchmark:
    """A file of this package.

    Attributes:
        name: what it is called on the command line.
        promises: the rows that it measures.
        run: measures them.
        by_default: whether it runs where no names are given.
        needs: what not every machine has; without it the benchmark is left out.
        data: what its numbers are of, or what says so; empty where that is the material that every benchmark is given.
    """

    name: str
    promises: Sequence[Promise]
    run: Callable[[Context], Iterator[Measurement]]
    by_default: bool = True
    needs: str = ""
    data: str | Callable[[Context], str] = ""


class Pairs(NamedTuple):
    """What two sides gave, pair by pair: seconds, bytes, or examples a second."""

    ours: list[float]
    theirs: list[float]

    def ours_by_theirs(self) -> list[float]:
        """Return ours / theirs for each pair: an overhead of ours, where both are costs."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    def theirs_by_ours(self) -> list[float]:
        """Return theirs / ours for each pair: a gain of ours, where both are costs."""
        return [b / a for a, b in zip(self.ours, self.theirs, strict=True)]


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], *, pairs: int, warm_up: Callable[[], object] | None = None
) -> Pairs:
    """Measure both sides in alternation, A B A B.

    Args:
        ours: does our side's work once and returns what it cost.
        theirs: the same for the other side.
        pairs: how many times.
        warm_up: called first; what it costs does not count.
    """
    if warm_up is not None:
        warm_up()
    measured = Pairs([], [])
    for _ in range(pairs):
        measured.ours.append(ours())
        measured.theirs.append(theirs())
    return measured


def seconds(work: Callable[[], object]) -> float:
    """Return how many seconds some work takes, whatever it left on a GPU included."""
    began = now()
    work()
    return now() - began


def now() -> float:
    """Return the time in seconds, once a GPU has done all it was asked to."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Summary(NamedTuple):
    """Median and range of some numbers."""

    median: float
    low: float
    high: float


def summary(values: Sequence[float]) -> Summary:
    """Return median and range.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("nothing was measured")
    return Summary(statistics.median(values), min(values), max(values))
