"""How long the command line takes where there is nothing to compute."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Benchmark, Context, Measurement, Promise, seconds

HELP = Promise("startup.help", "`isogloss --help`", 0.5, "at most", "s")
AGAIN = Promise("startup.again", "a second `isogloss run` of a finished recipe", 5.0, "at most", "s")

RECIPE = """
name = "bench"
task = "massive"
encoder = "mini"
seeds = 2
max_length = 32
languages = { source = ["en"], auxiliary = ["el", "ur"], target = ["de", "el", "en", "sw", "ur"] }

[[phases]]
name = "source"
on = { split = "train", languages = "source", examples = 32 }
method = "finetune"
optimizer = { name = "adam", learning_rate = 1e-4 }
freeze = ["embeddings"]
batch_size = 8
steps = 2

[[phases]]
name = "adapt"
after = "source"
on = { split = "validation", languages = ["source", "auxiliary"], examples = 16 }
method = "finetune"
optimizer = { name = "adam", learning_rate = 1e-4 }
freeze = ["embeddings"]
batch_size = 8
steps = 2

[[variants]]
name = "pooled"

[[variants]]
name = "source_only"
skip = ["adapt"]

[evaluation]
split = "test"
examples = 20
"""


def measure(context: Context) -> Iterator[Measurement]:
    """Time whole processes, after one that warms the disk's cache."""
    runs = context.size(9, 2)
    _isogloss("--help")
    yield Measurement(HELP, [seconds(lambda: _isogloss("--help")) for _ in range(runs)], unit="s")

    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    (folder / "bench.toml").write_text(RECIPE, encoding="utf-8")
    command = ("run", str(folder / "bench.toml"), "--store", str(folder / "store"), "--offline")
    first = seconds(lambda: _isogloss(*command))
    again = [seconds(lambda: _isogloss(*command)) for _ in range(runs)]
    details = {"recipe": "2 variants, 2 seeds, 5 languages, encoder mini", "the first run, s": round(first, 1)}
    yield Measurement(AGAIN, again, unit="s", details=details)


def _isogloss(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("isogloss")), *arguments]
    subprocess.run(command, check=True, capture_output=True)


BENCHMARK = Benchmark("startup", (HELP, AGAIN), measure)
