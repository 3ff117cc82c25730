"""Bags: the tokenised examples of one task, language and split, memory-mapped (liu2021's word)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.data.draw import draw_examples, draw_per_label
from isogloss.data.flat import Strings, starts_of, stretches
from isogloss.errors import mistake, nearest
from isogloss.keys import Key


@dataclass(frozen=True, eq=False)
class Columns:
    """What a bag keeps of each example, in the order of the data; the arrays may be memory-mapped.

    Attributes:
        ids: [N] strings.
        groups: [N] int64.
        windows: [N + 1] int64, where each example's windows start among all W windows.
        offsets: [W + 1] int64, where each window's tokens start among all T tokens.
        inputs: name ("input_ids", "token_type_ids") → [T], what an encoder reads.
        targets: name → [W] int64, what a loss compares with: `labels`, or `start` and `end` within the window.
        aside: name → [T], what the kind keeps of each token, to make an answer of scores; in no batch.
        texts: name → N texts, which it keeps for that too.
        content: [N] int32, tokens that are not special ones.
        unknown: [N] int32, unknown tokens.
        words: [N] int32, words of the texts; 0 where the texts were cut, or stand in several windows.
    """

    ids: NDArray[np.str_]
    groups: NDArray[np.int64]
    windows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    inputs: Mapping[str, NDArray[Any]]
    targets: Mapping[str, NDArray[np.int64]]
    aside: Mapping[str, NDArray[Any]]
    texts: Mapping[str, Strings]
    content: NDArray[np.int32]
    unknown: NDArray[np.int32]
    words: NDArray[np.int32]


class Coverage(NamedTuple):
    """What a tokenizer made of some texts, in numbers that add up over bags.

    Attributes:
        unknown: unknown tokens.
        content: tokens that are not special ones.
        whole: those of texts that were not cut.
        words: words of these texts.
    """

    unknown: int
    content: int
    whole: int
    words: int

    @property
    def unknown_share(self) -> float:
        """Unknown tokens among those that are not special, 0 to 1."""
        return self.unknown / max(self.content, 1)

    @property
    def tokens_per_word(self) -> float:
        """Tokens a word, special ones and texts that were cut left out; NaN where no text was whole.

        A word is a stretch between white space that holds a letter or a digit. In scripts that do not put
        spaces between words (Chinese, Japanese, Thai, Khmer, Burmese …) that is a clause: compare such a
        language with itself under another tokenizer, not with other languages.
        """
        return self.whole / self.words if self.words else float("nan")


@dataclass(frozen=True, eq=False)
class Bag:
    """Tokenised examples, in the order of the data. Subsets share the arrays and cost an index only.

    Attributes:
        task: the task's name.
        language: its BCP-47 key.
        split: "train", "validation" or "test".
        labels: label names in the order of their indices.
        pad: input name → what fills it up in a batch.
        columns: the arrays of all examples.
        rows: [N] int64, which of them this bag holds, ascending.
    """

    task: str
    language: str
    split: str
    labels: tuple[str, ...]
    pad: Mapping[str, int]
    columns: Columns
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """[N] strings: the same id names the same example in every language of a parallel task."""
        return self.columns.ids[self.rows]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """[N] int64: examples with the same number stay together when data is split or resampled."""
        return self.columns.groups[self.rows]

    @cached_property
    def window_counts(self) -> NDArray[np.int64]:
        """[N] int64: how many windows each example has."""
        return np.diff(self.columns.windows)[self.rows]

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """[N + 1] int64: where each example's windows start among the W windows of this bag."""
        return starts_of(self.window_counts)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """[W + 1] int64: where each window's tokens start among the T tokens of this bag."""
        return starts_of(np.diff(self.columns.offsets)[self._all_windows])

    @cached_property
    def targets(self) -> Mapping[str, NDArray[np.int64]]:
        """Name → [W] int64: what the loss of each window compares with."""
        return {name: values[self._all_windows] for name, values in self.columns.targets.items()}

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """[N] int32: tokens of each example's longest window, special ones included."""
        lengths = np.diff(self.offsets).astype(np.int32)
        return np.maximum.reduceat(lengths, self.windows[:-1]) if len(self) else lengths

    @property
    def coverage(self) -> Coverage:
        """What the tokenizer made of the texts."""
        columns = (self.columns.unknown, self.columns.content, self.columns.words)
        unknown, content, words = (column[self.rows] for column in columns)
        return Coverage(int(unknown.sum()), int(content.sum()), int(content[words > 0].sum()), int(words.sum()))

    @property
    def unknown_share(self) -> float:
        """Unknown tokens among those that are not special, 0 to 1."""
        return self.coverage.unknown_share

    @property
    def tokens_per_word(self) -> float:
        """Tokens a word (see `Coverage`); NaN where no text was whole."""
        return self.coverage.tokens_per_word

    def windows_of(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which windows of `columns` are those of some examples, example by example."""
        rows = self.rows[index]
        return stretches(self.columns.windows[rows], self.columns.windows[rows + 1])

    def flat(self, tokens: NDArray[Any]) -> NDArray[Any]:
        """Return of an array of `columns`, which has one value a token, those of this bag's T tokens."""
        windows, offsets = self._all_windows, self.columns.offsets
        return tokens[stretches(offsets[windows], offsets[windows + 1])]

    def texts(self, name: str) -> list[str]:
        """Return what the kind keeps of each example as text: N strings."""
        texts = self.columns.texts[name]
        return [texts.at(row) for row in self.rows.tolist()]

    def tokens(self, index: int, window: int = 0) -> dict[str, NDArray[Any]]:
        """Return input name → [tokens] of one window of an example, not padded."""
        number = self.columns.windows[self.rows[index]] + window
        start, stop = self.columns.offsets[number], self.columns.offsets[number + 1]
        return {name: flat[start:stop] for name, flat in self.columns.inputs.items()}

    def subset(
        self,
        *,
        ids: Sequence[str] | None = None,
        share: float | None = None,
        examples: int | None = None,
        per_label: int | None = None,
        key: Key | None = None,
    ) -> Bag:
        """Return fewer examples: those of `ids`, and of these a share, a number, or a number of each label.

        Whole groups are drawn at random, the same ones in every language of a parallel task for the same key,
        so there may be fewer than asked for; never more, unless every group is bigger. A larger draw with the
        same key holds a smaller one where groups are of one size.

        Args:
            ids: keep these only.
            share: of the examples, 0 to 1.
            examples: how many.
            per_label: at most this many of each label.
            key: names the draw; needed for each but `ids`.

        Raises:
            Mistakes: an id is unknown, more is asked for than there is, nothing is left, or a number of each label is
                asked for where examples have none.
            ValueError: two ways at once, or a draw without a key.
        """
        bag = self if ids is None else self._of_ids(ids)
        ways = [way for way in (share, examples, per_label) if way is not None]
        if not ways:
            return bag
        if len(ways) > 1 or key is None:
            raise ValueError("give one of share, examples, per_label, and a key")
        if per_label is not None:
            kept = draw_per_label(bag.groups, bag._labels_drawn_by, per_label, key)
        else:
            kept = draw_examples(bag.groups, bag._count(share, examples), key)
        if not len(kept):
            raise mistake("no examples are left", where=bag._place, remedy="ask for more")
        return bag._at(kept)

    def split_by_group(self, share: float, key: Key) -> tuple[Bag, Bag]:
        """Return a share of the examples, drawn by whole groups, and the others."""
        kept = draw_examples(self.groups, self._count(share, None), key)
        return self._at(kept), self._at(np.setdiff1d(np.arange(len(self)), kept, assume_unique=True))

    def without(self, groups: NDArray[np.int64]) -> Bag:
        """Return the examples whose group is none of `groups`."""
        return self._at(np.flatnonzero(~np.isin(self.groups, groups)))

    @property
    def _place(self) -> str:
        return f"{self.task} {self.language} {self.split}"

    @cached_property
    def _all_windows(self) -> NDArray[np.int64]:
        return self.windows_of(np.arange(len(self)))

    @property
    def _labels_drawn_by(self) -> NDArray[np.int64]:
        if "labels" not in self.targets:
            what = "a number of examples a label, where examples have no label"
            raise mistake(what, where=self._place, remedy="ask for examples = …")
        return self.targets["labels"]

    def _at(self, index: NDArray[np.int64]) -> Bag:
        return replace(self, rows=self.rows[index])

    def _of_ids(self, ids: Sequence[str]) -> Bag:
        unknown = sorted(set(ids) - set(self.ids.tolist()))
        if unknown:
            remedy = nearest(unknown[0], self.ids.tolist(), otherwise="check the ids")
            raise mistake(
                f'no example has the id "{unknown[0]}" ({len(unknown)} such)',
                where=self._place,
                remedy=remedy,
            )
        return self._at(np.flatnonzero(np.isin(self.ids, np.array(ids))))

    def _count(self, share: float | None, examples: int | None) -> int:
        if share is not None:
            if not 0 < share <= 1:
                raise mistake(f"a share of {share}", where=self._place, remedy="give a number above 0, at most 1")
            return max(1, round(share * len(self)))
        assert examples is not None
        if not 0 < examples <= len(self):
            remedy = f"give a number from 1 to {len(self)}"
            raise mistake(f"{examples} examples of {len(self)}", where=self._place, remedy=remedy)
        return examples
