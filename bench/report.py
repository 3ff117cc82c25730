"""What the page of a large comparison takes to write, to send, and to open."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Benchmark, Context, Measurement, Promise, seconds

WRITE = Promise(
    "report.write", "`isogloss report` of 22 languages × 5 variants × 3 seeds, the process whole", 5.0, "at most", "s"
)
SIZE = Promise("report.size", "the same page, figures and what draws them inside", 4.0, "at most", "MB")
OPEN = Promise(
    "report.open", "the same page in Chromium, from the address to the end of loading", 1000, "at most", "ms"
)

VARIANTS = {"pooled": 0.5, "source_only": 0.45, "meta_optimizer": 0.6, "xla_maml": 0.55, "probe": 0.4}


def measure(context: Context) -> Iterator[Measurement]:
    """Write the page of made-up runs, after once that warms the disk's cache; open it where there is a browser."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # where stores are made up, and a browser is started
    from report.make import MANY, NAME, made_up_store

    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    made_up_store(
        folder / "store",
        languages=MANY,
        variants=VARIANTS,
        seeds=range(context.size(3, 1)),
        labels=[f"label_{number}" for number in range(60)],
        examples=context.size(600, 60),
        steps=context.size(200, 5),
        rates=("meta_optimizer",),
        impacts=True,
    )
    file = folder / "report.html"
    command = [str(Path(sys.executable).with_name("isogloss")), "report", NAME, "--store", str(folder / "store")]

    def write() -> None:
        subprocess.run([*command, "-o", str(file)], check=True, capture_output=True)

    write()
    times = [seconds(write) for _ in range(context.size(5, 1))]
    details = {"examples a language": context.size(600, 60), "labels": 60, "steps logged a phase": context.size(200, 5)}
    yield Measurement(WRITE, times, unit="s", details=details)
    yield Measurement(SIZE, [file.stat().st_size / 1e6], unit="MB")
    yield from _opened(file, context)


def _opened(file: Path, context: Context) -> Iterator[Measurement]:
    """Open the page anew a few times; nothing where there is no browser."""
    from browser.chromium import started

    loaded = "const one = performance.getEntriesByType('navigation')[0]; return one.loadEventEnd - one.startTime"
    try:
        with started() as browser:
            browser.open(file)
            times = []
            for _ in range(context.size(5, 1)):
                browser.open(file)
                times.append(float(browser.ask(loaded)))
    except LookupError:
        return
    yield Measurement(OPEN, times, unit="ms", details={"browser": "headless, 1280 × 900, the file on the disk"})


BENCHMARK = Benchmark("report", (WRITE, SIZE, OPEN), measure, data="made-up runs")
