"""Support and query from one language, every language in turn (X-MAML, Nooralahzadeh et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isogloss.errors import mistake
from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key


class Within:
    """(l, l) for every language l; no example, nor another of its group, is on both sides of an episode."""

    class Settings(base.Settings):
        """There are none."""

    version = 1
    cite = ("nooralahzadeh2020xmaml",)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return each language paired with itself.

        Raises:
            Mistakes: supports are to come from other languages than queries.
        """
        del key
        if set(support) != set(query):
            raise mistake(
                f'supports from {", ".join(support)} and queries from {", ".join(query)} are not "within" a language',
                where="languages",
                remedy='draw both from the same languages, or choose the pairing "roles" or "across"',
            )
        return tuple(base.Pair((language,), (language,)) for language in query)
