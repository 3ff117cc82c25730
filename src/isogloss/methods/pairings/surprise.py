"""Simulated zero-shot transfer: one language is the surprise (Xu et al. 2021, algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isogloss.errors import mistake
from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key


class Surprise:
    """(all but k, k): the surprise language k is drawn anew in every cycle; the meta-optimizer's rounds are cycles."""

    class Settings(base.Settings):
        """There are none."""

    version = 1
    cite = ("xu2021soft",)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return one pair, whose surprise language depends on the key and the set of query languages.

        Raises:
            Mistakes: a surprise language would leave none for the support.
        """
        if len(support) < 2 and set(support) <= set(query):
            raise mistake(
                f"one language ({', '.join(support)}) leaves none to train on once it is the surprise language",
                where="languages",
                remedy="give it two languages or more",
            )
        generator = key._replace(purpose="surprise").generator()
        surprise = sorted(query)[generator.integers(len(query))]
        return (base.Pair(tuple(language for language in support if language != surprise), (surprise,)),)
