"""What a newcomer waits for: `isogloss quickstart`, at the size that it takes here; a smoke run is no shorter."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Benchmark, Context, Measurement, Promise, seconds

WHOLE = Promise("quickstart.time", "`isogloss quickstart` in an empty folder, its page included", 300.0, "at most", "s")


def measure(context: Context) -> Iterator[Measurement]:
    """Run it once."""
    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    command = [str(Path(sys.executable).with_name("isogloss")), "quickstart", "--no-progress"]
    told: list[str] = []

    def begin() -> None:
        told.append(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stderr)

    time = seconds(begin)
    assert (folder / "isogloss-quickstart" / "report.html").is_file()
    size = "smaller" if "smaller size" in told[0] else "whole"
    yield Measurement(WHOLE, [time], unit="s", details={"size": size, "told": told[0].splitlines()[-1]})


BENCHMARK = Benchmark("quickstart", (WHOLE,), measure, data="embedded MASSIVE sample")
