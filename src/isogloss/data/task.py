"""A task as its TOML file describes it: columns, label names, where its files are, what its rows share."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass

from isogloss.errors import Mistake, Mistakes, mistake, nearest

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Group:
    """What rows share, so that they stay together when data is split or resampled.

    Attributes:
        consecutive: this many rows in a row belong together.
        column: rows with the same value here belong together. Beside `consecutive` it is only checked: the
            rows of a run must agree in it.
        splits: the splits in which this holds (all when empty); elsewhere each row stands by itself.
    """

    consecutive: int | None = None
    column: str | None = None
    splits: tuple[str, ...] = ()

    def holds_in(self, split: str) -> bool:
        """Return whether rows of `split` are grouped so."""
        return not self.splits or split in self.splits


def leads_out(pattern: str) -> bool:
    """Return whether a path, which should be inside some folder, leads out of it: absolute, a URL, or with `..`."""
    parts = pattern.replace("\\", "/").split("/")
    return Path(pattern).is_absolute() or pattern.startswith(("/", "~")) or "://" in pattern or ".." in parts


def _inside(whole: str, pattern: str | None) -> str | None:
    if pattern is not None and leads_out(pattern):
        raise ValueError(f'"{pattern}" leads out of {whole}')
    return pattern


@dataclass(frozen=True, config=_STRICT)
class FileRule:
    """Where the rows of one split are, in a folder.

    Attributes:
        pattern: a path inside the folder; `{language}` and `{code}` are filled in.
        index: a table whose row k describes line k of a plain-text file at `pattern`; an empty line there is
            a row that this language does not have.
        column: the column that says which split a row is in, where one file holds several.
        value: what `column` says for this split.
    """

    pattern: str
    index: str | None = None
    column: str | None = None
    value: str | None = None

    @field_validator("pattern", "index")
    @classmethod
    def _inside(cls, pattern: str | None) -> str | None:
        return _inside("the folder", pattern)


@dataclass(frozen=True, config=_STRICT)
class HubRule:
    """Where the rows are on the Hugging Face hub.

    Attributes:
        path: the data set, `owner/name`.
        revision: a commit (pinned), or a branch that is resolved to its commit at first use.
        config: the configuration's name; `{language}` and `{code}` are filled in.
        data_files: in place of a configuration, a pattern that also takes `{split}`.
        splits: our name of a split → its name there.
        texts: text columns there, where they differ from the task's.
        label: the label column there, where it differs.
        id: the id column there, where it differs; "" where there is none, and rows are numbered.
    """

    path: str
    revision: str = "main"
    config: str | None = None
    data_files: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] | None = None
    label: str | None = None
    id: str | None = None

    @field_validator("config", "data_files")
    @classmethod
    def _inside(cls, pattern: str | None) -> str | None:
        return _inside("the data set", pattern)


@dataclass(frozen=True, config=_STRICT)
class Task:
    """A data set with a kind, label names and languages; it holds no rows (see `isogloss.data.source`).

    Attributes:
        name: what recipes call it.
        kind: what it asks of a model: a name in the registry's group `kinds`.
        languages: BCP-47 keys.
        texts: the one or two text columns.
        label: the label column.
        version: raised when the meaning of its rows changes; part of every content key.
        labels: label names in the order of their indices; empty: found in the data (`source.with_labels`).
        id: the id column; None: rows are numbered.
        group: what rows share.
        parallel: whether row ids mean the same example in every language.
        codes: language key → what the files and the hub call it, where that differs.
        files: split → where its rows are in a folder.
        hub: where its rows are on the hub.
        embedded: a sample, used when nothing else is asked for: the name of an entry point in the group
            `isogloss.samples`, a function of an installed package that returns the sample's folder. A task file
            can thus not have any other code called.
        source: where to read from without a folder: "hub", "embedded", or "auto" (embedded if there is one).
        path: the folder with the task's files.
        licence: of the data.
        homepage: of the data.
        citation: whom to cite.
    """

    name: str
    kind: str
    languages: tuple[str, ...]
    texts: tuple[str, ...]
    label: str
    version: int = 1
    labels: tuple[str, ...] = ()
    id: str | None = None
    group: Group | None = None
    parallel: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileRule] = field(default_factory=dict)
    hub: HubRule | None = None
    embedded: str | None = None
    source: Literal["auto", "hub", "embedded"] = "auto"
    path: Path | None = None
    licence: str = ""
    homepage: str = ""
    citation: str = ""

    @field_validator("files", mode="before")
    @classmethod
    def _short_rules(cls, rules: Any) -> Any:
        """Let `train = "train-{language}.csv"` stand for `train = { pattern = … }`."""
        if not isinstance(rules, Mapping):
            return rules
        return {split: {"pattern": rule} if isinstance(rule, str) else rule for split, rule in rules.items()}

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

    @model_validator(mode="after")
    def _groups_in_every_language(self) -> Self:
        rule = self.group
        if self.parallel and rule and not rule.consecutive and rule.column in self.texts:
            raise ValueError(f'group: the text "{rule.column}" differs from language to language')
        return self

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that its files or the hub may have, in the order of the task's file."""
        names = [*self.files, *(self.hub.splits if self.hub else ())]
        return tuple(dict.fromkeys(names))

    def fill(self, pattern: str, language: str, **more: str) -> str:
        """Return `pattern` with `{language}`, `{code}` and `more` filled in, and other braces as they are."""
        values = {"language": language, "code": self.codes.get(language, language), **more}
        for name, value in values.items():
            pattern = pattern.replace("{" + name + "}", value)
        return pattern

    def check_language(self, language: str) -> None:
        """Raise Mistakes unless the task names `language`."""
        if language not in self.languages:
            raise mistake(
                f'task "{self.name}" has no language "{language}"',
                where="languages",
                remedy=nearest(language, self.languages),
            )


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
    `{ name = "files", path = "data", … }` (one's own files: a task with nothing filled in).

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
        task = TypeAdapter(Task).validate_python(table)
    except ValidationError as fault:
        raise Mistakes(_as_mistake(error, place) for error in fault.errors()) from None
    if task.hub and not _HUB_NAME.fullmatch(task.hub.path):  # `datasets` would take it for a folder of this machine
        raise mistake(f'"{task.hub.path}" is no name on the hub', where=f"{place}: hub.path", remedy="write owner/name")
    if task.path is None:
        return task
    path = task.path.expanduser()
    return replace(task, path=folder / path if folder else path)


_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_KEYS = {owner.__name__: tuple(owner.__dataclass_fields__) for owner in (Group, FileRule, HubRule, Task)}


def _as_mistake(error: Any, place: str) -> Mistake:
    *above, key = [str(part) for part in error["loc"] if part not in _KEYS] or ["the table"]
    where = ".".join([*above, key])
    if error["type"] in ("missing", "missing_argument"):
        return Mistake("missing", f"{place}: {where}", "write it")
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        owner = {"group": "Group", "hub": "HubRule", "files": "FileRule"}.get(above[0] if above else "", "Task")
        return Mistake(f'unknown key "{key}"', f"{place}: {where}", nearest(key, _KEYS[owner]))
    message = error["msg"].removeprefix("Value error, ")
    return Mistake(f"{message} (found {error['input']!r})", f"{place}: {where}", "mend the value")
