"""Every ordered pair of different languages (XLA-MAML with two auxiliary languages, Liu et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING

from pydantic import Field

from isogloss.errors import mistake
from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key

_MOST_PAIRS = 10_000


class Across:
    """(S, Q) for all disjoint sets S and Q of languages; the languages of a set are pooled and drawn by example."""

    class Settings(base.Settings):
        """How many languages stand on either side of a pair.

        Attributes:
            support_languages: on the side of the support.
            query_languages: on the side of the query.
        """

        support_languages: int = Field(1, ge=1)
        query_languages: int = Field(1, ge=1)

    version = 1
    cite = ("liu2021xlamaml",)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return all ordered pairs of disjoint sets, both of them in the order of the languages.

        Raises:
            Mistakes: there are too few languages for a pair, or pairs without number.
        """
        del key
        sizes = self.settings.support_languages, self.settings.query_languages
        if comb(len(support), sizes[0]) * comb(len(query), sizes[1]) > _MOST_PAIRS:
            raise mistake(
                f"{sizes[0]} of {len(support)} languages against {sizes[1]} of {len(query)} make too many pairs",
                where="languages",
                remedy='put fewer languages on a side, or choose the pairing "pooled"',
            )
        sides = product(combinations(support, sizes[0]), combinations(query, sizes[1]))
        pairs = tuple(base.Pair(one, other) for one, other in sides if set(one).isdisjoint(other))
        if not pairs:
            known = ", ".join(dict.fromkeys((*support, *query)))
            raise mistake(
                f"{known} make no pair of {sizes[0]} and {sizes[1]} different languages",
                where="languages",
                remedy='name more languages, or choose the pairing "within"',
            )
        return pairs
