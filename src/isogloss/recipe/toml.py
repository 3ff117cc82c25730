"""TOML in and out: mistakes with their line, dotted paths, `key=value` of a command line, a writer."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeAlias

from isogloss.errors import Mistake, mistake

Path: TypeAlias = tuple[str, ...]
JOINED = ("rates", "set", "groups")  # below these, a key may hold dots itself: layer.1, phases.adapt.epochs
BARE_WORD = re.compile(r"[A-Za-z~./_][^\s\"'\[\]{}=,#]*")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def parse(text: str, file: str) -> dict[str, Any]:
    """Return a TOML text as tables.

    Raises:
        Mistakes: the syntax is wrong; the place is `file:line`.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line = _syntax(str(error), text)
        remedy = "see https://toml.io; texts stand in quotes, lists in [ ], truth values are true and false"
        raise mistake(what, where=f"{file}:{line}", remedy=remedy) from None


def _syntax(message: str, text: str) -> tuple[str, int]:
    """What is wrong, and the line, from tomllib's `… (at line 3, column 5)` or `… (at end of document)`."""
    at_line = re.search(r"\(at line (\d+), column (\d+)\)", message)
    what = message.split(" (at ", maxsplit=1)[0]
    if at_line is None:
        return what, max(1, len(text.splitlines()))
    return f"{what} in column {at_line[2]}", int(at_line[1])


def parse_path(text: str) -> Path | None:
    """Return a dotted path as its parts (a part may stand in quotes), or None if it is none."""
    try:
        tables: Any = tomllib.loads(f"{text}=0") if "\n" not in text and "=" not in text else None
    except tomllib.TOMLDecodeError:
        return None
    parts: list[str] = []
    while isinstance(tables, dict):
        [(part, tables)] = tables.items()
        parts.append(part)
    return join(tuple(parts)) if parts else None


def join(parts: Path) -> Path:
    """Return a path with what stands below a key of `JOINED` as one part."""
    for position, part in enumerate(parts[:-1]):
        if part in JOINED:
            return (*parts[: position + 1], ".".join(parts[position + 1 :]))
    return parts


def parse_assignment(text: str) -> tuple[Path, Any] | Mistake:
    """Return `phases.adapt.epochs=1` as path and value; a single word needs no quotes."""
    key, equals, raw = text.partition("=")
    path = parse_path(key.strip())
    remedy = "write KEY=VALUE with a TOML value, as phases.adapt.epochs=1 or 'languages.auxiliary=[\"el\"]'"
    if not equals or path is None:
        return Mistake(f"{text!r} is no assignment", "--set", remedy)
    try:
        return path, tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        if BARE_WORD.fullmatch(raw.strip()):
            return path, raw.strip()
        return Mistake(f"{raw!r} is no TOML value", f"--set {key.strip()}", remedy)


def dotted(path: Path) -> str:
    """Return a path as it is written in TOML."""
    return ".".join(part if BARE_KEY.fullmatch(part) else f'"{part}"' for part in path)


def dump(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML: plain values first, then `[table]`s, then `[[lists of tables]]`."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, Mapping) and not _is_tables(value)}
    lines = _lines(plain)
    for key, value in tables.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{dotted((key,))}]", *_lines(value)]
        elif _is_tables(value):
            for table in value:
                lines += ["", f"[[{dotted((key,))}]]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{dotted((key,))} = {_inline(value)}" for key, value in table.items()]


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)
