"""Measure, and write the results down: `python -m bench [NAME …] [--data xnli=FOLDER] [--data squad=FOLDER]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import (
    bert_base,
    blockwise,
    cka,
    curves,
    features,
    finetune,
    fused,
    lora,
    machine,
    maml,
    maml_step,
    mantel,
    meta_step,
    parts,
    precision,
    predict,
    predict_memory,
    quickstart,
    report,
    results,
    spans,
    startup,
    unrolled,
    window_memory,
)
from bench.harness import Benchmark, Context, LeftOut, summary
from bench.material import Material

MODULES = (
    meta_step,
    window_memory,
    unrolled,
    maml,
    maml_step,
    finetune,
    fused,
    lora,
    curves,
    predict,
    predict_memory,
    quickstart,
    report,
    startup,
    bert_base,
    blockwise,
    cka,
    mantel,
    spans,
    features,
    precision,
    parts,
)
BENCHMARKS: tuple[Benchmark, ...] = tuple(module.BENCHMARK for module in MODULES)
RESULTS = Path(__file__).with_name("results.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return 1 where a promise was not kept."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        for benchmark in BENCHMARKS:
            note = f" (needs {benchmark.needs})" if benchmark.needs else ""
            note = note if benchmark.by_default else " (only with --curves)"
            print(f"{benchmark.name}{note}: {', '.join(promise.row for promise in benchmark.promises)}")
        return 0
    chosen = _chosen(asked.names, curves=asked.curves)
    # A smoke run's numbers mean nothing: they are kept only where a file is named for them.
    path = asked.results or (None if asked.quick else RESULTS)
    records: list[results.Record] = []
    with tempfile.TemporaryDirectory(prefix="isogloss-bench-") as scratch:
        context = Context(asked.quick, dict(asked.data), Path(scratch))
        for benchmark in chosen:
            found = _run(benchmark, context)
            records += found
            if path is not None and found:
                page = results.render(results.append(path, found), BENCHMARKS, path.name)
                path.with_name("RESULTS.md").write_text(page, encoding="utf-8")
    return int(not all(map(results.kept, records)))


def _run(benchmark: Benchmark, context: Context) -> list[results.Record]:
    """Run one benchmark; where it dies, that is recorded for every row that it still owed."""
    print(f"{benchmark.name} …", flush=True)
    here, about, began = machine.describe(), _about(benchmark, context), time.monotonic()
    records: list[results.Record] = []
    try:
        for measured in benchmark.run(context):
            records.append(results.record(measured, here, about))
            print(f"  {_line(records[-1])}", flush=True)
    except LeftOut as why:
        print(f"  left out: {why}", flush=True)
    except Exception as error:  # noqa: BLE001 -- one benchmark that dies must not hide the others
        traceback.print_exc()
        done = {row["row"] for row in records}
        owed = [promise for promise in benchmark.promises if promise.row not in done]
        said = (str(error).strip().splitlines() or [""])[-1]
        records += [results.failure(promise, f"{type(error).__name__}: {said}", here, about) for promise in owed]
    print(f"  {time.monotonic() - began:.0f} s", flush=True)
    return records


def _about(benchmark: Benchmark, context: Context) -> dict[str, object]:
    smoke = " (a smoke run: numbers mean nothing)" if context.quick else ""
    data = benchmark.data if isinstance(benchmark.data, str) else benchmark.data(context)
    return {"data": (data or Material.of(context).name) + smoke, "commit": machine.commit()}


def _line(row: results.Record) -> str:
    median, low, high = summary(row["values"])
    verdict = "kept" if results.kept(row) else "NOT KEPT"
    sense = "≥" if row["sense"] == "at least" else "≤"
    return f"{row['row']}: {median:.3f} ({low:.3f} to {high:.3f}) {row['unit']}, {sense} {row['bound']:g}: {verdict}"


def _chosen(names: Sequence[str], *, curves: bool) -> list[Benchmark]:
    by_name = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(by_name)}")
    asked = set(names) or {benchmark.name for benchmark in BENCHMARKS if benchmark.by_default and not curves}
    return [benchmark for benchmark in BENCHMARKS if benchmark.name in asked | ({"curves"} if curves else set())]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks; all but curves if not given")
    parser.add_argument("--list", action="store_true", help="print the benchmarks and their rows")
    parser.add_argument("--quick", action="store_true", help="a smoke run of the smallest sizes; nothing is recorded")
    parser.add_argument("--curves", action="store_true", help="compare loss curves over three seeds (takes long)")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        type=_folder,
        metavar="NAME=FOLDER",
        help="files: xnli (with MultiNLI's) or squad; without them the embedded sample of MASSIVE serves",
    )
    parser.add_argument("--results", type=Path, metavar="FILE", help="where results are kept (JSON), RESULTS.md beside")
    return parser


def _folder(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if name not in {"xnli", "squad"} or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text}: write xnli=FOLDER or squad=FOLDER, with a folder that exists")
    return name, Path(folder).resolve()


if __name__ == "__main__":
    sys.exit(main())
