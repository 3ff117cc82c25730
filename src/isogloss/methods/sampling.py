"""Draw the examples that a test loss is taken on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.keys import Key


def query_batches(bags: Sequence[Bag], examples: int, batch_size: int, key: Key) -> tuple[Batch, ...]:
    """Return `examples` examples of the pooled bags, drawn without replacement, in batches of similar length.

    Args:
        bags: what to draw from, by example.
        examples: how many; 0, or more than there are, for all.
        batch_size: examples a batch; the last may be shorter.
        key: names the draw.
    """
    from isogloss.data.batch import collate

    origin = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    index = np.concatenate([np.arange(len(bag)) for bag in bags])
    drawn = np.arange(len(origin))
    if 0 < examples < len(drawn):
        drawn = key.generator().choice(drawn, examples, replace=False)
    lengths = np.array([bags[origin[i]].lengths[index[i]] for i in drawn])
    drawn = drawn[np.argsort(lengths, kind="stable")]
    return tuple(
        collate([(bag, index[part[origin[part] == b]]) for b, bag in enumerate(bags) if (origin[part] == b).any()])
        for part in (drawn[start : start + batch_size] for start in range(0, len(drawn), batch_size))
    )
