"""`isogloss export RUN FOLDER --format onnx`: a run's model for a machine without torch, and what int8 costs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import typer

from isogloss.cli.analyse.output import say_tables
from isogloss.errors import Mistakes

if TYPE_CHECKING:
    from isogloss.cli.model_folder import Taken
    from isogloss.data.bag import Bag
    from isogloss.evaluation.tabular import Table
    from isogloss.kinds.base import Kind
    from isogloss.learner.onnx import OnnxModel


def export_onnx(taken: Taken, folder: Path, *, int8: bool, most: int) -> None:
    """Write a run's model as ONNX, having held it against torch; with int8 also print its scores beside float32's.

    Args:
        taken: the run.
        folder: where to; must not exist yet.
        int8: whether to quantise.
        most: test rows a language to compare on.

    Raises:
        Mistakes: logits differ, or there are no test rows to try int8 on.
    """
    from isogloss.evaluation.calibration import Calibration
    from isogloss.learner.onnx import MODEL, OnnxModel, described, write_int8, write_onnx
    from isogloss.run.tested import tested_rows

    store, run, learner = taken.store, taken.picked.run, taken.learner
    kind, length = learner.kind, learner.max_length
    rows = "labelled rows, most of them trained on" if run.settings.get("final") else "test rows"
    bags: list[Bag] = []
    try:
        bags = tested_rows(store, run, learner, most=most, data=taken.data, offline=taken.offline)
    except Mistakes as found:
        if int8:
            raise
        typer.echo(f"compared on made-up rows alone: {found.mistakes[0]}", err=True)
    temperature = Calibration.of(store.run(run.key).calibration).temperature
    metadata = described(kind, learner.labels, temperature, run.key)
    with tempfile.TemporaryDirectory() as temporary:
        ordinary, whole = Path(temporary) / "ordinary", Path(temporary) / "float32"
        taken.write(ordinary)
        first = whole if int8 else folder
        worst = write_onnx(ordinary, first, kind, max_length=length, metadata=metadata, rows=bags)
        if int8:
            write_int8(whole, folder)
            before, after = (OnnxModel(path / MODEL, kind) for path in (whole, folder))
            say_tables([_cost(bags, kind, length, before, after, rows=rows)], "text")
    size = (folder / MODEL).stat().st_size / 2**20
    examples = sum(map(len, bags))
    seen = f"{examples:,} {rows} in {len(bags)} languages and " if bags else ""
    typer.echo(
        f"wrote {folder / MODEL} ({size:.1f} MiB): float32 logits within {worst:.1e} of torch's on {seen}made-up rows"
    )


def _cost(bags: Sequence[Bag], kind: Kind, length: int, before: OnnxModel, after: OnnxModel, *, rows: str) -> Table:
    """A row for each language: the primary metric before and after quantisation, on the same rows."""
    from isogloss.evaluation.tabular import Cell, Column, Table

    names: list[tuple[str, int]] = []
    numbers: list[tuple[float, ...]] = []
    for bag in bags:
        outcomes = [kind.outcome(bag, model.predict(bag, length)) for model in (before, after)]
        whole, small = (kind.metrics(outcome)[kind.primary] for outcome in outcomes)
        names.append((bag.language, len(bag)))
        numbers.append((whole, small, small - whole))
    names.append(("mean", sum(n for _, n in names)))
    numbers.append(tuple(map(fmean, zip(*numbers, strict=True))))
    columns = (
        Column("language"),
        Column("n", "integer"),
        Column("float32", "number"),
        Column("int8", "number"),
        Column("difference", "signed"),
    )
    both = zip(names, numbers, strict=True)
    cells = [(Cell(name), Cell(n), *map(Cell, values)) for (name, n), values in both]
    note = f"on the same {rows}; a difference of one row in n is no difference that n rows could tell"
    return Table(f"{kind.primary} in percent, float32 and int8", columns, tuple(cells), footnotes=(note,))
