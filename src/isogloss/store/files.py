"""Writing whole or not at all: a file or folder appears under its name once all of it is on the disk.

Everything is first written under a temporary name in the same folder, flushed to the disk, and then renamed,
which the operating system does in one step. A process killed at any moment leaves the old content or the new,
and at worst a leftover that begins with `.tmp-`, which nothing reads and `sweep` removes.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

_TEMPORARY = ".tmp-"
_FREE = "free some space, then give the same command: it goes on where it was"
_PERMIT = "name another folder, or change its permissions"
_REFUSALS = {
    errno.ENOSPC: ("the disk is full", _FREE),
    errno.EDQUOT: ("the disk quota is used up", _FREE),
    errno.EROFS: ("the disk is read-only", "name another folder"),
    errno.EACCES: ("no permission to write here", _PERMIT),
    errno.EPERM: ("no permission to write here", _PERMIT),
    errno.ENOTDIR: ("a part of this path is a file", "name another folder"),
    errno.EEXIST: ("a file has this name", "name another folder"),
}


@contextmanager
def disk_mistakes(path: Path) -> Iterator[None]:
    """Turn what the disk refuses (full, read-only, no permission) into a mistake that names `path`.

    Raises:
        Mistakes: the disk refuses. Any other `OSError` passes through.
    """
    try:
        yield
    except Exception as error:
        code = _errno(error)
        if code not in _REFUSALS:
            raise
        what, remedy = _REFUSALS[code]
        raise mistake(what, where=str(path), remedy=remedy) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; on leaving without an error it becomes `path`, else it is removed.

    Raises:
        Mistakes: the disk is full, read-only, or not ours to write.
    """
    temporary = _temporary(path)
    try:
        with disk_mistakes(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush(temporary)
            os.replace(temporary, path)  # noqa: PTH105 (one name for the call that tests make fail)
            _flush(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; on leaving without an error it becomes `path`, else it is removed.

    A folder already at `path` is replaced: it is moved aside first, so that between the two renames there is
    none. Where a reader must never meet that gap, write under a new name instead.

    Raises:
        Mistakes: the disk is full, read-only, or not ours to write.
    """
    temporary, aside = _temporary(path), _temporary(path)
    try:
        with disk_mistakes(path):
            temporary.mkdir(parents=True)
            yield temporary
            for inner in sorted(temporary.rglob("*"), reverse=True):
                _flush(inner)
            _flush(temporary)
            if path.exists():
                os.replace(path, aside)  # noqa: PTH105
            os.replace(temporary, path)  # noqa: PTH105
            _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all; numbers that are not finite become null."""
    write_text(path, json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Write a polars frame as Parquet, whole or not at all."""
    with whole_file(path) as temporary:
        frame.write_parquet(temporary)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        Mistakes: it is not there, or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise mistake("there is no such file", where=str(path), remedy="check the store's path") from error
    except ValueError as error:
        raise mistake(f"not JSON ({error})", where=str(path), remedy="remove its folder and run again") from error


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: NumPy scalars as numbers, paths as text, NaN as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`. Only for whoever holds the claim on it."""
    for leftover in folder.glob(f"{_TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _errno(error: Exception) -> int | None:
    """Return the system's error number; safetensors and polars (Rust) tell it only in their text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else None


def _temporary(path: Path) -> Path:
    return path.with_name(f"{_TEMPORARY}{path.name}-{uuid.uuid4().hex[:12]}")


def _flush(path: Path) -> None:
    """Ask the disk to keep a file's content, or a folder's names, through a loss of power."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder, and keeps its names by itself.
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
