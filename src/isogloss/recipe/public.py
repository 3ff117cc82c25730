"""A recipe's settings as they may leave this machine: of a path the file's name, of folders and of cells nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from isogloss.learner.encoders import EMBEDDED, on_hub

_FILES = ("pattern", "index")  # keys whose values are paths of files
_FOLDER = "FOLDER"  # in place of one, whose very name may be that of a user
_VALUE = "VALUE"  # in place of what rows are chosen by, which is a cell of the data
# A path amid words, and no address. A folder's name may have spaces; a colon or a comma ends the path.
_NAME = r"[^\s/\\\"':,;]+(?: [^\s/\\\"':,;]+){0,3}[/\\]"
_FOLDERS = rf"(?:file://)?(?:~?/(?={_NAME})|~\\|[A-Za-z]:[\\/])(?:{_NAME})*"
_IN_TEXT = re.compile(rf"(?<![\w/\\.~])({_FOLDERS})([^\s/\\\"'():,;\[\]<>]*)")
_FILE = re.compile(r"\w[^.]*(?:\.\w+)+")
_HUB = "hub"  # its path is a name there


def without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with names in place of paths of files, and "FOLDER" for folders of data and of encoders.

    Names on the hub stay. Of the values that a file's rows are chosen by, which are cells of the data, "VALUE" is left.
    """
    return {key: _public(value, key.split(".")) for key, value in settings.items()}


def said_without_paths(text: str) -> str:
    """Return a text with "FOLDER" in place of the folders of each path in it; what is a file by its name keeps that."""
    return _IN_TEXT.sub(lambda path: f"{_FOLDER}/{path[2]}" if _FILE.fullmatch(path[2]) else _FOLDER, text)


def _public(value: Any, keys: list[str]) -> Any:
    """Return a value that stands under some keys; those that a variant sets are written in one, with dots."""
    if isinstance(value, Mapping):
        return {key: item if key == _HUB else _public(item, [*keys, *key.split(".")]) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_public(item, keys) for item in value]
    if keys[-1] == "value" and "files" in keys:
        return _VALUE
    return _public_text(value, keys) if isinstance(value, str) else value


def _public_text(text: str, keys: list[str]) -> str:
    of_data = keys[-1] == "path" or "data" in keys[-2:-1]
    if of_data or (keys[-1] == "encoder" and text != EMBEDDED and (_is_path(text) or not on_hub(text))):
        return _FOLDER
    if keys[-1] in _FILES or "files" in keys[-2:-1] or _is_path(text):
        return PureWindowsPath(text).name
    return said_without_paths(text)


def _is_path(text: str) -> bool:
    if text.startswith(("~", "./", "../", ".\\", "..\\")) or text.endswith(".toml"):
        return True
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
