"""Where randomness comes from: a key names a draw, and the same key gives the same draw."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np


class Key(NamedTuple):
    """The name of a random draw; a pure function of it replaces every hidden generator state.

    Attributes:
        seed: the run's seed for this phase.
        phase: the phase's name.
        step: the step of the phase, or the epoch or round for draws that belong to those.
        purpose: what is drawn: "dropout", "order", "query" …
        micro_batch: position within the step.
    """

    seed: int
    phase: str = ""
    step: int = 0
    purpose: str = ""
    micro_batch: int = 0

    def digest(self) -> int:
        """Return 64 bits that depend on every field."""
        text = "\x1f".join(map(str, self))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def generator(self) -> np.random.Generator:
        """Return a NumPy generator (PCG64) that starts at this key."""
        return np.random.default_rng(self.digest())

    def torch_seed(self) -> int:
        """Return a non-negative seed for a torch generator (63 bits)."""
        return self.digest() >> 1
