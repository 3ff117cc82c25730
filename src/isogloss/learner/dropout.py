"""Dropout whose masks are a function of a key: the same key drops the same elements.

A loss must be a function of its parameters alone for its Hessian-vector products, for recomputed layers and
for a resumed run to be what they claim; masks from a hidden generator state would make each evaluation
another function. Random bytes are compared with a threshold, because ordinary dropout's random numbers would
cost more time on a CPU than all else but the matrix products.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from isogloss.keys import Key

_LEVELS = 256


def quantised(rate: float) -> tuple[int, float]:
    """Return how many of 256 byte values drop an element, and by how much the others are scaled.

    A rate is rounded to a 256th (0.1 becomes 26 / 256) and the scale belongs to the rounded rate, so that the
    expectation is kept exactly.

    Args:
        rate: the share of elements to drop, in (0, 1).
    """
    dropped = min(max(round(rate * _LEVELS), 1), _LEVELS - 1)
    return dropped, _LEVELS / (_LEVELS - dropped)


class Noise(NamedTuple):
    """What a dropout mask is made from, a byte an element.

    Attributes:
        bytes: uint8, uniform.
        dropped: elements with a byte below are dropped.
    """

    bytes: Tensor
    dropped: int

    def mask(self, dtype: torch.dtype) -> Tensor:
        """Return ones (kept) and zeros (dropped)."""
        # Comparing into floats at once is several times faster than making booleans and converting them.
        return torch.ge(self.bytes, self.dropped, out=torch.empty(self.bytes.shape, dtype=dtype))


class Draws:
    """The masks of one forward pass: a pure function of key, site, and how often the site was asked before."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self._seed = key.digest()
        self._asked: Counter[int] = Counter()

    def mask(self, site: int, shape: Sequence[int], dropped: int, like: Tensor) -> Tensor:
        """Return a mask of ones (kept) and zeros (dropped).

        Args:
            site: the number of the place in the network.
            shape: the shape of the mask.
            dropped: how many of 256 byte values drop an element.
            like: a tensor that has the mask's dtype and device.
        """
        if like.device.type == "cpu":
            return self.noise(site, shape, dropped).mask(like.dtype)
        state = int(np.random.SeedSequence(self._next(site)).generate_state(1, np.uint64)[0]) >> 1
        generator = torch.Generator(like.device).manual_seed(state)
        kept = (_LEVELS - dropped) / _LEVELS
        return torch.empty(tuple(shape), dtype=like.dtype, device=like.device).bernoulli_(kept, generator=generator)

    def noise(self, site: int, shape: Sequence[int], dropped: int) -> Noise:
        """Return what `mask` would have been made from on a CPU, in its place."""
        count = int(np.prod(shape))
        words = np.random.SFC64(self._next(site)).random_raw(-(-count // 8))
        return Noise(torch.from_numpy(words.view(np.uint8))[:count].view(tuple(shape)), dropped)

    def _next(self, site: int) -> tuple[int, int, int]:
        """Return the seed of a site's next mask."""
        seed = (self._seed, site, self._asked[site])
        self._asked[site] += 1
        return seed


class Randomness:
    """Where a network's dropout gets its masks from; one object, shared by all places that drop."""

    def __init__(self, sites: int = 0) -> None:
        self.draws: Draws | None = None
        self.sites = sites  # how many places of the network have a number

    @contextmanager
    def under(self, key: Key | None) -> Iterator[None]:
        """Draw masks from `key` within this block; with no key nothing is dropped."""
        before, self.draws = self.draws, None if key is None else Draws(key)
        try:
            yield
        finally:
            self.draws = before


class KeyedDropout(nn.Module):
    """Stands in for `torch.nn.Dropout` and drops what the current key says.

    Attributes:
        p: the share of elements to drop; some encoders read it here and drop attention weights themselves.
    """

    def __init__(self, p: float, randomness: Randomness, site: int) -> None:
        super().__init__()
        self.p = p
        self._randomness = randomness
        self._site = site

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `inputs` with some elements zeroed and the others scaled, of the same shape."""
        kept = keep_mask(self._randomness, self._site, self.p, inputs)
        if kept is None:
            return inputs
        mask, scale = kept
        return inputs * mask * scale


def drops(randomness: Randomness, rate: float) -> bool:
    """Return whether anything is dropped at a rate."""
    return randomness.draws is not None and rate > 0


def keep_mask(randomness: Randomness, site: int, rate: float, like: Tensor) -> tuple[Tensor, float] | None:
    """Return the mask for a tensor and the scale of what is kept, or nothing where nothing is dropped."""
    if not drops(randomness, rate):
        return None
    assert randomness.draws is not None
    dropped, scale = quantised(rate)
    return randomness.draws.mask(site, like.shape, dropped, like), scale


def keep_noise(randomness: Randomness, site: int, rate: float, shape: Sequence[int]) -> tuple[Noise, float] | None:
    """Return what `keep_mask` would make the mask of a tensor of this shape from on a CPU, and the same scale."""
    if not drops(randomness, rate):
        return None
    assert randomness.draws is not None
    dropped, scale = quantised(rate)
    return randomness.draws.noise(site, shape, dropped), scale


def install(network: nn.Module) -> Randomness:
    """Replace every `torch.nn.Dropout` of a network by keyed dropout, and number the places that drop.

    Attention functions find the randomness and their number on the module that calls them, as
    `isogloss_randomness` and `isogloss_site`.
    """
    places = list(network.modules())
    randomness = Randomness(len(places))
    for site, module in enumerate(places):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Dropout):
                setattr(module, name, KeyedDropout(child.p, randomness, -1))
        carrier: Any = module
        carrier.isogloss_randomness, carrier.isogloss_site = randomness, site
    for site, module in enumerate(network.modules()):
        if isinstance(module, KeyedDropout):
            module._site = site
    return randomness


def install_beside(parts: Iterable[nn.Module], randomness: Randomness) -> None:
    """Replace every `torch.nn.Dropout` of parts that were added to a network by keyed dropout.

    They are numbered after all places of the network, which keep their numbers, and thereby their masks.
    """
    site = randomness.sites
    for part in parts:
        for module in list(part.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Dropout):
                    setattr(module, name, KeyedDropout(child.p, randomness, site))
                    site += 1
