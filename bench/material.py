"""What both sides work on: tokenised rows of XNLI, or of the embedded sample where no folder is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import Context

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.learner.learner import Learner

MAX_LENGTH = 128
FIFTEEN = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
# The embedded sample lacks Bulgarian.
FIFTEEN_EMBEDDED = tuple("fi" if language == "bg" else language for language in FIFTEEN)


@dataclass(frozen=True)
class Material:
    """Where rows come from.

    Attributes:
        folder: a folder with the files of XNLI and of MultiNLI; none for the embedded sample of MASSIVE.
        encoder: whose tokenizer reads them.
        cache: where tokenised rows are kept.
    """

    folder: Path | None
    encoder: str
    cache: Path

    @classmethod
    def of(cls, context: Context) -> Material:
        """Return the material of a benchmark."""
        return cls(context.data.get("xnli"), context.encoder, context.scratch / "bags")

    @classmethod
    def read(cls, folder: str | None, encoder: str, cache: str) -> Material:
        """Return the material that `arguments` described, in another process."""
        return cls(Path(folder) if folder else None, encoder, Path(cache))

    def arguments(self) -> dict[str, str | None]:
        """Return what `read` needs."""
        return {
            "folder": str(self.folder) if self.folder else None,
            "encoder": self.encoder,
            "cache": str(self.cache),
        }

    @property
    def name(self) -> str:
        """What the rows are, for the results."""
        return "XNLI pairs" if self.folder else "embedded MASSIVE sample (short single sentences, not XNLI pairs)"

    @property
    def fifteen(self) -> tuple[str, ...]:
        """Fifteen languages."""
        return FIFTEEN if self.folder else FIFTEEN_EMBEDDED

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names."""
        from isogloss.data.source import with_labels
        from isogloss.data.task import load_task

        if self.folder:
            return load_task("xnli").labels
        return with_labels(load_task("massive"), offline=True).labels

    def bag(self, language: str, split: str) -> Bag:
        """Return tokenised rows; `train` is English alone, MultiNLI's for XNLI."""
        from isogloss.data.encode import encode
        from isogloss.data.source import read_rows
        from isogloss.data.task import load_task
        from isogloss.kinds.text_classification import TextClassification
        from isogloss.learner.loading import load_tokenizer

        name = ("mnli" if split == "train" else "xnli") if self.folder else "massive"
        task = replace(load_task(name), path=self.folder, labels=self.labels)
        rows = read_rows(task, language, split, offline=True)
        tokenizer = load_tokenizer(self.encoder, offline=True)
        kind = TextClassification()
        return encode(rows, task, language, split, tokenizer, kind, max_length=MAX_LENGTH, cache=self.cache)

    def training(self, examples: int) -> Bag:
        """Return English training rows, the same ones for the same number."""
        return subset(self.bag("en", "train"), examples)

    def adaptation(self, examples: int) -> Mapping[str, Bag]:
        """Return validation rows of source and auxiliary languages, what the meta-optimizer searches on."""
        return {language: subset(self.bag(language, "validation"), examples) for language in ("en", "el", "ur")}

    def learner(self, *, seed: int = 0, encoder: str | None = None, precision: str = "auto") -> Learner:
        """Return a learner for these rows, as a user would load it."""
        from isogloss.keys import Key
        from isogloss.kinds.text_classification import TextClassification
        from isogloss.learner.learner import Learner

        return Learner.load(
            encoder or self.encoder,
            labels=self.labels,
            kind=TextClassification(),
            head_key=Key(seed, "bench", purpose="head"),
            max_length=MAX_LENGTH,
            precision=precision,
            offline=True,
        )


def subset(bag: Bag, examples: int) -> Bag:
    """Return some rows, or all where there are fewer."""
    from isogloss.keys import Key

    return bag.subset(examples=min(examples, len(bag)), key=Key(0, "bench", purpose="subset"))


def describe(bag: Bag) -> str:
    """Return how many rows there are and how long."""
    return f"{len(bag)} rows of {bag.task} ({bag.language} {bag.split}), {bag.lengths.mean():.0f} tokens on average"


def as_rows(bag: Bag, *, pad_to: int | None = None) -> list[dict[str, Any]]:
    """Return a bag as a data set of transformers: one dictionary of lists an example, tokenised beforehand.

    Args:
        bag: the rows.
        pad_to: pad every example to this length; not at all if not given.
    """
    rows = []
    for index, label in enumerate(bag.targets["labels"].tolist()):
        row = {name: tokens.tolist() for name, tokens in bag.tokens(index).items()}
        row["attention_mask"] = [1] * len(row["input_ids"])
        if pad_to is not None:
            fill = {**bag.pad, "attention_mask": 0}
            row = {name: tokens + [fill[name]] * (pad_to - len(tokens)) for name, tokens in row.items()}
        rows.append({**row, "labels": label})
    return rows
