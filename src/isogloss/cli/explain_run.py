"""What `isogloss show` says about runs: state, phases, learned rates and their course, scores."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

from isogloss.cli.layout import duration, grid
from isogloss.store import PhaseFolder, RunInfo, Store

_MANY = 10  # meta steps at either end of a search, over which its query loss is compared


def runs(root: Path, address: str) -> str:
    """Explain the run that an address names, or list them if it names several."""
    store = Store(root)
    found = store.resolve(address)
    if len(found) > 1:
        return _listed(found) + "\n\none of them: isogloss show KEY; all of them: isogloss table " + address
    return _explained(store, found[0])


def _listed(found: Sequence[RunInfo]) -> str:
    rows = [(run.key, run.variant, cell(run), f"@{run.seed}", run.state, run.error) for run in found]
    return grid(rows, header=("key", "variant", "cell", "seed", "state", ""))


def cell(run: RunInfo) -> str:
    """Return a run's place on the axes of its recipe: auxiliary=el+ur."""
    return " ".join(f"{axis}={'+'.join(values)}" for axis, values in run.axes.items())


def _explained(store: Store, run: RunInfo) -> str:
    phases = [store.phase(key) for key in run.phases]
    facts = [
        ("key", run.key),
        ("cell", cell(run)),
        ("seeds", " ".join(f"{phase}={seed}" for phase, seed in run.seeds.items())),
        (
            "state",
            f"failed in {run.failed_phase or 'no phase'}: {run.error}" if run.state == "failed" else run.state,
        ),
        ("calibration", _calibration(store, run)),
        ("begun", time.strftime("%Y-%m-%d %H:%M", time.localtime(run.begun))),
    ]
    parts = [f"{run.address}\n" + grid(((key, value) for key, value in facts if value), indent="  ")]
    table = grid(map(_phase_row, phases), header=_PHASE_HEADER, indent="  ")
    trained = ["phases", table, *filter(None, map(_correction, phases))]
    parts.append("\n".join(trained) if phases else "a simple model: it has no phases, and leaves no weights")
    parts += [_rates(phase) for phase in phases if (phase.path / "rates.json").is_file()]
    if run.state == "done":
        parts.append("scores\n" + _scores(store, run))
    traceback = _traceback(store, run, phases)
    if traceback:
        parts.append("traceback\n" + textwrap.indent(traceback, "  "))
    return "\n\n".join(parts)


def _calibration(store: Store, run: RunInfo) -> str:
    from isogloss.evaluation.calibration import Calibration

    kept = store.run(run.key).calibration
    return "" if kept is None else str(Calibration.of(kept))


def _traceback(store: Store, run: RunInfo, phases: Sequence[PhaseFolder]) -> str:
    """Return where in the code a run failed, or else a phase that it needs; "" where nothing failed."""
    told = [store.run(run.key).traceback, *(phase.traceback for phase in phases)]
    return "" if run.state == "done" else next(filter(None, told), "").rstrip()


_PHASE_HEADER = ("key", "phase", "state", "steps", "examples", "time")


def _phase_row(phase: PhaseFolder) -> tuple[str, ...]:
    if phase.done:
        summary = phase.summary
        cost = (f"{summary.get(name, ''):,}" if name in summary else "" for name in ("steps", "examples"))
        state = "done" if phase.usable else "done, weights not kept"
        return phase.key, _name(phase), state, *cost, duration(summary.get("seconds", 0))
    log = phase.read_log()
    state = "failed" if phase.error else "begun" if phase.path.is_dir() else "to come"
    return phase.key, _name(phase), state, f"{log[-1]['step']:,}" if log else "", "", ""


def _name(phase: PhaseFolder) -> str:
    return str(phase.spec.get("name", "")) if (phase.path / "phase.json").is_file() else ""


def _correction(phase: PhaseFolder) -> str:
    """Say by what share of the first-order gradient the one that was taken differs; "" where it never did."""
    logged = [row["correction"] for row in phase.read_log() if row.get("correction") is not None]
    if not any(logged):
        return ""
    middle, largest = (_percent(share) for share in (median(logged), max(logged)))
    return (
        f"  correction of second order in {_name(phase)}: median {middle}, largest {largest} of the gradient's norm, "
        f"over {len(logged):,} step{'s' * (len(logged) != 1)}"
    )


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"


def _rates(phase: PhaseFolder) -> str:
    """Return learned rates after their course: where they stood after a few meta steps, evenly spread.

    Beside a step's number stands the surprise language of its round, where the method has one.
    """
    learned, log = phase.rates(), phase.read_log()
    steps = _few(len(learned.course))
    surprise = {row["step"]: row.get("surprise", "") for row in log}
    header = ("group", *(f"{step} {surprise.get(step, '')}".rstrip() for step in steps), "learned")
    rows = [
        (group, *(learned.course[step - 1].get(group) for step in steps), rate) for group, rate in learned.rates.items()
    ]
    table = grid(rows, header=header, indent="  ")
    beside = ", beside each the surprise language" if any(surprise.values()) else ""
    head = f"rates learned in {_name(phase)}, after so many of {len(learned.course)} meta steps{beside}"
    return "\n".join([head, table, *_what_was_learned(learned.rates, log)])


def _what_was_learned(rates: Mapping[str, float], log: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say a step size and a selection of layers apart, and whether the query loss fell, by language: they differ."""
    moving = [rate for rate in rates.values() if rate > 0]
    told = [f"  learned: mean {fmean(moving):.3f}, spread over groups {pstdev(moving):.3f}"] if moving else []
    losses: dict[str, list[float]] = {}
    for row in log:
        if "query_loss" in row:
            losses.setdefault(row.get("surprise", ""), []).append(row["query_loss"])
    for language, own in losses.items():
        if few := min(len(own) // 2, _MANY):
            where, ends = f" on {language}" if language else "", (fmean(own[:few]), fmean(own[-few:]))
            told.append(
                f"  query loss{where}: {ends[0]:.3f} over its first {few} meta steps, {ends[1]:.3f} over its last {few}"
            )
    return told


def learned_rates(store: Store, address: str, *, most: int = 12) -> list[str]:
    """Return the rates that runs have learned as lines, a row for each phase that learned some."""
    found: dict[str, list[object]] = {}
    groups: tuple[str, ...] = ()
    for run in store.resolve(address):
        for phase in map(store.phase, run.phases):
            if (phase.path / "rates.json").is_file() and phase.key not in found and len(found) < most:
                rates = phase.rates().rates
                groups = groups or tuple(rates)
                found[phase.key] = [
                    _name(phase),
                    cell(run),
                    f"@{run.seed}",
                    *(rates.get(group) for group in groups),
                ]
    if not found:
        return []
    header = ("learned by", "cell", "seed", *(group.removeprefix("layer.") for group in groups))
    return ["", grid(found.values(), header=header), ""]


def _few(last: int, count: int = 6) -> list[int]:
    """Return at most `count` numbers from 1 to `last`, evenly spread."""
    return sorted({1 + round(index * (last - 1) / (count - 1)) for index in range(count)}) if last else []


def _scores(store: Store, run: RunInfo) -> str:
    from isogloss.evaluation.naming import with_cells

    scores = with_cells(store.scores([run]))
    metrics = scores["metric"].unique(maintain_order=True).to_list()
    value = {(row["language"], row["metric"]): row["value"] for row in scores.iter_rows(named=True)}
    languages = scores.select("language", "role", "n").unique(subset="language", maintain_order=True)
    rows = [
        (language, role, f"{n:,}", *(value.get((language, metric)) for metric in metrics))
        for language, role, n in languages.iter_rows()
    ]
    return grid(rows, header=("language", "role", "n", *metrics), indent="  ")
