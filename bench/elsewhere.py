"""Packages of versions that cannot be installed beside ours, in a folder of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path

from bench.harness import LeftOut

_SECONDS = 1200  # an index may be slow; without one pip gives up far earlier


def installed(requirements: Sequence[str]) -> Path:
    """Return a folder with the packages, for a process to have before its other ones; installed once, whole or not.

    What they depend on is taken from here, so that both sides have it in the same version. The folder lies in
    `$ISOGLOSS_CACHE` or else in the user's cache.

    Args:
        requirements: as pip takes them, with all that may not be as it is here.

    Raises:
        LeftOut: pip cannot install them; the message ends with what it says.
    """
    cache = Path(os.environ.get("ISOGLOSS_CACHE") or user_cache_path("isogloss")).absolute()
    key = hashlib.sha256(json.dumps([*requirements, *sys.version_info[:2]]).encode()).hexdigest()
    folder = cache / f"bench-{key[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=cache) as temporary:
        packages = Path(temporary) / "packages"
        _install(requirements, packages)
        if not folder.is_dir():
            packages.rename(folder)
    return folder


def _install(requirements: Sequence[str], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise LeftOut(f"{requirements[0]} is not installed after {_SECONDS} seconds") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [""])[-1]
        raise LeftOut(f"{requirements[0]} cannot be installed: {said}")
