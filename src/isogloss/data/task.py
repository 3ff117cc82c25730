"""A task as its TOML file describes it: columns, label names or answers, where its files are, what its rows share."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass

from isogloss.data.rules import STRICT, FileRule, Group, HubRule, Split
from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.languages import cell

FOLDED = ("train", "test")
"""The splits of a task that is cut into folds."""


@dataclass(frozen=True, config=STRICT)
class Task:
    """A data set with a kind, label names and languages; it holds no rows (see `isogloss.data.source`).

    Its rows have labels or answers, never both.

    Attributes:
        name: what recipes call it.
        kind: what it asks of a model: a name in the registry's group `kinds`.
        languages: BCP-47 keys. With `second`, two of them joined by "/" are a language of the task too
            (`languages.cell`).
        texts: the one or two text columns; of rows with answers the question and its context.
        label: the label column.
        version: raised when the meaning of its rows changes; part of every content key.
        labels: label names in the order of their indices; empty: found in the data (`source.with_labels`).
        id: the id column; None: rows are numbered.
        group: what rows share.
        parallel: whether row ids mean the same example in every language.
        codes: language key → what the files and the hub call it, where that differs.
        files: split → where its rows are in a folder: by one rule, or by several, whose rows follow each other.
        hub: where its rows are on the hub.
        embedded: a sample, used when nothing else is asked for: the name of an entry point in the group
            `isogloss.samples`, a function of an installed package that returns the sample's folder. A task file
            can thus not have any other code called.
        source: where to read from without a folder: "hub", "embedded", or "auto" (embedded if there is one).
        path: the folder with the task's files.
        licence: of the data.
        homepage: of the data.
        citation: whom to cite, in a line.
        cite: the same for `isogloss cite`: keys of works that it knows, or BibTeX.
        answers: the column of gold answers, cut from the last text.
        second: the column that says a row's second language, that of the question; a plain language means rows
            in which both are the same.
        split: how the rows of its one split are cut into folds; it then has "train" and "test", too.
        fold: which fold is "test"; the others are "train". With none, "train" is all rows, and there is no "test".
        settings: of the kind; a task's file writes them beside its name: `kind = { name = "…", rule = "…" }`.
    """

    name: str
    kind: str
    languages: tuple[str, ...]
    texts: tuple[str, ...]
    label: str | None = None
    version: int = 1
    labels: tuple[str, ...] = ()
    id: str | None = None
    group: Group | None = None
    parallel: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[FileRule, ...]] = field(default_factory=dict)
    hub: HubRule | None = None
    embedded: str | None = None
    source: Literal["auto", "hub", "embedded"] = "auto"
    path: Path | None = None
    licence: str = ""
    homepage: str = ""
    citation: str = ""
    cite: tuple[str, ...] = ()
    answers: str | None = None
    second: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    split: Split | None = None
    fold: int | None = None

    @field_validator("files", mode="before")
    @classmethod
    def _short_rules(cls, rules: Any) -> Any:
        """Let `train = "train-{language}.csv"` stand for `train = [{ pattern = … }]`."""
        if not isinstance(rules, Mapping):
            return rules
        several = {split: rule if isinstance(rule, list | tuple) else [rule] for split, rule in rules.items()}
        return {
            split: [{"pattern": rule} if isinstance(rule, str) else rule for rule in rules]
            for split, rules in several.items()
        }

    @field_validator("files")
    @classmethod
    def _some_rule(cls, files: Mapping[str, tuple[FileRule, ...]]) -> Mapping[str, tuple[FileRule, ...]]:
        without = [split for split, rules in files.items() if not rules]
        if without:
            raise ValueError(f'nothing says where the rows of split "{without[0]}" are')
        return files

    @field_validator("texts")
    @classmethod
    def _one_or_two(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if len(texts) not in (1, 2):
            raise ValueError(f"a row has one or two texts, not {len(texts)}")
        return texts

    @field_validator("labels", "languages")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return names

    @field_validator("languages")
    @classmethod
    def _plain(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        joined = [language for language in languages if "/" in language]
        if joined:
            raise ValueError(f'"{joined[0]}": a "/" joins two languages; name each, and give "second"')
        return languages

    @model_validator(mode="after")
    def _labels_or_answers(self) -> Self:
        if (self.label is None) == (self.answers is None):
            raise ValueError(f'rows have "label" or "answers": give {"one" if self.label is None else "only one"}')
        if self.answers is not None and self.labels:
            raise ValueError('"labels" are of a task with "label"; rows with answers have none')
        if self.parallel and self.id is None and (self.second or any(len(rules) > 1 for rules in self.files.values())):
            raise ValueError(
                'rows of several files or second languages are not numbered alike in every language: give "id"'
            )
        if self.answers is not None and len(self.texts) != 2:
            raise ValueError("answers need two texts, the question and the context that they are cut from")
        return self

    @model_validator(mode="after")
    def _groups_in_every_language(self) -> Self:
        group = self.group if self.group and not self.group.consecutive else None
        parts = [rule.part for rules in self.files.values() for rule in rules]
        for name, rule in (("group", group), *(("part", part) for part in parts)):
            if rule is not None and rule.of is not None:
                self._linked(name, rule.of)
            elif rule is not None and self.parallel and rule.column in self.texts:
                remedy = 'say whose counts: of = "LANGUAGE"'
                raise ValueError(f'{name}: the text "{rule.column}" differs from language to language; {remedy}')
        return self

    def _linked(self, name: str, of: str) -> None:
        if of not in self.languages:
            raise ValueError(f'{name}: the task has no language "{of}"')
        if self.id is None or not self.parallel:
            raise ValueError(f'{name}: rows are found in "{of}" by their ids: give "id", and parallel = true')

    @model_validator(mode="after")
    def _folds(self) -> Self:
        if self.split is None:
            if self.fold is not None:
                raise ValueError("a fold is of a task with split = { folds = … }")
            return self
        if len(self.files) != 1 or set(self.files) & set(FOLDED):
            raise ValueError(
                f'folds are cut out of one split, called neither {" nor ".join(FOLDED)}: files = {{ all = "…" }}'
            )
        if self.fold is not None and not 0 <= self.fold < self.split.folds:
            raise ValueError(f"there is no fold {self.fold}; they are 0 to {self.split.folds - 1}")
        if self.answers is not None or self.second is not None:
            raise ValueError("folds are of rows with labels in one language")
        return self

    @property
    def pool(self) -> str | None:
        """The split that folds are cut out of; None where there are none."""
        return next(iter(self.files)) if self.split is not None else None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that its files or the hub may have, in the order of the task's file; those of folds last."""
        names = [*self.files, *(self.hub.splits if self.hub else ()), *(FOLDED if self.split is not None else ())]
        return tuple(dict.fromkeys(names))

    def shares_rows(self, one: str, other: str) -> bool:
        """Return whether two splits may have a row in common, as far as the rules of its files tell."""
        if self.split is not None:
            return one == other or self.fold is None or self.pool in (one, other)
        every = product(self.files.get(one, ()), self.files.get(other, ()))
        return one == other or any(rule.overlaps(twin) for rule, twin in every)

    def pair(self, language: str) -> tuple[str, str]:
        """Return the first and the second language of rows in `language`; of a plain one they are the same."""
        first, second = cell(language)
        return first, first if second is None else second

    def code(self, language: str) -> str:
        """Return what the files and the hub call a plain language."""
        return self.codes.get(language, language)

    def links(self, rule: FileRule | None, split: str) -> tuple[tuple[str, str], ...]:
        """Return which columns rows take from which other languages: for their groups, and for a rule's part."""
        group = self.group if self.group and self.group.holds_in(split) else None
        wanted = ((one.column, one.of) for one in (group, rule and rule.part) if one)
        return tuple(dict.fromkeys((column, of) for column, of in wanted if column is not None and of is not None))

    def fill(self, pattern: str, language: str, **more: str) -> str:
        """Return `pattern` with what its braces stand for in a language; other braces stay as they are.

        `{language}` and `{code}` are the (first) language's key and code, `{second}` and `{second_code}` those of
        the second language; `more` adds others.
        """
        first, second = self.pair(language)
        names = {"language": first, "code": self.code(first), "second": second, "second_code": self.code(second)}
        for name, value in {**names, **more}.items():
            pattern = pattern.replace("{" + name + "}", value)
        return pattern

    def check_language(self, language: str) -> None:
        """Raise Mistakes unless the task names `language`: one of its own, or with `second` two of them."""
        first, second = cell(language)
        if second is not None and (self.second is None or first == second):
            why = "has rows in one language only" if self.second is None else "calls both in one language by its key"
            raise mistake(f'task "{self.name}" {why}: "{language}"', where="languages", remedy=f'write "{first}"')
        for name in self.pair(language):
            if name not in self.languages:
                what = f'task "{self.name}" has no language "{name}"'
                raise mistake(what, where="languages", remedy=nearest(name, self.languages))


@cache
def shipped_tasks() -> tuple[str, ...]:
    """Return the names of the tasks that come with the library, sorted (without those left to fill in)."""
    return tuple(sorted(name for name in _shipped_files() if "languages" in _read(name)[0]))


@cache
def _shipped_files() -> tuple[str, ...]:
    items = (files("isogloss.data") / "tasks").iterdir()
    return tuple(item.name.removesuffix(".toml") for item in items if item.name.endswith(".toml"))


def load_task(task: str | Path | Mapping[str, Any]) -> Task:
    """Return a task from a shipped name, the path of a TOML file, or a table with such a `name` and changes.

    A table's other keys replace those of the task that it names: `{ name = "NAME", source = "hub" }`,
    `{ name = "files", path = "data", … }` (one's own files: a task with nothing filled in). Its `answers` take the
    place of a `label` there, and the other way round.

    Raises:
        Mistakes: no such task, or what describes it is wrong; all mistakes at once.
    """
    if not isinstance(task, Mapping):
        return _named(str(task))
    changes = dict(task)
    name = changes.pop("name", None)
    if not isinstance(name, str):
        raise mistake("the table names no task", where="task.name", remedy=f"known: {', '.join(_shipped_files())}")
    table, place, folder = _read(name)
    for given, other in (("answers", "label"), ("label", "answers")):
        if changes.get(given) is not None and other not in changes:
            table.pop(other, None)
    return _checked({**table, **changes}, f"task {place}", folder)


@cache
def _named(name: str) -> Task:
    return _checked(*_read(name))


def _read(name: str) -> tuple[dict[str, Any], str, Path | None]:
    """Return a task file's table, what to call it in messages, and the folder that its `path` starts from."""
    if name.endswith(".toml"):
        path = Path(name).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise mistake(f"cannot be read: {fault}", where=name, remedy="give the path of a task file") from None
        return _parsed(text, name), name, path.parent
    if name not in _shipped_files():
        remedy = nearest(name, _shipped_files()) + ' (for your own: { name = "files", … } or a path.toml)'
        raise mistake(f'no task is called "{name}"', where="task", remedy=remedy)
    text = (files("isogloss.data") / "tasks" / f"{name}.toml").read_text(encoding="utf-8")
    return _parsed(text, name), name, None


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise mistake(f"not TOML: {fault}", where=place, remedy="mend the syntax") from None


def _checked(table: dict[str, Any], place: str, folder: Path | None) -> Task:
    try:
        task = TypeAdapter(Task).validate_python(_with_settings(table))
    except ValidationError as fault:
        raise Mistakes(_as_mistake(error, place) for error in fault.errors()) from None
    if task.hub and not _HUB_NAME.fullmatch(task.hub.path):  # `datasets` would take it for a folder of this machine
        raise mistake(f'"{task.hub.path}" is no name on the hub', where=f"{place}: hub.path", remedy="write owner/name")
    if task.path is None:
        return task
    path = task.path.expanduser()
    return replace(task, path=folder / path if folder else path)


def _with_settings(table: dict[str, Any]) -> dict[str, Any]:
    """Take the kind's settings out of `kind = { name = …, … }`."""
    kind = table.get("kind")
    if not isinstance(kind, Mapping):
        return table
    settings = dict(kind)
    table = {name: value for name, value in table.items() if name != "kind"}
    if "name" in settings:
        table["kind"] = settings.pop("name")
    own = table.get("settings", {})
    return {**table, "settings": {**settings, **own} if isinstance(own, Mapping) else own}


_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_KEYS = {owner.__name__: tuple(owner.__dataclass_fields__) for owner in (Group, FileRule, HubRule, Split, Task)}
_KEYS["Part"] = ("column", "from", "to", "of")


def _as_mistake(error: Any, place: str) -> Mistake:
    *above, key = [part for part in error["loc"] if part not in _KEYS] or ["the table"]
    # A split has one rule more often than several: its number would be no help.
    where = ".".join(str(part) for part in [*above, key] if not (above[:1] == ["files"] and isinstance(part, int)))
    if error["type"] in ("missing", "missing_argument"):
        return Mistake("missing", f"{place}: {where}", "write it")
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        owner = {"group": "Group", "hub": "HubRule", "files": "FileRule", "split": "Split"}.get(
            above[0] if above else "", "Task"
        )
        keys = _KEYS["Part" if "part" in above else owner]
        return Mistake(f'unknown key "{key}"', f"{place}: {where}", nearest(key, keys))
    message = error["msg"].removeprefix("Value error, ")
    found = f" (found {error['input']!r})" if isinstance(error["input"], str | int | float | list) else ""
    return Mistake(f"{message}{found}", f"{place}: {where}", "mend the value")
