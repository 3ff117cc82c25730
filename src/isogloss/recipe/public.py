"""A recipe's settings as they may leave this machine: of every path the last part alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from isogloss.learner.encoders import EMBEDDED, on_hub

_PATHS = ("path", "pattern", "index")  # keys whose values are paths
_OF_PATHS = ("data", "files")  # tables whose values are, unless they are tables again
_HUB = "hub"  # its path is a name there


def without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with names in place of paths of folders, files and encoders of this machine.

    Names on the hub stay.
    """
    return {key: _public(value, key.split(".")) for key, value in settings.items()}


def _public(value: Any, keys: list[str]) -> Any:
    """Return a value that stands under some keys; those that a variant sets are written in one, with dots."""
    if isinstance(value, Mapping):
        return {key: item if key == _HUB else _public(item, [*keys, *key.split(".")]) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_public(item, keys) for item in value]
    return PureWindowsPath(value).name if isinstance(value, str) and _is_path(value, keys) else value


def _is_path(text: str, keys: list[str]) -> bool:
    if keys[-1] in _PATHS or any(key in _OF_PATHS for key in keys[-2:-1]):
        return True
    if text.startswith(("~", "./", "../", ".\\", "..\\")) or text.endswith(".toml"):
        return True
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        return True
    return keys[-1] == "encoder" and text != EMBEDDED and not on_hub(text)
