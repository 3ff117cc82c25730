"""Building windows with gold positions, against the usual recipe on `datasets.map`.

The recipe is that of the question-answering example of transformers: batches of 1,000 rows through the tokenizer, with
overflowing tokens and offsets, and a loop over the windows that looks for the answer's tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.questions import MAX_LENGTH, STRIDE, Questions, name_of

if TYPE_CHECKING:
    from isogloss.data.rows import Rows
    from isogloss.kinds.base import Encoded

TIME = Promise("features.time", "windows with gold positions of questions, `datasets.map` / ours", 1.5, "at least")
_AT_ONCE = 8192  # rows that `isogloss.data.encode` hands to a kind
_ONE_THREAD = {"TOKENIZERS_PARALLELISM": "false"}


def measure(context: Context) -> Iterator[Measurement]:
    """Time both sides in a process whose tokenizers have one thread."""
    folder = Questions.of(context).folder
    found = in_child(
        "bench.features:measured",
        environment=_ONE_THREAD,
        folder=str(folder) if folder else None,
        encoder=context.encoder,
        number=context.size(20_000, 40),
        pairs=context.size(5, 2),
    )
    ratios = [b / a for a, b in zip(found["ours"], found["theirs"], strict=True)]
    yield Measurement(TIME, ratios, found["ours"], found["theirs"], same=found["same"], details=found["details"])


def measured(folder: str | None, encoder: str, number: int, pairs: int) -> dict[str, Any]:
    """Time both sides on the same rows, each with a tokenizer of its own, and compare what they make."""
    from isogloss.learner.loading import load_tokenizer

    rows = Questions(Path(folder) if folder else None).rows(number)
    tokenizers = [load_tokenizer(encoder, offline=True) for _ in range(2)]
    theirs = mapping(rows, tokenizers[1])
    first = ours(rows, tokenizers[0]), theirs()
    same = agreement(*first)
    del first
    found = alternate(lambda: seconds(lambda: ours(rows, tokenizers[0])), lambda: seconds(theirs), pairs=pairs)
    contexts = len({context for _, context in rows.texts})
    versions = ", ".join(f"{name} {version(name)}" for name in ("datasets", "tokenizers", "numpy"))
    details = {
        "rows": f"{len(rows):,} questions on {contexts:,} paragraphs",
        "windows": f"{MAX_LENGTH} tokens at most, sharing {STRIDE}",
        "ours": "with the place of every token, the paragraphs and all gold answers, which the recipe throws away",
        "recipe": "batched, caching off, not padded, one process",
        "threads of the tokenizers": 1,
        "versions": versions,
    }
    return {"ours": found.ours, "theirs": found.theirs, "same": same, "details": details}


def ours(rows: Rows, tokenizer: Any) -> list[Encoded]:
    """Return the windows of all rows, as `isogloss.data.encode` has them made."""
    from isogloss.kinds.question_answering import QuestionAnswering

    kind = QuestionAnswering(stride=STRIDE)
    parts = (rows.between(first, first + _AT_ONCE) for first in range(0, len(rows), _AT_ONCE))
    return [kind.encode(part, tokenizer, MAX_LENGTH) for part in parts]


def mapping(rows: Rows, tokenizer: Any) -> Callable[[], Any]:
    """Return what runs the recipe over the rows, as a data set of `datasets` in memory."""
    import datasets

    datasets.disable_progress_bars()
    datasets.disable_caching()
    questions, contexts = zip(*rows.texts, strict=True)
    golds = [
        {"text": [text for text, _ in given], "answer_start": [start for _, start in given]}
        for given in rows.answers or ()
    ]
    columns = {"question": list(questions), "context": list(contexts), "answers": golds}
    data = datasets.Dataset.from_dict(columns)

    def prepared(batch: Mapping[str, Any]) -> dict[str, Any]:
        return features(batch, tokenizer)

    return lambda: data.map(prepared, batched=True, remove_columns=list(columns))


def features(batch: Mapping[str, Any], tokenizer: Any) -> dict[str, Any]:
    """Return the windows of a batch with `start_positions` and `end_positions`, 0 where the answer is not whole."""
    encoded = tokenizer(
        [question.lstrip() for question in batch["question"]],
        batch["context"],
        truncation="only_second",
        max_length=MAX_LENGTH,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=False,
    )
    sources, places = encoded.pop("overflow_to_sample_mapping"), encoded.pop("offset_mapping")
    positions = [
        _positions(places[window], encoded.sequence_ids(window), batch["answers"][source])
        for window, source in enumerate(sources)
    ]
    encoded["start_positions"], encoded["end_positions"] = ([pair[side] for pair in positions] for side in (0, 1))
    return dict(encoded)


def _positions(places: list[tuple[int, int]], sides: list[int | None], answers: Mapping[str, Any]) -> tuple[int, int]:
    """Return the tokens of the first answer in a window, going inwards from both ends of its context."""
    if not answers["answer_start"]:
        return 0, 0
    start = answers["answer_start"][0]
    stop = start + len(answers["text"][0])
    first, last = 0, len(sides) - 1
    while sides[first] != 1:
        first += 1
    while sides[last] != 1:
        last -= 1
    if places[first][0] > start or places[last][1] < stop:
        return 0, 0
    while first < len(places) and places[first][0] <= start:
        first += 1
    while places[last][1] >= stop:
        last -= 1
    return first - 1, last + 1


def agreement(mine: list[Encoded], theirs: Any) -> str:
    """Say how the windows and gold positions of both sides compare.

    Where several tokens are of one character, as of a fraction that the tokenizer writes out, an answer that starts or
    ends with it has all of them in ours, and one of them in the recipe. Where an answer starts in the last token of
    its window's context, the recipe starts it at the special token behind. Nothing else may differ.

    Raises:
        RuntimeError: windows are not the same, token for token, or gold positions differ for another reason.
    """
    tokens = [row["input_ids"] for row in theirs]
    lengths = np.concatenate([np.diff(part.offsets) for part in mine])
    flat = np.concatenate([part.inputs["input_ids"] for part in mine])
    if lengths.tolist() != list(map(len, tokens)) or not np.array_equal(flat, np.concatenate(tokens)):
        raise RuntimeError("the windows of both sides differ")
    gold = np.stack([np.concatenate([part.targets[side] for part in mine]) for side in ("start", "end")])
    other = np.stack([np.array(theirs[f"{side}_positions"]) for side in ("start", "end")])
    characters = [np.concatenate([part.aside[name] for part in mine]) for name in ("char_start", "char_end")]
    begins = np.cumsum(lengths) - lengths
    (start, end), (their_start, their_end) = (
        [column[begins + positions] for column, positions in zip(characters, side, strict=True)]
        for side in (gold, other)
    )
    same = (gold == other).all(axis=0)
    alike = ~same & (gold.min(axis=0) > 0) & (start == their_start) & (end == their_end)
    behind = (start >= 0) & (their_start < 0) & (other[0] == lengths - 1) & (end == their_end)
    if not (same | alike | behind).all():
        raise RuntimeError(f"the gold positions of {(~(same | alike | behind)).sum()} windows differ")
    held = int((gold[0] > 0).sum())
    return (
        f"{len(tokens):,} windows with the same {len(flat):,} tokens, {held:,} with their answer; the same gold "
        f"positions in {same.sum():,}, other tokens of the same characters in {alike.sum()}, an answer that the recipe "
        f"starts behind its context in {behind.sum()}"
    )


BENCHMARK = Benchmark("features", (TIME,), measure, data=name_of)
