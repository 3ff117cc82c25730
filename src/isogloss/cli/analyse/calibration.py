"""`isogloss analyse calibration RUNS` and `analyse coverage RUNS`: how far probabilities can be believed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.analyse.output import kept_folder, say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, RunsArgument, StoreOption, known_format
from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.store import RunInfo, Store

KeepOption = Annotated[Path | None, typer.Option("--keep", help="Also write the small frame there.", metavar="FOLDER")]


def calibration(
    runs: RunsArgument,
    *,
    keep: KeepOption = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """How sure and how often right, by language, before and after the source languages' temperature."""
    from isogloss.evaluation.confidence import calibration_frame, calibration_tables

    written = known_format(form)
    frame = _of_runs(runs, store, calibration_frame)
    keep_frame(frame, keep, "calibration")
    if written in ("csv", "json"):
        say_frame(frame, written)
        return
    say_tables(list(calibration_tables(frame)), written)


def coverage(
    runs: RunsArgument,
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="Thresholds of the probability: 0.5,0.7,0.9.", metavar="P,P…")
    ] = None,
    keep: KeepOption = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Accuracy at coverage, by language: what is gained where labels below a probability are left empty."""
    from isogloss.evaluation.confidence import THRESHOLDS, coverage_frame, coverage_tables

    written = known_format(form)
    thresholds = THRESHOLDS if at is None else _thresholds(at)
    frame = _of_runs(runs, store, lambda rows, temperature: coverage_frame(rows, temperature, thresholds))
    keep_frame(frame, keep, "at-coverage")
    if written in ("csv", "json"):
        say_frame(frame, written)
        return
    say_tables(list(coverage_tables(frame)), written)


def done_runs(addresses: Sequence[str], root: Path) -> tuple[Store, list[RunInfo]]:
    """Return the store, and the runs that addresses name and that are done.

    Raises:
        Mistakes: none is.
    """
    from isogloss.evaluation.evidence import chosen
    from isogloss.store import Store

    store = Store(root)
    done = [run for run in chosen(store, addresses, among=store.runs()) if run.state == "done"]
    if not done:
        raise mistake("no run of these is done", where=", ".join(addresses), remedy="see why with `isogloss show RUNS`")
    return store, done


def keep_frame(frame: pl.DataFrame, folder: Path | None, what: str) -> None:
    """Write a frame as NAME.WHAT.csv, NAME those of the recipes, if a folder is given."""
    if folder is None:
        return
    from isogloss.evaluation.frame import write_frame

    name = "+".join(frame["recipe"].unique(maintain_order=True))
    write_frame(frame, kept_folder(folder) / f"{name}.{what}.csv")


def _of_runs(
    addresses: Sequence[str], root: Path, frame_of: Callable[[pl.DataFrame, float | None], pl.DataFrame]
) -> pl.DataFrame:
    """Return a frame of the runs that addresses name and that are done, run by run: predictions may be many."""
    import polars as pl

    from isogloss.evaluation.calibration import Calibration
    from isogloss.evaluation.folds import FOLD

    store, done = done_runs(addresses, root)
    whole: dict[Hashable, list[RunInfo]] = {}  # folds of one variant, cell and seed are one run
    for run in done:
        cell = tuple(sorted((axis, value) for axis, value in run.axes.items() if axis != "fold"))
        whole.setdefault((run.recipe, run.edition, run.variant, cell, run.seed), []).append(run)
    frames = []
    for runs in whole.values():
        temperatures = {Calibration.of(store.run(run.key).calibration).temperature for run in runs}
        frame = store.predictions(runs).drop(FOLD, strict=False).with_columns(run=pl.lit(runs[0].key))
        frames.append(frame_of(frame, temperatures.pop() if len(temperatures) == 1 else None))
    return pl.concat(frames, how="diagonal_relaxed")


def _thresholds(text: str) -> tuple[float, ...]:
    try:
        found = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        found = ()
    if not found or not all(0 <= each <= 1 for each in found):
        raise mistake(f'"{text}" are no thresholds', where="--at", remedy="write numbers from 0 to 1, as 0.5,0.7,0.9")
    return found
