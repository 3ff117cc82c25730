"""Claims: of several processes on one store, at most one works on a folder.

A claim is a numbered folder, `<folder>/claim/<number>`, that appears under its name in one step (a rename,
which fails where the number is taken) with its owner inside. The highest number is the claim that counts. It
stays when it is given up (a file `released` in it says so) or when its owner dies, and whoever comes next
takes the next number. Since a number is never used again while a higher one exists, and the highest one is
never removed, somebody who acts on an outdated look can only take a number below the highest, sees that, and
steps back.

An owner on this machine is alive as long as its process is (told from a later process with the same number by
its start time); an owner elsewhere, as long as it touches its heartbeat. Time is read from the file system
that holds the claim, not from this machine's clock.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from isogloss.errors import Interrupted
from isogloss.store.files import disk_mistakes


@dataclass(frozen=True)
class Owner:
    """Who holds a claim.

    Attributes:
        host: the machine's name.
        pid: the process.
        started: when the process started, in the kernel's ticks; "" where the system does not tell.
        machine: what tells two machines or containers of the same name apart; "" where the system does not
            tell.
    """

    host: str
    pid: int
    started: str
    machine: str

    @classmethod
    def me(cls) -> Owner:
        """Return this process as an owner."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()) or "", _machine())

    @property
    def here(self) -> bool:
        """Whether the owner's process would be found on this machine."""
        return (self.host, self.machine) == (socket.gethostname(), _machine())

    @property
    def alive(self) -> bool:
        """Whether the owner's process, which must be `here`, still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it runs, as somebody else
        return not self.started or _started(self.pid) == self.started


class Claim:
    """A claim that this process holds, until it leaves the `with` block or calls `release`."""

    def __init__(self, path: Path, *, beat: float) -> None:
        self.path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, args=(beat,), name=f"claim {path}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether somebody took it over: only where this process had been suspended for a long time."""
        numbers = _numbers(self.path.parent)
        return not numbers or numbers[-1] != int(self.path.name)

    def check(self) -> None:
        """Make sure that the claim is still held, before something is written that only its holder may write.

        Raises:
            Interrupted: somebody took it over.
        """
        if self.lost:
            folder = self.path.parent.parent
            raise Interrupted(f"{folder} was taken over by another process; the same command goes on where that one is")

    def release(self) -> None:
        """Give the claim up and end the heartbeat. A second call does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join()
        with suppress(OSError):  # On a full disk the claim ends with this process instead.
            (self.path / "released").touch()

    def _keep(self, beat: float) -> None:
        while not self._over.wait(beat):
            with suppress(OSError):  # A heartbeat that fails is tried again; a claim lost is told by `check`.
                os.utime(self.path / "heartbeat")

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def claim(folder: Path, *, stale_after: float = 120.0, beat: float = 15.0) -> Claim | None:
    """Claim `folder`, or return none where a living process holds it.

    Args:
        folder: what is claimed; made if it is not there.
        stale_after: seconds without a heartbeat after which an owner on another machine counts as dead.
        beat: seconds between heartbeats of the claim that is returned.

    Raises:
        Mistakes: the disk is full, read-only, or not ours to write.
    """
    claims = folder / "claim"
    prepared = claims / f".tmp-{uuid.uuid4().hex}"
    try:
        with disk_mistakes(folder):
            prepared.mkdir(parents=True)
            (prepared / "owner.json").write_text(json.dumps(asdict(Owner.me())), encoding="utf-8")
            (prepared / "heartbeat").touch()
            taken = _take(claims, prepared, stale_after)
    finally:
        shutil.rmtree(prepared, ignore_errors=True)
    return Claim(taken, beat=beat) if taken else None


def _take(claims: Path, prepared: Path, stale_after: float) -> Path | None:
    """Make `prepared` the next claim, unless the highest one is held or somebody else is faster."""
    numbers = _numbers(claims)
    now = (prepared / "heartbeat").stat().st_mtime
    if numbers and _held(_path(claims, numbers[-1]), now, stale_after):
        return None
    mine = (numbers[-1] if numbers else 0) + 1
    try:
        prepared.rename(_path(claims, mine))
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return None  # somebody was faster
        raise
    if _numbers(claims)[-1] != mine:  # my look was outdated: others took and left several numbers since
        shutil.rmtree(_path(claims, mine), ignore_errors=True)
        return None
    for number in numbers:
        shutil.rmtree(_path(claims, number), ignore_errors=True)
    return _path(claims, mine)


def _held(path: Path, now: float, stale_after: float) -> bool:
    holder = _holder(path)
    if holder is None:
        return False
    if holder.here:
        return holder.alive
    with suppress(FileNotFoundError):
        return now - (path / "heartbeat").stat().st_mtime < stale_after
    return False


def _holder(path: Path) -> Owner | None:
    """Return who holds the claim at `path`; none where it is released, or went while we looked."""
    if (path / "released").exists():
        return None
    with suppress(FileNotFoundError):
        return Owner(**json.loads((path / "owner.json").read_text(encoding="utf-8")))
    return None


def _numbers(claims: Path) -> list[int]:
    with suppress(FileNotFoundError):
        return sorted(_iterate(claims))
    return []


def _iterate(claims: Path) -> Iterator[int]:
    yield from (int(path.name) for path in claims.iterdir() if path.name.isdigit())


def _path(claims: Path, number: int) -> Path:
    return claims / f"{number:06d}"


def _started(pid: int) -> str | None:
    """Return when a process started; none where it is gone, a zombie, or the system is not Linux."""
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()  # after the name, which may hold anything
        return None if fields[0] in {"Z", "X"} else fields[19]
    return None


def _machine() -> str:
    """Return what tells this boot of this machine, and this container, from others of the same name."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""
