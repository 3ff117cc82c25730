"""Deal examples so that every one is used once before any is used twice (`cover`, Liu et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isogloss.keys import Key


class Deck:
    """Positions 0 … size − 1, dealt pass after pass; each pass is a permutation of its own.

    A position that may not be dealt now waits and comes first in the next deal. What is dealt depends on the key and
    on all deals before: whoever wants a deal again keeps it.
    """

    def __init__(self, size: int, key: Key) -> None:
        self._size, self._key = size, key
        self._passes = 0
        self._left: list[int] = []  # of the pass, the next at the end

    def deal(self, count: int, barred: Callable[[int], bool] = lambda position: False) -> NDArray[np.int64]:
        """Return `count` different positions, none of them barred.

        Args:
            count: how many; there must be so many that are not barred.
            barred: whether a position has to wait.
        """
        dealt: dict[int, None] = {}
        waiting = []
        while len(dealt) < count:
            position = self._next()
            if position in dealt or barred(position):
                waiting.append(position)
            else:
                dealt[position] = None
        self._left += reversed(waiting)
        return np.fromiter(dealt, dtype=np.int64, count=count)

    def _next(self) -> int:
        if not self._left:
            generator = self._key._replace(step=self._passes).generator()
            self._left = generator.permutation(self._size).tolist()
            self._passes += 1
        return self._left.pop()
