"""Small files, a small tokenizer and a small kind, all made here."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from data.fake_hub import FakeHub, in_place_of_the_hub
from isogloss.data.bag import Bag
from isogloss.data.rows import Rows
from isogloss.kinds.base import Encoded
from learner.tiny import of_labels

WORDS = ("the", "a", "cat", "dog", "sat", "ran", "home", "very", "big", "red", "paka", "mbwa")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file under tmp_path, gzipped if its name says so."""

    def _write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return _write


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub without repositories."""
    return in_place_of_the_hub(monkeypatch, tmp_path / "fake")


def small_tokenizer(words: Iterable[str] = WORDS) -> PreTrainedTokenizerFast:
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*special, *words])}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = Whitespace()
    backend.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", cls_token="<s>", sep_token="</s>", unk_token="<unk>"
    )


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer()


class SmallKind:
    """Encodes as a kind does, and counts how often it is asked."""

    name = "small"

    def __init__(self, version: int = 1, types: bool = False, settings: dict[str, Any] | None = None) -> None:
        self.version = version
        self.types = types
        self.settings = settings or {}
        self.calls = 0

    def encode(self, rows: Rows, tokenizer: Any, max_length: int) -> Encoded:
        self.calls += 1
        columns = [list(column) for column in zip(*rows.texts, strict=True)]
        found = tokenizer(
            *columns,
            truncation=True,
            max_length=max_length,
            return_attention_mask=False,
            return_token_type_ids=self.types,
        )
        offsets = np.cumsum([0, *map(len, found["input_ids"])])
        inputs = {name: np.array([number for row in values for number in row]) for name, values in found.items()}
        return Encoded(np.arange(len(offsets)), offsets, inputs, {"labels": rows.labels}, {}, {})


def make_bag(
    lengths: Iterable[int],
    *,
    groups: Iterable[int] | None = None,
    language: str = "en",
    first: int = 0,
    pad: int = 0,
) -> Bag:
    """A bag whose example k has the id `first + k` and holds that number, repeated."""
    sizes = np.array(list(lengths))
    count = len(sizes)
    numbers = np.arange(first, first + count)
    columns = of_labels(
        ids=numbers.astype(str),
        groups=np.array(list(groups)) if groups is not None else numbers,
        targets=numbers % 3,
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        inputs={"input_ids": np.repeat(numbers, sizes).astype(np.int32)},
        content=sizes.astype(np.int32),
        unknown=np.zeros(count, dtype=np.int32),
        words=sizes.astype(np.int32),
    )
    return Bag("toy", language, "train", ("a", "b", "c"), {"input_ids": pad}, columns, np.arange(count))
