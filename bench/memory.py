"""The most memory that some work holds, beyond what was held when it began."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MB = 1e6
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """Bytes held when the work began, and the most held while it ran: of the GPU where there is one, else resident."""

    def __init__(self) -> None:
        self.before = 0
        self.highest = 0

    @property
    def beyond(self) -> int:
        """The most bytes beyond those held when the work began."""
        return self.highest - self.before


@contextmanager
def peak() -> Iterator[Peak]:
    """Measure the most memory held within this block.

    On Linux the kernel keeps the mark itself, so that nothing is missed between two samples; elsewhere a thread
    samples every 5 ms.
    """
    import torch

    gc.collect()
    measured = Peak()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        measured.before = torch.cuda.memory_allocated()
        yield measured
        measured.highest = torch.cuda.max_memory_allocated()
        return
    _trim()
    with _kernel_mark(measured) if _CLEAR.exists() else _samples(measured):
        yield measured


@contextmanager
def tensor_peak() -> Iterator[Peak]:
    """Measure the most bytes held by tensors that are made within this block, whatever the allocator keeps besides.

    What `torch.cuda.max_memory_allocated` says of a GPU, for a CPU. Slows the work down.
    """
    from torch.profiler import ProfilerActivity, profile

    measured = Peak()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        yield measured
    events = profiled.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    measured.highest = max(accumulate((change for _, change in changes), initial=0))


def touch(tensors: Iterable[Tensor]) -> int:
    """Read tensors once, so that pages that are mapped from a file are resident, and return their bytes.

    Else a model's own weights would count as beyond it when they are first used.
    """
    held = list(tensors)
    for tensor in held:
        tensor.detach().sum().item()
    return sum(tensor.nbytes for tensor in held)


@contextmanager
def _kernel_mark(measured: Peak) -> Iterator[None]:
    _CLEAR.write_text("5", encoding="ascii")  # sets the high-water mark to what is resident now
    measured.before = _status("VmHWM")
    yield
    measured.highest = _status("VmHWM")


@contextmanager
def _samples(measured: Peak) -> Iterator[None]:
    import psutil

    process, done = psutil.Process(), threading.Event()
    measured.before = measured.highest = process.memory_info().rss

    def watch() -> None:
        while not done.is_set():
            measured.highest = max(measured.highest, process.memory_info().rss)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _status(field: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _trim() -> None:
    """Give freed memory back, so that what loading left behind does not count as held."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
