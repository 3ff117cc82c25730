"""Batches: examples padded to the longest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.data.bag import Bag

Part = tuple[Bag, NDArray[np.int64]]  # examples of one bag, by their position in it


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples, of one language or several.

    Attributes:
        inputs: "input_ids", "attention_mask" and, where the encoder has them, "token_type_ids": [B, S] int64.
        targets: "labels": [B] int64.
        ids: B strings.
        languages: B language keys.
    """

    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]
    ids: tuple[str, ...]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def split(self, parts: int) -> list[Batch]:
        """Return the examples in `parts` batches of like size, none empty, each cut to its own longest."""
        if parts == 1:
            return [self]
        cuts = np.linspace(0, len(self), min(parts, len(self)) + 1).round().astype(int).tolist()
        return [self._between(start, stop) for start, stop in pairwise(cuts)]

    def _between(self, start: int, stop: int) -> Batch:
        longest = int(self.inputs["attention_mask"][start:stop].sum(1).max())
        return Batch(
            inputs={name: tensor[start:stop, :longest] for name, tensor in self.inputs.items()},
            targets={name: tensor[start:stop] for name, tensor in self.targets.items()},
            ids=self.ids[start:stop],
            languages=self.languages[start:stop],
        )


def collate(parts: Sequence[Part], length: int = 0) -> Batch:
    """Return the examples of all parts, in their order, padded on the right to the longest.

    Args:
        parts: the examples.
        length: pad to so many tokens, where the longest has fewer.

    Raises:
        ValueError: there is no example, or the bags were not encoded alike.
    """
    parts = [(bag, index) for bag, index in parts if len(index)]
    if not parts:
        raise ValueError("a batch needs an example")
    pad = parts[0][0].pad
    if any(bag.pad != pad for bag, _ in parts):
        raise ValueError("bags of different tokenizers or kinds do not fit into one batch")
    lengths = np.concatenate([bag.lengths[index] for bag, index in parts])
    there = np.arange(max(length, lengths.max())) < lengths[:, None]  # [B, S]
    inputs = {name: _padded(parts, name, there, fill) for name, fill in pad.items()}
    inputs["attention_mask"] = torch.from_numpy(there.astype(np.int64))
    return Batch(
        inputs=inputs,
        targets={"labels": torch.from_numpy(np.concatenate([bag.targets[index] for bag, index in parts]))},
        ids=tuple(name for bag, index in parts for name in bag.ids[index].tolist()),
        languages=tuple(bag.language for bag, index in parts for _ in index),
    )


def _padded(parts: Sequence[Part], name: str, there: NDArray[np.bool_], fill: int) -> Tensor:
    padded = np.full(there.shape, fill, dtype=np.int64)
    padded[there] = np.concatenate([flat for bag, index in parts for flat in _flats(bag, index, name)])
    return torch.from_numpy(padded)


def _flats(bag: Bag, index: NDArray[np.int64], name: str) -> list[NDArray[np.int64]]:
    flat, rows = bag.columns.inputs[name], bag.rows[index]
    starts, stops = bag.columns.offsets[rows].tolist(), bag.columns.offsets[rows + 1].tolist()
    return [flat[start:stop] for start, stop in zip(starts, stops, strict=True)]
