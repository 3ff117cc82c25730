"""Support and query from the same pooled data: meta-training without held-out languages (Xu et al. 2021, table 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from isogloss.methods.base import Episode
from isogloss.methods.pairings.sampling import query_batches

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.keys import Key


class JointSchedule:
    """One episode a window, in one run of `rounds` passes over all languages that never starts anew."""

    def __init__(
        self,
        bags: Mapping[str, Bag],
        *,
        batch_size: int,
        rounds: int,
        window: int,
        query_examples: int,
        key: Key,
    ) -> None:
        from isogloss.data.stream import Stream

        self._bags = list(bags.values())
        self._stream = Stream(self._bags, batch_size=batch_size, key=key._replace(purpose="support"))
        self._batch_size = batch_size
        self._query_examples = query_examples
        self._key = key
        self._inner_steps = rounds * self._stream.batches_per_epoch
        self._window = window
        self.steps = -(-self._inner_steps // window)

    def __getitem__(self, step: int) -> Episode:
        """Return the next window, and a sample of the data that it is drawn from."""
        start, stop = self._range(step)
        query_key = self._key._replace(purpose="query", step=step)
        query = query_batches(self._bags, self._query_examples, self._batch_size, query_key)
        extra = {"round_begins": step == 0, "step": start, "steps": self._inner_steps}
        return Episode(tuple(self._stream[i] for i in range(start, stop)), query, extra)

    def examples(self, step: int) -> int:
        """Return the number of support and query examples of a window."""
        size = sum(map(len, self._bags))
        return self._stream.examples(*self._range(step)) + min(self._query_examples or size, size)

    def _range(self, step: int) -> tuple[int, int]:
        return step * self._window, min((step + 1) * self._window, self._inner_steps)
