"""Batches: the windows of some examples, padded to the longest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.data.bag import Bag, Columns

Part = tuple[Bag, NDArray[np.int64]]  # examples of one bag, by their position in it


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples, of one language or several.

    Attributes:
        inputs: "input_ids", "attention_mask" and, where the encoder has them, "token_type_ids": [W, S] int64.
        targets: what a loss compares with, as the kind has it: "labels", say: [W] int64.
        example: which of the B examples each of the W windows is of, ascending, each at least once: [W] int64.
        ids: B strings.
        languages: B language keys.
    """

    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]
    example: Tensor
    ids: tuple[str, ...]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def split(self, parts: int) -> list[Batch]:
        """Return the examples in `parts` batches of like size, none empty, each cut to its own longest.

        Examples of like length are together, shortest first, so that little of a part is padding; within a part they
        keep their order.
        """
        if parts == 1:
            return [self]
        lengths = self.inputs["attention_mask"].sum(1)
        longest = torch.zeros(len(self), dtype=lengths.dtype).scatter_reduce(0, self.example, lengths, "amax")
        sorted_parts = longest.argsort(stable=True).tensor_split(min(parts, len(self)))
        return [self._of(part.sort().values) for part in sorted_parts]

    def _of(self, examples: Tensor) -> Batch:
        """Return some examples, by their positions in ascending order."""
        there = torch.isin(self.example, examples)
        longest = int(self.inputs["attention_mask"][there].sum(1).max())
        return Batch(
            inputs={name: tensor[there, :longest] for name, tensor in self.inputs.items()},
            targets={name: tensor[there] for name, tensor in self.targets.items()},
            example=torch.searchsorted(examples, self.example[there]),
            ids=tuple(self.ids[position] for position in examples.tolist()),
            languages=tuple(self.languages[position] for position in examples.tolist()),
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
    windows = [_Windows(bag.columns, bag.windows_of(index)) for bag, index in parts]
    lengths = np.concatenate([part.stops - part.starts for part in windows])
    there = np.arange(max(length, lengths.max())) < lengths[:, None]  # [W, S]
    inputs = {name: _padded(windows, name, there, fill) for name, fill in pad.items()}
    inputs["attention_mask"] = torch.from_numpy(there.astype(np.int64))
    counts = np.concatenate([bag.window_counts[index] for bag, index in parts])
    return Batch(
        inputs=inputs,
        targets={name: _targets(windows, name) for name in parts[0][0].columns.targets},
        example=torch.from_numpy(np.repeat(np.arange(len(counts)), counts)),
        ids=tuple(name for bag, index in parts for name in bag.ids[index].tolist()),
        languages=tuple(bag.language for bag, index in parts for _ in index),
    )


@dataclass(frozen=True)
class _Windows:
    """Some windows of a bag."""

    columns: Columns
    rows: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        return self.columns.offsets[self.rows]

    @property
    def stops(self) -> NDArray[np.int64]:
        return self.columns.offsets[self.rows + 1]

    def flats(self, name: str) -> list[NDArray[Any]]:
        flat = self.columns.inputs[name]
        return [flat[start:stop] for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True)]


def _padded(windows: Sequence[_Windows], name: str, there: NDArray[np.bool_], fill: int) -> Tensor:
    padded = np.full(there.shape, fill, dtype=np.int64)
    padded[there] = np.concatenate([flat for part in windows for flat in part.flats(name)])
    return torch.from_numpy(padded)


def _targets(windows: Sequence[_Windows], name: str) -> Tensor:
    return torch.from_numpy(np.concatenate([part.columns.targets[name][part.rows] for part in windows]))
