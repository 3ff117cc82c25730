"""Every ordered pair of languages that are of different families, or of the same one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from isogloss.errors import mistake
from isogloss.languages import get
from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key


class Families:
    """(s, q) for every support language s and query language q of another family; or of the same, if that is asked."""

    class Settings(base.Settings):
        """Which pairs are taken.

        Attributes:
            same: those within a family, in place of those across.
        """

        same: bool = False

    version = 1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return the pairs in the order of the languages.

        Raises:
            Mistakes: no pair is of that sort.
        """
        del key
        pairs = tuple(
            base.Pair((one,), (other,))
            for one, other in product(support, query)
            if one != other and (get(one).family == get(other).family) is self.settings.same
        )
        if not pairs:
            sort = "of one family" if self.settings.same else "of different families"
            raise mistake(
                f"no two of {', '.join((*support, *query))} are {sort}",
                where="languages",
                remedy='give the phase other languages, or choose the pairing "across"',
            )
        return pairs
