"""Results: a JSON file that runs append to, and the page that is written from it. A miss stays in sight."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import Benchmark, Measurement, Promise, summary

Record = dict[str, Any]

INTRODUCTION = """# Benchmarks

Written by `python -m bench` from `{source}`; not to be edited. Every number is a ratio of two sides that ran on the
same machine in alternation after a warm-up (rows in seconds have one side): the median over pairs, with the range.
"Kept before" counts the earlier runs of the same row on the same machine and rows, so that a run that missed stays in
sight. What was never run is listed too.
"""


def record(measured: Measurement, machine: Mapping[str, Any], context: Mapping[str, Any]) -> Record:
    """Return what is stored of a measurement: the promise as it stood, every pair, the machine, and the time."""
    return {
        **asdict(measured.promise),
        **{name: list(getattr(measured, name)) for name in ("values", "ours", "theirs")},
        "sides_unit": measured.unit,
        "same": measured.same,
        "details": dict(measured.details),
        **_about(machine, context),
    }


def failure(promise: Promise, error: str, machine: Mapping[str, Any], context: Mapping[str, Any]) -> Record:
    """Return what is stored where a benchmark died: as bad as a miss, and as visible."""
    return {**asdict(promise), "values": [], "error": error, **_about(machine, context)}


def append(path: Path, records: Sequence[Record]) -> list[Record]:
    """Add records to the file, written whole, and return all that it holds."""
    everything = [*load(path), *records]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
    return everything


def load(path: Path) -> list[Record]:
    """Return the records of a file; none where there is no file."""
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def render(records: Sequence[Record], benchmarks: Sequence[Benchmark], source: str = "results.json") -> str:
    """Return the page: a table for each machine, what each number is made of, and what was never run."""
    machines = list({json.dumps(row["machine"]): row["machine"] for row in records}.values())
    parts = [INTRODUCTION.format(source=source)]
    for number, machine in enumerate(machines, 1):
        of_machine = [row for row in records if row["machine"] == machine]
        parts += [f"## Machine {number}\n", f"{_machine(machine)}\n", _table(of_machine, benchmarks)]
        parts += ["### What the numbers are made of\n", *map(_details, _newest(of_machine, benchmarks))]
    parts += list(_never_run(records, benchmarks))
    return "\n".join(parts)


def kept(row: Record) -> bool:
    """Return whether a record keeps its promise: its median is on the right side of the bound."""
    if row.get("error") or not row["values"]:
        return False
    promise = Promise(row["row"], row["claim"], row["bound"], row["sense"], row["unit"])
    return promise.kept(summary(row["values"]).median)


def _about(machine: Mapping[str, Any], context: Mapping[str, Any]) -> Record:
    finished = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {**context, "machine": dict(machine), "finished": finished}


def _table(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> str:
    lines = [
        "| benchmark | what | promised | measured | range | n | kept | kept before | rows | when |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in _newest(records, benchmarks):
        earlier = [other for other in records if _place(other) == _place(row) and other is not row]
        before = f"{sum(map(kept, earlier))} of {len(earlier)}" if earlier else "–"
        cells = [f"`{row['row']}`", row["claim"], _promised(row), *_measured(row), before, row["data"], row["finished"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _measured(row: Record) -> list[str]:
    """Return the cells: measured, range, n, kept."""
    if not row["values"]:
        return ["failed", "–", "0", "**NO**"]
    median, low, high = summary(row["values"])
    span = f"{_number(low)} to {_number(high)}" if len(row["values"]) > 1 else "–"
    measured = f"{_number(median)} {row['unit']}"
    return [measured, span, str(len(row["values"])), "yes" if kept(row) else "**NO**"]


def _promised(row: Mapping[str, Any]) -> str:
    return f"{'≥' if row['sense'] == 'at least' else '≤'} {row['bound']:g} {row['unit']}"


def _number(value: float) -> str:
    """Three decimals near 1, where bounds are tight; three significant figures elsewhere, and no exponent."""
    if 0.9 <= value < 1.2:
        return f"{value:.3f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _newest(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> list[Record]:
    """Return the newest record of each row and source of data, in the order of the benchmarks."""
    newest = {_place(row): row for row in records}
    order = {promise.row: n for n, promise in enumerate(p for b in benchmarks for p in b.promises)}
    return sorted(newest.values(), key=lambda row: (order.get(row["row"], len(order)), row["data"]))


def _place(row: Record) -> tuple[str, str]:
    return row["row"], row["data"]


def _details(row: Record) -> str:
    lines = [f"**`{row['row']}`** ({row['data']}; isogloss at {row['commit'] or 'no known commit'})\n"]
    if row.get("error"):
        lines.append(f"- failed: {row['error']}")
    if row.get("same"):
        lines.append(f"- the same work: {row['same']}")
    for side in ("ours", "theirs"):
        if row.get(side):
            lines.append(f"- {side}, {row['sides_unit']}: {', '.join(map(_number, row[side]))}")
    lines += [f"- {name}: {_plain(value)}" for name, value in row.get("details", {}).items()]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_plain(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _machine(machine: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {_plain(value) or '–'}" for name, value in machine.items() if value is not None)


def _never_run(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> Iterator[str]:
    ran = {row["row"] for row in records}
    missing = [(b, promise) for b in benchmarks for promise in b.promises if promise.row not in ran]
    if missing:
        yield "## Not run\n"
        for benchmark, promise in missing:
            why = f"; needs {benchmark.needs}" if benchmark.needs else ""
            yield f"- `{promise.row}`: {promise.claim}, {_promised(asdict(promise))}{why}"
        yield ""
