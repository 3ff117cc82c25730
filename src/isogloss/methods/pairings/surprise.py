"""Simulated zero-shot transfer: in each round one language is the surprise (Xu et al. 2021, algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from isogloss.errors import mistake
from isogloss.methods.base import Episode
from isogloss.methods.pairings.sampling import query_batches

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.stream import Stream
    from isogloss.keys import Key


class Window(NamedTuple):
    """Where a meta step stands: its round, and the inner steps [start, stop) of that round."""

    round: int
    start: int
    stop: int


class SurpriseSchedule:
    """One episode a window: support from all languages but the surprise language k, query from D_k.

    A round is one pass over the languages other than k, in windows of `window` batches; the last may be shorter.
    """

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
        if len(bags) < 2:
            raise mistake(
                f"one language ({', '.join(bags)}) leaves none to train on once it is the surprise language",
                where=f"phase {key.phase}",
                remedy="give it two languages or more",
            )
        self._bags = bags
        self._batch_size = batch_size
        self._query_examples = query_examples
        self._key = key
        self.surprises = tuple(self._draw_language(r) for r in range(rounds))
        self._round = lru_cache(maxsize=1)(self._open_round)
        lengths = {language: self._open_round_of(language, 0).batches_per_epoch for language in set(self.surprises)}
        self._round_steps = [lengths[language] for language in self.surprises]
        self._windows = [
            Window(r, start, min(start + window, steps))
            for r, steps in enumerate(self._round_steps)
            for start in range(0, steps, window)
        ]
        self.steps = len(self._windows)

    def __getitem__(self, step: int) -> Episode:
        """Return a window's support and a sample of the surprise language."""
        window = self._windows[step]
        surprise = self.surprises[window.round]
        stream = self._round(window.round)
        support = tuple(stream[i] for i in range(window.start, window.stop))
        query_key = self._key._replace(purpose="query", step=step)
        query = query_batches([self._bags[surprise]], self._query_examples, self._batch_size, query_key)
        extra = {
            "round": window.round,
            "round_begins": window.start == 0,
            "surprise": surprise,
            "step": window.start,
            "steps": self._round_steps[window.round],
        }
        return Episode(support, query, extra)

    def examples(self, step: int) -> int:
        """Return the number of support and query examples of a window."""
        window = self._windows[step]
        size = len(self._bags[self.surprises[window.round]])
        return self._round(window.round).examples(window.start, window.stop) + min(self._query_examples or size, size)

    def _draw_language(self, round_: int) -> str:
        generator = self._key._replace(purpose="surprise", step=round_).generator()
        return sorted(self._bags)[generator.integers(len(self._bags))]

    def _open_round(self, round_: int) -> Stream:
        return self._open_round_of(self.surprises[round_], round_)

    def _open_round_of(self, surprise: str, round_: int) -> Stream:
        from isogloss.data.stream import Stream

        others = [bag for language, bag in self._bags.items() if language != surprise]
        return Stream(others, batch_size=self._batch_size, key=self._key._replace(purpose="support", step=round_))
