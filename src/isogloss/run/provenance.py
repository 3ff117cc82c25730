"""Where a run was carried out: recorded beside it and beside its phases, never part of a key."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from isogloss.store.phase import PhaseFolder

PACKAGES = ("isogloss", "isogloss-mini", "torch", "transformers", "tokenizers", "numpy")


def provenance() -> dict[str, Any]:
    """Return versions, the processor and the number of threads."""
    import torch

    return {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


@contextmanager
def threads_as_begun(folder: PhaseFolder) -> Iterator[str]:
    """Compute with as many threads as a phase was begun with, where it goes on from a checkpoint.

    Sums are taken in another order by another number of threads, so that the last bits differ.

    Yields:
        What is to be told where this machine has too few cores for that; else "".
    """
    import torch

    now = torch.get_num_threads()
    begun = folder.spec.get("provenance", {}).get("threads", now) if folder.resumable else now
    if begun > cores():
        told = f"begun with {begun} threads, it goes on with {now}, since there are {cores()} cores here"
        yield f"{told}: the last bits of its result may differ"
        return
    torch.set_num_threads(begun)
    try:
        yield ""
    finally:
        torch.set_num_threads(now)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
