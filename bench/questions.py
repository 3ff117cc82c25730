"""Questions that both sides answer: SQuAD's, or made-up ones of the same lengths where no folder is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.harness import Context

if TYPE_CHECKING:
    from isogloss.data.rows import Rows

MAX_LENGTH, STRIDE = 384, 128  # tokens of a window, and those that it shares: the defaults of the peers
_PER_PARAGRAPH = 4
# Words of SQuAD's paragraphs and questions: medians, and the spread of their logarithms.
_PARAGRAPH, _QUESTION = (111, 0.41), (10, 0.32)
_ANSWER = 0.4  # of an answer's words each is the last with this probability


@dataclass(frozen=True)
class Questions:
    """Where questions come from.

    Attributes:
        folder: a folder with SQuAD's files, as the task `squad` has them; none for made-up ones.
    """

    folder: Path | None

    @classmethod
    def of(cls, context: Context) -> Questions:
        """Return the questions of a benchmark."""
        return cls(context.data.get("squad"))

    @property
    def name(self) -> str:
        """What the questions are, for the results."""
        return "SQuAD" if self.folder else "sentences of the embedded MASSIVE sample, strung to SQuAD's lengths"

    def rows(self, number: int) -> Rows:
        """Return questions, each with its paragraph and its answers; fewer where there are no more."""
        if self.folder is None:
            return made_up(number)
        from isogloss.data.source import read_rows
        from isogloss.data.task import load_task

        task = replace(load_task("squad"), path=self.folder)
        return read_rows(task, "en", "train", offline=True).between(0, number)

    def long(self, number: int) -> Rows:
        """Return questions whose contexts have several windows, most of them: their own paragraph among others."""
        return lengthened(self.rows(number), number)


def name_of(context: Context) -> str:
    """Say what the questions of a benchmark are."""
    return Questions.of(context).name


def made_up(number: int) -> Rows:
    """Return questions on paragraphs of sentences that have nothing to do with each other."""
    rng = np.random.default_rng(0)
    words = _words(rng)

    def text(size: tuple[int, float]) -> list[str]:
        return [next(words) for _ in range(max(3, round(size[0] * float(rng.lognormal(0, size[1])))))]

    texts, answers = [], []
    for row in range(number):
        if row % _PER_PARAGRAPH == 0:
            paragraph = text(_PARAGRAPH)
        first = int(rng.integers(len(paragraph)))
        answer = " ".join(paragraph[first : first + int(rng.geometric(_ANSWER))])
        texts.append((" ".join(text(_QUESTION)), " ".join(paragraph)))
        answers.append([(answer, len(" ".join([*paragraph[:first], ""])))])
    return _rows(texts, answers)


def lengthened(rows: Rows, number: int) -> Rows:
    """Return `number` of these questions, from the first again after the last, among paragraphs of others."""
    rng = np.random.default_rng(1)
    assert rows.answers is not None
    texts, answers = [], []
    for row in np.resize(np.arange(len(rows)), number).tolist():
        question, own = rows.texts[row]
        wanted = int(rng.integers(250, 640)) - len(own.split())  # words
        others: list[str] = []
        while (other := rows.texts[int(rng.integers(len(rows)))][1]) and (wanted := wanted - len(other.split())) > 0:
            others.append(other)
        before = others[: int(rng.integers(len(others) + 1))]
        shift = sum(len(other) + 1 for other in before)
        texts.append((question, " ".join([*before, own, *others[len(before) :]])))
        answers.append([(text, start + shift) for text, start in rows.answers[row]])
    return _rows(texts, answers)


def _words(rng: np.random.Generator) -> Iterator[str]:
    """Yield the words of one English sentence after another, for ever."""
    from isogloss.data.source import read_rows
    from isogloss.data.task import load_task

    sentences = [text for text, *_ in read_rows(load_task("massive"), "en", "train", offline=True).texts]
    while True:
        yield from sentences[int(rng.integers(len(sentences)))].split()


def _rows(texts: list[tuple[str, ...]], answers: Sequence[Sequence[tuple[str, int]]]) -> Rows:
    from isogloss.data.rows import Rows

    numbers = np.arange(len(texts))
    golds = [tuple(given) for given in answers]
    return Rows(numbers.astype(str), texts, None, numbers, (), {}, "", golds, "made-up questions")
