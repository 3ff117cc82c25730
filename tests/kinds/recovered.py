"""How many gold answers their tokens give back letter for letter, by task, language and tokenizer.

Run as `PYTHONPATH=tests python -m kinds.recovered --data FOLDER`, where FOLDER holds `squad`, `mlqa`, `xquad` and
`tydiqa`, each with gzipped JSON lines of `id, context_lang, question_lang, context, question, answers [{text, start}]`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from transformers import AutoTokenizer

from isogloss.kinds.characters import cut
from isogloss.kinds.windows import windows
from kinds import trained

TASKS = ("squad", "mlqa", "xquad", "tydiqa")
SIZE = 8000  # of the vocabularies that are trained


class Question(NamedTuple):
    """A question with one of its gold answers."""

    task: str
    language: str
    question: str
    context: str
    answer: tuple[str, int]


class Count(NamedTuple):
    """What became of some gold answers."""

    answers: int
    held: int  # by a window
    inside: int  # held, not recovered, and they start or end inside a token
    otherwise: int  # held, not recovered, and they do not

    def __add__(self, other: Any) -> Count:
        return Count(*(mine + its for mine, its in zip(self, other, strict=True)))


def read(folder: Path, task: str, per_file: int, seed: int = 0) -> Iterator[Question]:
    """Yield every distinct gold answer of a sample of the rows of each file; of MLQA, of rows in one language."""
    for path in sorted((folder / task).glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        rows = [row for row in rows if row.get("context_lang", "en") == row.get("question_lang", "en")]
        for row in random.Random(seed).sample(rows, min(per_file, len(rows))):
            for answer in sorted({(gold["text"], gold["start"]) for gold in row["answers"]}):
                yield Question(task, row.get("context_lang", "en"), row["question"], row["context"], answer)


def told(questions: Sequence[Question], tokenizer: Any) -> Iterator[tuple[Question, str, bool]]:
    """Yield each question whose answer a window holds, what its tokens say, and whether it is inside one."""
    made = windows(
        [each.question for each in questions],
        [each.context for each in questions],
        [[each.answer] for each in questions],
        tokenizer,
    )
    assert made.gold is not None
    holding = np.flatnonzero(made.gold.end)
    for window in holding[np.unique(made.example[holding], return_index=True)[1]].tolist():
        number, first = int(made.example[window]), made.offsets[window]
        start = made.char_start[first + made.gold.start[window]]
        end = made.char_end[first + made.gold.end[window]]
        each = questions[number]
        yield each, cut(each.context, start, end), bool(made.gold.inside[number])


def count(questions: Sequence[Question], tokenizer: Any) -> tuple[Mapping[tuple[str, str], Count], list[str]]:
    """Count what becomes of the gold answers, by task and language; and say which are lost otherwise."""
    counts: dict[tuple[str, str], Count] = defaultdict(lambda: Count(0, 0, 0, 0))
    otherwise = []
    for each in questions:
        counts[each.task, each.language] += Count(1, 0, 0, 0)
    for each, said, inside in told(questions, tokenizer):
        wrong = said != each.answer[0].strip()
        counts[each.task, each.language] += Count(0, 1, wrong and inside, wrong and not inside)
        if wrong and not inside:
            otherwise.append(f"{each.task} {each.language}: {each.answer[0]!r} became {said!r}")
    return counts, otherwise


def table(columns: Mapping[str, Mapping[tuple[str, str], Count]]) -> Iterator[str]:
    """Yield the lines of a Markdown table: for each tokenizer the held answers, and those not recovered."""
    yield f"| task | language | answers | {' | '.join(f'{name}: held, inside, otherwise' for name in columns)} |"
    yield f"|{' --- |' * (3 + len(columns))}"
    for key in next(iter(columns.values())):
        cells = [_cell(counts[key]) for counts in columns.values()]
        answers = next(iter(columns.values()))[key].answers
        yield f"| {key[0]} | {key[1]} | {answers:,} | {' | '.join(cells)} |"


def _cell(counted: Count) -> str:
    share = 100 * counted.inside / max(counted.held, 1)
    return f"{counted.held:,}, {share:.2f} %, {counted.otherwise}"


def tokenizers(texts: Sequence[str], encoder: str | None) -> Iterator[tuple[str, Any]]:
    """Yield tokenizers by name: three families trained on the texts, and an encoder's own."""
    yield "WordPiece, cased", trained.wordpiece(texts, SIZE, lowercase=False)
    yield "WordPiece, uncased", trained.wordpiece(texts, SIZE)
    yield "Unigram", trained.unigram(texts, SIZE)
    yield "byte-level BPE", trained.byte_level(texts, SIZE, trim_offsets=False)
    if encoder is not None:
        yield Path(encoder).name, AutoTokenizer.from_pretrained(encoder)


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the table, and each answer that is lost otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the four tasks")
    parser.add_argument("--encoder", help="a folder or hub name whose tokenizer is measured too")
    parser.add_argument("--per-file", type=int, default=10**9, help="rows of each file")
    parser.add_argument("--train-on", type=int, default=3000, help="contexts that the vocabularies are trained on")
    given = parser.parse_args(arguments if arguments is None else list(arguments))
    questions = [each for task in TASKS for each in read(given.data, task, given.per_file)]
    contexts = sorted({each.context for each in questions})
    sample = random.Random(0).sample(contexts, min(given.train_on, len(contexts)))
    columns = {}
    for name, tokenizer in tokenizers(sample, given.encoder):
        columns[name], otherwise = count(questions, tokenizer)
        for line in otherwise:
            print(f"{name}, {line}")  # noqa: T201
    print("\n".join(table(columns)))  # noqa: T201


if __name__ == "__main__":
    main()
