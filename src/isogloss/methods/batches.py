"""One batch a step of all languages in one pool: the schedule of plain fine-tuning."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING

from isogloss.methods.base import Episode, Length

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.keys import Key


class PooledSchedule:
    """One batch a step, every example of every language once an epoch."""

    def __init__(self, bags: Mapping[str, Bag], *, batch_size: int, length: Length, key: Key) -> None:
        from isogloss.data.stream import Stream

        self._stream = Stream(list(bags.values()), batch_size=batch_size, key=key._replace(purpose="order"))
        self.steps = {
            "epochs": lambda: math.ceil(length.value * self._stream.batches_per_epoch),
            "steps": lambda: math.ceil(length.value),
            "examples": lambda: self._steps_to_see(length.value),
        }[length.unit]()

    def __getitem__(self, step: int) -> tuple[Episode]:
        """Return an episode without support."""
        return (Episode((), (self._stream[step],), {"step": step, "steps": self.steps}),)

    def _steps_to_see(self, examples: float) -> int:
        """Return the least number of steps that hold so many examples; an epoch's last batch may be short."""
        candidates = range(math.ceil(examples) + 1)
        return bisect_left(candidates, examples, key=lambda steps: self._stream.examples(0, steps))

    def examples(self, step: int) -> int:
        """Return the size of a step's batch."""
        return self._stream.examples(step, step + 1)
