"""Support languages and query languages, each with its part (XLA-MAML, Liu et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from isogloss.errors import mistake
from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key


class Roles:
    """(s, q) for every support language s and every query language q: source and auxiliary, target and auxiliary."""

    class Settings(base.Settings):
        """There are none."""

    version = 1
    cite = ("liu2021xlamaml",)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return every support language with every query language.

        Raises:
            Mistakes: a language stands on both sides.
        """
        del key
        if both := [language for language in query if language in support]:
            raise mistake(
                f'{", ".join(both)} would play both roles, support and query; the pairing "roles" forbids it',
                where="languages",
                remedy='give the phase a `support` of other languages, or choose the pairing "across" or "within"',
            )
        return tuple(base.Pair((one,), (other,)) for one, other in product(support, query))
