"""Simulated runs cut into windows: the schedule of the meta-optimizer (Xu et al. 2021, algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from isogloss.methods.base import Episode, Pairing
from isogloss.methods.sampling import query_batches

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.stream import Stream
    from isogloss.keys import Key


class Window(NamedTuple):
    """Where a meta step stands: its round, and the inner steps [start, stop) of that round."""

    round: int
    start: int
    stop: int


class WindowSchedule:
    """One episode a window: support from the languages that the round's pair has there, query from its query languages.

    A round is one simulated run: the pairing draws a pair for it, and it goes `passes` times over the pair's support
    languages, in windows of `window` batches; its last window may be shorter. Where a language stands on both sides
    (joint training), queries are drawn from the rows that supports are drawn from.
    """

    def __init__(
        self,
        bags: Mapping[str, Bag],
        pairing: Pairing,
        *,
        batch_size: int,
        rounds: int,
        passes: int,
        window: int,
        query_examples: int,
        key: Key,
    ) -> None:
        self._bags = bags
        self._batch_size = batch_size
        self._query_examples = query_examples
        self._key = key
        cycles = [pairing.cycle(tuple(bags), tuple(bags), key._replace(step=round_)) for round_ in range(rounds)]
        self.pairs = tuple(pair for (pair,) in cycles)
        self._stream = lru_cache(maxsize=1)(self._open)
        batches = {pair: self._open(self.pairs.index(pair)).batches_per_epoch for pair in dict.fromkeys(self.pairs)}
        self._round_steps = [passes * batches[pair] for pair in self.pairs]
        self._windows = [
            Window(round_, start, min(start + window, steps))
            for round_, steps in enumerate(self._round_steps)
            for start in range(0, steps, window)
        ]
        self.steps = len(self._windows)

    def __getitem__(self, step: int) -> tuple[Episode]:
        """Return the episode of a window: its support, and a sample of the query languages."""
        window = self._windows[step]
        stream = self._stream(window.round)
        support = tuple(stream[i] for i in range(window.start, window.stop))
        query_key = self._key._replace(purpose="query", step=step)
        query = query_batches(self._query_bags(window), self._query_examples, self._batch_size, query_key)
        extra = {
            "round": window.round,
            "round_begins": window.start == 0,
            "pair": self.pairs[window.round],
            "step": window.start,
            "steps": self._round_steps[window.round],
        }
        return (Episode(support, query, extra),)

    def examples(self, step: int) -> int:
        """Return the number of support and query examples of a window."""
        window = self._windows[step]
        size = sum(map(len, self._query_bags(window)))
        return self._stream(window.round).examples(window.start, window.stop) + min(self._query_examples or size, size)

    def _query_bags(self, window: Window) -> list[Bag]:
        return [self._bags[language] for language in self.pairs[window.round].query]

    def _open(self, round_: int) -> Stream:
        from isogloss.data.stream import Stream

        support = [self._bags[language] for language in self.pairs[round_].support]
        return Stream(support, batch_size=self._batch_size, key=self._key._replace(purpose="support", step=round_))
