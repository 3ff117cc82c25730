"""Many short rows in one long array: stretches of it, and texts in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


def starts_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return where each of N stretches starts in a flat array, and where the last one stops: [N + 1]."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def stretches(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions start, start + 1 … stop − 1 of each stretch, one stretch after the other."""
    lengths = stops - starts
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    positions: NDArray[np.int64] = np.repeat(starts, lengths) + within
    return positions


def flattened(rows: Sequence[Sequence[int]], dtype: Any) -> NDArray[Any]:
    """Return lists of numbers as one array."""
    return np.fromiter(chain.from_iterable(rows), dtype=dtype, count=sum(map(len, rows)))


class Strings(NamedTuple):
    """N texts as UTF-8, one after the other, so that they can be memory-mapped.

    Attributes:
        data: [bytes] uint8.
        offsets: where each text starts, and the last one stops: [N + 1] int64.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Strings:
        """Return texts in this form."""
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), starts_of(lengths))

    def at(self, row: int) -> str:
        """Return one of them."""
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode()
