"""Drawing whole groups by a key: the same groups in every language, whatever rows surround them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isogloss.keys import Key

Indices = NDArray[np.int64]


def shuffled_groups(groups: Indices, key: Key) -> list[Indices]:
    """Return the rows of each group, the groups in an order that depends on the key and their numbers only.

    Each group is ranked by a hash of its number, so that two languages with the same groups rank them alike,
    and a language that lacks one keeps the order of the others.

    Args:
        groups: [N] the group of each row.
        key: names the draw.
    """
    codes, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(sizes)[:-1])
    ranks = _mix(codes.astype(np.uint64) ^ np.uint64(key.digest()))
    return [members[number] for number in np.lexsort((codes, ranks))]


def draw_examples(groups: Indices, count: int, key: Key) -> Indices:
    """Return rows of whole groups, as many as fit into `count`; if none fits, those of the smallest group.

    Returns:
        Row numbers in ascending order: never more than `count`, unless every group is bigger.
    """
    members = shuffled_groups(groups, key)
    if not members or count <= 0:
        return np.zeros(0, dtype=np.int64)
    taken = list(_fitting(members, count)) or [min(members, key=len)]
    return np.sort(np.concatenate(taken))


def draw_per_label(groups: Indices, targets: Indices, per_label: int, key: Key) -> Indices:
    """Return rows of whole groups, at most `per_label` of each label and as many as fit; ascending."""
    counts: Counter[int] = Counter()
    taken = [np.zeros(0, dtype=np.int64)]
    for rows in shuffled_groups(groups, key):
        more = Counter(targets[rows].tolist())
        if all(counts[label] + number <= per_label for label, number in more.items()):
            counts += more
            taken.append(rows)
    return np.sort(np.concatenate(taken))


def _fitting(members: Sequence[Indices], count: int) -> Iterator[Indices]:
    for rows in members:
        if len(rows) <= count:
            count -= len(rows)
            yield rows
        if count == 0:
            return


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit numbers one to one (the finalizer of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
