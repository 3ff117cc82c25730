"""What the names in a recipe stand for on this machine: rows, bags, tokenizer and fingerprints, each read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isogloss.data.source import Rows, fingerprint, hub_of, languages_at, read_rows, read_unlabelled, with_labels
from isogloss.data.task import Task
from isogloss.errors import mistake
from isogloss.recipe.resolve import evaluation_task, kind_of_task

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.recipe.model import Recipe


class Resources:
    """Reads what a recipe names, and remembers it. Nothing here imports torch before a bag or a precision is asked for.

    Args:
        recipe: whose encoder, lengths and evaluation are meant.
        cache: folder of tokenised bags.
        data: folder of a task's files, by task name; wins over the recipe's own.
        offline: of the hub take only what is in its cache.
    """

    def __init__(self, recipe: Recipe, cache: Path, data: Mapping[str, Path], *, offline: bool) -> None:
        self._recipe, self._cache, self._folders = recipe, cache, data
        self.offline = offline
        self._bags: dict[tuple[str, str, str], Bag] = {}
        self._covered: set[tuple[str, str, str]] = set()
        self._fingerprints: dict[tuple[str, ...], str] = {}
        self._labels: dict[str, tuple[str, ...]] = {}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Label names of the head, in its order: those of the task that is evaluated on."""
        return self._labels_of(evaluation_task(self._recipe))

    def bag(self, task: Task, language: str, split: str) -> Bag:
        """Return all examples of a task, language and split, tokenised for the recipe's encoder.

        Labels are matched by name: whatever order the task's own file has, targets are indices into `labels`.

        Raises:
            Mistakes: rows, files or the hub are not what the task says, its label names are not those of the head, or
                the encoder hardly knows the language.
        """
        from isogloss.data.encode import check_coverage

        bag = self._bag(task, language, split, read_rows)
        if (repr(task), language, split) not in self._covered:
            check_coverage(bag, self._recipe.allow_unknown)
            self._covered.add((repr(task), language, split))
        return bag

    def unlabelled_bag(self, task: Task, language: str, split: str) -> Bag:
        """Return the examples of a language without labels; their targets mean nothing.

        A language that the encoder hardly knows is no reason to refuse it: nothing is trained on it, nor scored.
        """
        return self._bag(task, language, split, read_unlabelled)

    def _bag(self, task: Task, language: str, split: str, read: Callable[..., Rows]) -> Bag:
        from isogloss.data.encode import encode

        name = (repr(task), language, split)
        if name not in self._bags:
            task = self._with_head_labels(task)
            rows = read(task, language, split, offline=self.offline)
            kind = kind_of_task(task)
            kind.check_language(language, f"task {task.name}, language {language}")
            length = self._recipe.max_length
            self._bags[name] = encode(
                rows, task, language, split, self.tokenizer, kind, max_length=length, cache=self._cache
            )
        return self._bags[name]

    def rows(self, task: Task, language: str, split: str) -> Rows:
        """Return the rows that `bag` tokenises. Nothing of them is kept, and nothing imports torch.

        Raises:
            Mistakes: as `bag`, but for what the encoder makes of them.
        """
        return read_rows(self._with_head_labels(task), language, split, offline=self.offline)

    def repository(self, task: Task) -> str | None:
        """Return the data set of the hub that a task's rows come from; None where they are on this machine."""
        return hub_of(self._located(task))

    @cached_property
    def tokenizer(self) -> Any:
        """The encoder's fast tokenizer."""
        from isogloss.learner.loading import load_tokenizer

        return load_tokenizer(self._recipe.encoder, offline=self.offline)

    def data(self, task: Task, language: str, split: str) -> str:
        """Return a hash of the rows of one language and split, for content keys."""
        name = (repr(task), language, split)
        if name not in self._fingerprints:
            self._fingerprints[name] = fingerprint(self._located(task), language, split, offline=self.offline)
        return self._fingerprints[name]

    def encoder(self, name: str) -> str:
        """Return a hash of an encoder's weights, configuration and tokenizer, for content keys."""
        from isogloss.learner.encoders import encoder_fingerprint

        if (name,) not in self._fingerprints:
            self._fingerprints[name,] = encoder_fingerprint(name, offline=self.offline)
        return self._fingerprints[name,]

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        """Return the task's languages that its source has: an embedded sample has fewer than the task names.

        A folder that lacks a language that the task names is not taken for a sample: that is a mistake, found later.
        """
        task = self._located(task)
        return task.languages if task.path is not None else languages_at(task, split)

    def precision(self, asked: str) -> str:
        """Return in which numbers this machine computes; part of content keys, since it changes results."""
        if asked != "auto":
            return asked
        import torch

        from isogloss.learner.precision import resolve

        return resolve(asked, torch.device("cuda" if torch.cuda.is_available() else "cpu")).name

    def _labels_of(self, task: Task) -> tuple[str, ...]:
        if repr(task) not in self._labels:
            self._labels[repr(task)] = with_labels(self._located(task), offline=self.offline).labels
        return self._labels[repr(task)]

    def _with_head_labels(self, task: Task) -> Task:
        """The task where its files are, its labels in the order of the head's."""
        own = self._labels_of(task)
        if set(own) != set(self.labels):
            odd = ", ".join(sorted(set(own) ^ set(self.labels))[:4])
            remedy = "give both the same label names"
            raise mistake(
                f"its labels are not those of the evaluation ({odd})", where=f"task {task.name}", remedy=remedy
            )
        return replace(self._located(task), labels=self.labels)

    def _located(self, task: Task) -> Task:
        return replace(task, path=self._folders[task.name]) if task.name in self._folders else task
