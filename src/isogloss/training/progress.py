"""What an observer of a phase is told after each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Progress(NamedTuple):
    """How far a phase has come.

    Attributes:
        phase: the phase's name.
        step: steps done.
        steps: steps in all.
        examples: examples seen so far, support and query, with repetition.
        seconds: of training so far, an interrupted part included.
        log: what the last step logged: numbers, `loss` among them, and words.
    """

    phase: str
    step: int
    steps: int
    examples: int
    seconds: float
    log: Mapping[str, float | str]


Observer = Callable[[Progress], None]
