"""Where a run was carried out: recorded beside it, never part of its key."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("isogloss", "isogloss-mini", "torch", "transformers", "tokenizers", "numpy")


@cache
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


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
