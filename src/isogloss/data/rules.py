"""What a task's file says of its rows: what they share, and where those of a split are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class Group:
    """What rows share, so that they stay together when data is split or resampled.

    Attributes:
        consecutive: this many rows in a row belong together.
        column: rows with the same value here belong together. Beside `consecutive` it is only checked: the
            rows of a run must agree in it.
        of: the language whose value of `column` counts: that of the row there with the same id. For columns
            that differ from language to language, as paragraphs do.
        splits: the splits in which this holds (all when empty); elsewhere each row stands by itself.
    """

    consecutive: int | None = None
    column: str | None = None
    splits: tuple[str, ...] = ()
    of: str | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.of is not None and (self.consecutive is not None or self.column is None):
            raise ValueError('"of" says whose value of a column counts: give "column", without "consecutive"')
        return self

    def holds_in(self, split: str) -> bool:
        """Return whether rows of `split` are grouped so."""
        return not self.splits or split in self.splits


def leads_out(pattern: str) -> bool:
    """Return whether a path, which should be inside some folder, leads out of it: absolute, a URL, or with `..`."""
    parts = pattern.replace("\\", "/").split("/")
    return Path(pattern).is_absolute() or pattern.startswith(("/", "~")) or "://" in pattern or ".." in parts


def names_second(pattern: str) -> bool:
    """Return whether a pattern leads to rows of one second language, so that no column need tell them apart."""
    return "{second}" in pattern or "{second_code}" in pattern


def _inside(whole: str, pattern: str | None) -> str | None:
    if pattern is not None and leads_out(pattern):
        raise ValueError(f'"{pattern}" leads out of {whole}')
    return pattern


@dataclass(frozen=True, config=STRICT)
class Part:
    """A share of the rows, by the value of a column: all rows with one value are in it, or none.

    A value is hashed to a number in [0, 1), the same on every machine and in every task; it is in the part that
    reaches from `start` to below `end`. Parts that do not overlap thus share no value.

    Attributes:
        column: whose values are hashed, such as a document's title.
        start: `from` in a task's file.
        end: `to` in a task's file.
        of: the language whose value counts, as in `Group`.
    """

    column: str
    start: float = Field(alias="from", ge=0, le=1)
    end: float = Field(alias="to", ge=0, le=1)
    of: str | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.start < self.end:
            raise ValueError(f"nothing lies from {self.start} to {self.end}")
        return self

    def overlaps(self, other: Part) -> bool:
        """Return whether a value may be in both."""
        alike = (self.column, self.of) == (other.column, other.of)
        return not alike or max(self.start, other.start) < min(self.end, other.end)


@dataclass(frozen=True, config=STRICT)
class FileRule:
    """Where rows of one split are, in a folder.

    Attributes:
        pattern: a path inside the folder; `{language}`, `{code}` and so on are filled in (`Task.fill`).
        index: a table whose row k describes line k of a plain-text file at `pattern`; an empty line there is
            a row that this language does not have.
        column: the column that says which split a row is in, where one file holds several.
        value: what `column` says for this split; compared as Python writes it, so that TOML's false is JSON's.
        language: the column that says which language a row is in (as the task's `codes` write it), where one file
            holds several.
        part: which share of the rows it is, where nothing in the file says so.
    """

    pattern: str
    index: str | None = None
    column: str | None = None
    value: str | None = None
    language: str | None = None
    part: Part | None = None

    @field_validator("pattern", "index")
    @classmethod
    def _inside(cls, pattern: str | None) -> str | None:
        return _inside("the folder", pattern)

    @field_validator("value", mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        return str(value) if isinstance(value, bool | int | float) else value

    def overlaps(self, other: FileRule) -> bool:
        """Return whether both may hold a row, as far as they tell."""
        if self.pattern.removesuffix(".gz") != other.pattern.removesuffix(".gz"):
            return False
        if self.column == other.column and self.value != other.value:
            return False
        return self.part is None or other.part is None or self.part.overlaps(other.part)


@dataclass(frozen=True, config=STRICT)
class Split:
    """How rows that nobody has split are cut into folds: each is tested on by a model that is trained on the others.

    Rows that share a group are in one fold, in every language and, where the task is parallel, with all their
    translations.

    Attributes:
        folds: how many.
        stratify: whether each label of each language is spread over the folds as evenly as whole groups allow; else
            groups alone are.
    """

    folds: int = Field(ge=2, le=100)
    stratify: bool = True


@dataclass(frozen=True, config=STRICT)
class HubRule:
    """Where the rows are on the Hugging Face hub.

    Attributes:
        path: the data set, `owner/name`.
        revision: a commit (pinned), or a branch that is resolved to its commit at first use.
        config: the configuration's name; `{language}`, `{code}` and so on are filled in (`Task.fill`).
        data_files: in place of a configuration, a pattern that also takes `{split}`.
        splits: our name of a split → its name there.
        texts: text columns there, where they differ from the task's.
        label: the label column there, where it differs.
        id: the id column there, where it differs; "" where there is none, and rows are numbered.
        answers: the column of answers there, where it differs.
        prefix: what the ids of a language's rows begin with, where several languages lie in one place; filled
            in as `config` is.
    """

    path: str
    revision: str = "main"
    config: str | None = None
    data_files: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] | None = None
    label: str | None = None
    id: str | None = None
    answers: str | None = None
    prefix: str | None = None

    @field_validator("config", "data_files")
    @classmethod
    def _inside(cls, pattern: str | None) -> str | None:
        return _inside("the data set", pattern)
