"""Streams: batches of pooled bags as a pure function of key and step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isogloss.data.bag import Bag
from isogloss.data.batch import Batch, Part, collate
from isogloss.keys import Key

PlacedBatch = tuple[NDArray[np.int64], Batch]  # a batch, and its examples' positions in their bag


class Stream:
    """Batches without end; each epoch holds every example of every bag once.

    An epoch's order is drawn anew: a permutation of all examples, sorted by length within windows of some
    batches (so that a batch holds texts of like length and little padding), cut into batches, and these
    shuffled. Step k is the same batch whoever asks and whatever was asked before: resuming replays nothing.
    """

    def __init__(self, bags: Sequence[Bag], *, batch_size: int, key: Key, bucket_window: int = 50) -> None:
        """Pool `bags` by example.

        Args:
            bags: encoded alike, of any languages.
            batch_size: examples a batch; the shortest batch of an epoch may hold fewer.
            key: names the order: the same key, the same batches.
            bucket_window: batches within which examples are sorted by length; 1: batches are drawn at random.

        Raises:
            ValueError: no example, or a size below 1.
        """
        if batch_size < 1 or bucket_window < 1 or not sum(map(len, bags)):
            raise ValueError("a stream needs examples, and sizes of at least 1")
        self.bags = tuple(bags)
        self.batch_size = batch_size
        self.key = key
        self.bucket_window = bucket_window
        self._starts = np.concatenate([[0], np.cumsum([len(bag) for bag in bags])])
        self._lengths = np.concatenate([bag.lengths for bag in bags])
        self._last: tuple[int, list[NDArray[np.int64]]] | None = None

    @property
    def batches_per_epoch(self) -> int:
        """How many batches hold every example once."""
        return -(-len(self._lengths) // self.batch_size)

    def __getitem__(self, step: int) -> Batch:
        return collate(self.parts(step))

    def parts(self, step: int) -> list[Part]:
        """Return the examples of a step, bag by bag (bags without an example left out)."""
        if step < 0:
            raise IndexError(f"step {step}")
        epoch, within = divmod(step, self.batches_per_epoch)
        drawn = self._batches(epoch)[within]
        owner = np.searchsorted(self._starts, drawn, side="right") - 1
        return [(self.bags[bag], drawn[owner == bag] - self._starts[bag]) for bag in np.unique(owner)]

    def examples(self, start: int, stop: int) -> int:
        """Return how many examples the steps `start` to `stop` − 1 hold."""
        return self._examples_before(stop) - self._examples_before(start)

    def _examples_before(self, step: int) -> int:
        epoch, within = divmod(step, self.batches_per_epoch)
        seen = epoch * len(self._lengths) + within * self.batch_size
        missing = self.batches_per_epoch * self.batch_size - len(self._lengths)
        if not (missing and within):
            return seen
        short = next(number for number, batch in enumerate(self._batches(epoch)) if len(batch) < self.batch_size)
        return seen - missing * (short < within)

    def _batches(self, epoch: int) -> list[NDArray[np.int64]]:
        if self._last is None or self._last[0] != epoch:
            self._last = (epoch, self._draw(epoch))
        return self._last[1]

    def _draw(self, epoch: int) -> list[NDArray[np.int64]]:
        generator = self.key._replace(purpose=f"{self.key.purpose}/epoch {epoch}").generator()
        order = generator.permutation(len(self._lengths))
        window = self.bucket_window * self.batch_size
        batches = []
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[at : at + self.batch_size] for at in range(0, len(part), self.batch_size)]
        return [batches[number] for number in generator.permutation(len(batches))]


def length_batches(bag: Bag, max_tokens: int, max_length: int) -> Iterator[PlacedBatch]:
    """Yield all examples, in batches of few shapes and of at most `max_tokens` tokens, padding included.

    Longest first, so that memory is short at the start or never; an example longer than that, with all of its
    windows, is a batch by itself. For evaluation: results come in this order, not in the bag's.

    Batches are padded to one of four lengths an octave (32, 40, 48, 56, 64, 80 and so on): on a CPU, oneDNN keeps
    the kernels that it compiles for each shape that it meets, so that many shapes are much memory.

    Args:
        bag: the examples.
        max_tokens: how many tokens a batch holds at most.
        max_length: how many tokens of an example the encoder reads; none is padded beyond it.
    """
    order = np.argsort(-bag.lengths, kind="stable")
    lengths = _padded_lengths(bag.lengths[order].astype(np.int64), max_length).tolist()
    windows = np.cumsum(bag.window_counts[order])  # up to each example, itself included
    start = before = 0
    while start < len(order):
        fits = int(np.searchsorted(windows, before + max_tokens // lengths[start], side="right"))
        stop = max(fits, start + 1)
        yield order[start:stop], collate([(bag, order[start:stop])], lengths[start])
        start, before = stop, int(windows[stop - 1])


def _padded_lengths(lengths: NDArray[np.int64], max_length: int) -> NDArray[np.int64]:
    lengths = np.maximum(lengths, 1)
    steps = 2 ** np.maximum(np.log2(lengths).astype(np.int64) - 2, 0)
    padded: NDArray[np.int64] = np.maximum(lengths, np.minimum(-(-lengths // steps) * steps, max_length))
    return padded
