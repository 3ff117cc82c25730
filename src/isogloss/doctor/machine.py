"""What the machine has: memory and disk, in bytes and in words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def total_memory() -> int | None:
    """Return the memory of this machine, or of its GPU, in bytes; None where nobody tells."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def free_disk(path: Path) -> int:
    """Return the bytes that are free where a folder is, or will be."""
    place = path.resolve()
    there = next(folder for folder in (place, *place.parents) if folder.is_dir())
    return shutil.disk_usage(there).free


def size(count: float) -> str:
    """Return bytes as somebody would say them."""
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= power:
            return f"{count / power:.1f} {unit}"
    return f"{count:.0f} bytes"
