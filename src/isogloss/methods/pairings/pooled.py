"""All languages in one pool, drawn by example: what plain fine-tuning trains on."""

from __future__ import annotations

import math
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
            "epochs": math.ceil(length.value * self._stream.batches_per_epoch),
            "steps": math.ceil(length.value),
            "examples": math.ceil(length.value / batch_size),
        }[length.unit]

    def __getitem__(self, step: int) -> Episode:
        """Return an episode without support."""
        return Episode((), (self._stream[step],), {"step": step, "steps": self.steps})

    def examples(self, step: int) -> int:
        """Return the size of a step's batch."""
        return self._stream.examples(step, step + 1)
