"""Sub-word overlap: how much of what a tokenizer makes of one language it also makes of another.

o(a, b) = Σ_w min(p_a(w), p_b(w)), where p_a(w) is the share of sub-word w among all sub-words of language a: 1 where
both languages are written with the same sub-words equally often, 0 where they share none. It is measured on the same
number of rows in each language, and on the same rows where a task is parallel. Special tokens do not count; unknown
ones count among all, and overlap with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from isogloss.analysis.statistics.pairs import Floats, Matrix
from isogloss.data.source import languages_at, read_rows, with_labels
from isogloss.errors import mistake
from isogloss.keys import Key
from isogloss.kinds.base import kind_of

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.task import Task

NAME = "sub-word overlap"
_SPLITS = ("validation", "train", "test")  # the rows that results are reported on come last


class Overlap(NamedTuple):
    """Sub-word overlap between languages, and what it was measured on.

    Attributes:
        matrix: symmetric, 0 to 1, the diagonal 1.
        about: the tokenizer and the rows, in words.
    """

    matrix: Matrix
    about: str


def measure(
    task: Task,
    languages: Sequence[str],
    encoder: str,
    *,
    cache: Path,
    max_length: int = 128,
    offline: bool = False,
) -> Overlap:
    """Return the sub-word overlap of languages in the rows of a task.

    Rows are of the first of validation, train and test that has most of the languages.

    Args:
        task: whose rows; only texts are looked at.
        languages: of which; those that the task's source lacks are not in the result.
        encoder: whose tokenizer: "mini", a folder, or a name on the hub.
        cache: the folder of bags.
        max_length: tokens of a row at most, as in a recipe.
        offline: never touch the hub.

    Raises:
        Mistakes: rows or tokenizer cannot be read, or fewer than two of the languages are there.
    """
    split, there = rows_of(task, languages)
    if len(there) < 2:
        what = f"rows of {len(there)} of these languages"
        raise mistake(what, where=f"task {task.name}", remedy="give a folder that has more with --data")
    task = with_labels(task, offline=offline)
    texts = {language: read_rows(task, language, split, offline=offline) for language in there}

    from isogloss.data.encode import encode
    from isogloss.learner.loading import load_tokenizer  # imports torch: not before there is something to read

    tokenizer, kind = load_tokenizer(encoder, offline=offline), kind_of(task.kind, task.settings, f"task {task.name}")
    bags = {
        language: encode(rows, task, language, split, tokenizer, kind, max_length=max_length, cache=cache)
        for language, rows in texts.items()
    }
    bags = alike(bags, parallel=task.parallel)
    rows_each = len(next(iter(bags.values())))
    about = f"tokenizer of {encoder}, {rows_each:,} rows of {task.name} {split} in each language"
    return Overlap(overlap(bags, tokenizer), about)


def rows_of(task: Task, languages: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the split that has most of some languages, the first of validation, train and test, and those languages.

    Raises:
        Mistakes: nothing says where the rows are.
    """
    found = {}
    for split in (name for name in _SPLITS if name in task.splits):
        there = languages_at(task, split)
        found[split] = tuple(code for code in languages if code in there)
    if not found:
        raise mistake("no rows are named", where=f"task {task.name}", remedy="write files = { train = … }")
    split = max(found, key=lambda name: len(found[name]))
    return split, found[split]


def alike(bags: Mapping[str, Bag], *, parallel: bool) -> dict[str, Bag]:
    """Return the same number of rows of each language: those with ids that all have, or as many as the smallest has.

    Raises:
        Mistakes: no row is there in all languages.
    """
    if not parallel:
        fewest = min(map(len, bags.values()))
        return {code: bag.subset(examples=fewest, key=Key(0, purpose=NAME)) for code, bag in bags.items()}
    shared = set.intersection(*(set(bag.ids.tolist()) for bag in bags.values()))
    if not shared:
        raise mistake("no row is there in every language", where=NAME, remedy="leave languages out with --candidate")
    return {code: bag.subset(ids=sorted(shared)) for code, bag in bags.items()}


def overlap(bags: Mapping[str, Bag], tokenizer: Any) -> Matrix:
    """Return the sub-word overlap of each two languages.

    Args:
        bags: language → its rows, see `alike`.
        tokenizer: the one that made them: says which tokens are special, and which is unknown.
    """
    found = {code: shares(bag, tokenizer) for code, bag in bags.items()}
    values = np.eye(len(bags))
    for i, j in combinations(range(len(bags)), 2):
        first, second = (found[code] for code in (tuple(bags)[i], tuple(bags)[j]))
        values[i, j] = values[j, i] = np.minimum(first, second).sum()
    return Matrix(NAME, tuple(bags), values)


def shares(bag: Bag, tokenizer: Any) -> Floats:
    """Return the share of each sub-word among those of a bag, [vocabulary]; they add up to 1 less the unknown share."""
    tokens = bag.flat(bag.columns.inputs["input_ids"])
    counts = np.bincount(tokens, minlength=len(tokenizer)).astype(float)
    unknown = tokenizer.unk_token_id
    counts[[number for number in tokenizer.all_special_ids if number != unknown]] = 0.0
    found: Floats = counts / max(counts.sum(), 1.0)
    if unknown is not None:
        found[unknown] = 0.0
    return found
