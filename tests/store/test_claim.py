"""At most one process works on a folder: shown with real processes."""

from __future__ import annotations

import errno
import importlib
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from isogloss.errors import Interrupted, Mistakes
from isogloss.store.claim import Owner, claim

_SPAWN = multiprocessing.get_context("spawn")


def _hold(folder: Path, held: Any) -> None:
    """Claim and never let go."""
    assert claim(folder) is not None
    held.set()
    time.sleep(60)


def _work(folder: Path, start: Any, rounds: int) -> None:
    """Take the claim when it is free; while it is held, nobody else may be inside."""
    start.wait()
    done = 0
    while done < rounds:
        mine = claim(folder)
        if mine is None:
            continue
        with mine:
            inside = os.open(folder / "inside", os.O_CREAT | os.O_EXCL)  # fails if another process is inside
            os.close(inside)
            with (folder / "rounds").open("a") as file:
                file.write(f"{os.getpid()}\n")
            (folder / "inside").unlink()
        done += 1


def _race(folder: Path, start: Any, wins: Any) -> None:
    start.wait()
    mine = claim(folder)
    if mine is not None:
        wins.put(os.getpid())
        time.sleep(1)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[BaseProcess]:
    held = _SPAWN.Event()
    process = _SPAWN.Process(target=_hold, args=(tmp_path, held))
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def _as_if_elsewhere(folder: Path, *, quiet_for: float) -> None:
    """Make the claim on `folder` look like one of another machine that was last heard of some seconds ago."""
    path = max((folder / "claim").iterdir())
    elsewhere = replace(Owner(**json.loads((path / "owner.json").read_text())), host="elsewhere")
    (path / "owner.json").write_text(json.dumps(asdict(elsewhere)))
    then = time.time() - quiet_for
    os.utime(path / "heartbeat", (then, then))


def test_a_claim_is_held_by_one_and_free_after_release(tmp_path: Path) -> None:
    mine = claim(tmp_path)
    assert mine is not None
    with mine:
        assert claim(tmp_path) is None
        assert Owner(**json.loads((mine.path / "owner.json").read_text())) == Owner.me()
        assert not mine.lost
        mine.check()
    for _ in range(3):
        again = claim(tmp_path)
        assert again is not None
        again.release()
    assert len(list((tmp_path / "claim").iterdir())) == 1


def test_the_heartbeat_beats_while_held_and_ends_with_the_claim(tmp_path: Path) -> None:
    mine = claim(tmp_path, beat=0.02)
    assert mine is not None
    heartbeat = mine.path / "heartbeat"
    os.utime(heartbeat, (0, 0))
    deadline = time.monotonic() + 10
    while heartbeat.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heartbeat.stat().st_mtime > 0
    mine.release()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("claim ")]


def test_a_living_owner_keeps_it_and_a_killed_one_loses_it_at_once(tmp_path: Path, holder: BaseProcess) -> None:
    assert claim(tmp_path, stale_after=0) is None
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)  # not waited for: a zombie is dead, too
    deadline = time.monotonic() + 10
    while (mine := claim(tmp_path, stale_after=3600)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert mine is not None
    mine.release()


def test_a_later_process_with_the_same_number_is_not_the_owner(tmp_path: Path, holder: BaseProcess) -> None:
    path = max((tmp_path / "claim").iterdir())
    real = Owner(**json.loads((path / "owner.json").read_text()))
    if not real.started:
        pytest.skip("the system does not tell when a process started")
    (path / "owner.json").write_text(json.dumps(asdict(replace(real, started="1"))))
    mine = claim(tmp_path)
    assert mine is not None
    mine.release()


def test_an_owner_elsewhere_is_dead_once_its_heartbeat_is_stale(tmp_path: Path) -> None:
    theirs = claim(tmp_path)
    assert theirs is not None
    _as_if_elsewhere(tmp_path, quiet_for=5)
    assert claim(tmp_path, stale_after=60) is None
    mine = claim(tmp_path, stale_after=1)
    assert mine is not None
    assert theirs.lost
    with pytest.raises(Interrupted, match=f"{tmp_path.name} was taken over by another process"):
        theirs.check()
    theirs.release()  # of what is lost: changes nothing for the new owner
    mine.check()
    assert claim(tmp_path) is None
    mine.release()


def test_an_outdated_look_never_takes_a_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sees number 1 stale; before they act, 2 is taken and left, and 3 is held."""
    module = importlib.import_module("isogloss.store.claim")
    first = claim(tmp_path)
    assert first is not None
    _as_if_elsewhere(tmp_path, quiet_for=500)
    look, held = module._numbers, []

    def outdated(claims: Path) -> list[int]:
        monkeypatch.setattr(module, "_numbers", look)
        numbers = look(claims)
        second = claim(tmp_path)
        assert second is not None
        second.release()
        held.append(claim(tmp_path))
        return numbers

    monkeypatch.setattr(module, "_numbers", outdated)
    assert claim(tmp_path) is None
    assert held[0] is not None
    assert not held[0].lost
    assert [path.name for path in (tmp_path / "claim").iterdir()] == ["000003"]
    held[0].release()
    first.release()


def test_several_processes_never_hold_one_claim_at_once(tmp_path: Path) -> None:
    start = _SPAWN.Event()
    processes = [_SPAWN.Process(target=_work, args=(tmp_path, start, 25)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len((tmp_path / "rounds").read_text().splitlines()) == 75


def test_of_several_that_take_over_exactly_one_wins(tmp_path: Path) -> None:
    dead = claim(tmp_path)
    assert dead is not None
    _as_if_elsewhere(tmp_path, quiet_for=500)
    start, wins = _SPAWN.Event(), _SPAWN.Queue()
    processes = [_SPAWN.Process(target=_race, args=(tmp_path, start, wins)) for _ in range(4)]
    for process in processes:
        process.start()
    time.sleep(1)
    start.set()
    for process in processes:
        process.join(60)
    winner = wins.get(timeout=5)
    assert wins.empty()
    assert winner in {process.pid for process in processes}
    dead.release()


def test_a_read_only_disk_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(Mistakes, match="read-only"):
        claim(tmp_path)
