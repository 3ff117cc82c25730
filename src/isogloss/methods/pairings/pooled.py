"""All languages in one pool, drawn by example: what plain fine-tuning trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isogloss.methods import base

if TYPE_CHECKING:
    from isogloss.keys import Key


class Pooled:
    """(all, all): one pair, its languages in proportion to their examples.

    The joint training of θ and φ in Xu et al. 2021 (table 2, "no cross-lingual meta-training") pairs in this way too.
    """

    class Settings(base.Settings):
        """There are none."""

    version = 1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[base.Pair, ...]:
        """Return one pair with all languages on either side."""
        del key
        return (base.Pair(tuple(support), tuple(query)),)
