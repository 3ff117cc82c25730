"""Run a function in a process of its own, for its memory, its packages or its threads to be nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.machine import ROOT

# glibc's allocator keeps freed blocks of many megabytes for later; with these it gives back every block that a tensor
# of more than 64 kB leaves, so that resident memory is what is held. Slower: not for timings.
_GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def in_child(
    function: str,
    *,
    give_back: bool = False,
    packages: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Call `module:function` with arguments that JSON can hold, and return the dictionary that it returns.

    Args:
        function: what to call.
        give_back: have the allocator give freed memory back at once, for resident memory to be what is held.
        packages: a folder of packages that stand before those of this process.
        environment: variables beside those of this process.
        arguments: of the function.

    Raises:
        RuntimeError: the process failed; the message is the end of what it said.
    """
    variables = {**os.environ, **(_GIVE_BACK if give_back else {}), **(environment or {})}
    if packages is not None:
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(packages), variables.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "bench.child", function, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise RuntimeError(f"{function} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """Call what the command line names, and print what it returns as the last line."""
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(getattr(import_module(module), name)(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
