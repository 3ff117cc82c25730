"""Whole or not at all, and what the disk refuses in one line."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.store.files import (
    disk_mistakes,
    read_json,
    sweep,
    whole_file,
    whole_folder,
    write_json,
    write_parquet,
    write_text,
)


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with suppress(RuntimeError), whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_folder_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "f") as temporary:
        (temporary / "x").write_text("old")
    with suppress(RuntimeError), whole_folder(tmp_path / "f") as temporary:
        (temporary / "x").write_text("half")
        raise RuntimeError
    assert (tmp_path / "f" / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_folder_is_replaced_with_all_that_was_in_it(tmp_path: Path) -> None:
    for name in ("x", "y"):
        with whole_folder(tmp_path / "f") as temporary:
            (temporary / name).touch()
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["y"]


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission")]
)
def test_what_the_disk_refuses_is_one_mistake_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    write_text(tmp_path / "a.json", "{}")

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    for write in (
        lambda: write_json(tmp_path / "a.json", {"a": 1}),
        lambda: write_parquet(tmp_path / "a.parquet", pl.DataFrame({"a": [1]})),
    ):
        with pytest.raises(Mistakes, match=says) as caught:
            write()
        assert len(caught.value.mistakes) == 1
        assert str(tmp_path) in str(caught.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": "{}"}


def test_a_full_disk_is_read_from_the_text_of_libraries_that_hide_its_number(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match="full"), disk_mistakes(tmp_path):
        raise ValueError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(ValueError, match="else"), disk_mistakes(tmp_path):
        raise ValueError("something else")


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere: where tests run as root, be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders have no modes here")
def test_a_real_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # relative paths: what lies above is closed to others than its owner
    tmp_path.chmod(0o777)
    with as_an_ordinary_user():
        write_text(Path("a"), "old")
    tmp_path.chmod(0o555)
    try:
        with as_an_ordinary_user(), pytest.raises(Mistakes, match="permission"):
            write_text(Path("a"), "new")
    finally:
        tmp_path.chmod(0o755)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(Mistakes, match="file"):
        write_text(tmp_path / "store" / "a", "")


def test_json_holds_numpy_and_paths_and_never_nan(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json",
        {"n": np.float32(0.5), "i": np.int64(3), "p": Path("x"), "bad": float("nan"), "t": (1,)},
    )
    assert read_json(tmp_path / "a.json") == {"n": 0.5, "i": 3, "p": "x", "bad": None, "t": [1]}


def test_reading_what_is_not_there_or_torn(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"a"')
    for name, says in (("none.json", "no such file"), ("torn.json", "not JSON")):
        with pytest.raises(Mistakes, match=says):
            read_json(tmp_path / name)


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".tmp-a.json-1").touch()
    (tmp_path / ".tmp-f-2").mkdir()
    (tmp_path / "a.json").touch()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
