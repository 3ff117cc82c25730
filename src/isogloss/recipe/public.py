"""A recipe's settings as they may leave this machine: of a path the file's name, of a folder of data nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from isogloss.learner.encoders import EMBEDDED, on_hub

_FILES = ("pattern", "index")  # keys whose values are paths of files
_FOLDER = "FOLDER"  # in place of one, whose very name may be that of a user
_HUB = "hub"  # its path is a name there


def without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with names in place of paths of files and encoders of this machine, and "FOLDER" for folders.

    Names on the hub stay.
    """
    return {key: _public(value, key.split(".")) for key, value in settings.items()}


def _public(value: Any, keys: list[str]) -> Any:
    """Return a value that stands under some keys; those that a variant sets are written in one, with dots."""
    if isinstance(value, Mapping):
        return {key: item if key == _HUB else _public(item, [*keys, *key.split(".")]) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_public(item, keys) for item in value]
    if not isinstance(value, str):
        return value
    if keys[-1] == "path" or "data" in keys[-2:-1]:
        return _FOLDER
    return PureWindowsPath(value).name if _is_path(value, keys) else value


def _is_path(text: str, keys: list[str]) -> bool:
    if keys[-1] in _FILES or "files" in keys[-2:-1]:
        return True
    if text.startswith(("~", "./", "../", ".\\", "..\\")) or text.endswith(".toml"):
        return True
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        return True
    return keys[-1] == "encoder" and text != EMBEDDED and not on_hub(text)
