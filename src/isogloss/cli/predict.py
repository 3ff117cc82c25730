"""`isogloss predict RUN FILE`: use what a run has learned."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isogloss.cli.options import DEFAULT_STORE, OfflineOption, StoreOption
from isogloss.errors import IsoglossWarning, Mistake, Mistakes, mistake

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.table import Table
    from isogloss.data.task import Task
    from isogloss.kinds.base import Columns
    from isogloss.learner.learner import Learner

_SHOWN = 10  # rows without a text that are listed
_WARN_UNKNOWN = 0.05  # share of unknown tokens, as where languages are read for training


def predict(
    run: Annotated[
        str, typer.Argument(help="A run that kept its weights: NAME/VARIANT@SEED, or its key.", metavar="RUN")
    ],
    file: Annotated[Path, typer.Argument(help="TSV, CSV, JSON lines or Parquet, also gzipped.", metavar="FILE")],
    *,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text", help="The text column; twice for a pair. The task's own if not given.", metavar="COLUMN"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=".tsv, .csv or .jsonl; stdout (TSV) if not given.", metavar="FILE"),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    offline: OfflineOption = False,
) -> None:
    """Label the rows of a file, or answer its questions.

    What comes out is the file's columns and what is predicted: `predicted_label` and `predicted_probability`, or
    `answer`, `answer_start`, `answer_end` (its place in the context, in code points) and `answer_probability`.
    """
    from isogloss.data.table import read_table

    write = _writer(output)
    table = read_table(file)
    task = _task(store, run)
    _refuse_predicted(table, task)
    texts = _texts(table, text or _task_columns(task, table))
    columns = {**table.columns, **_predicted(store, run, task, texts, table, offline=offline)}
    _deliver(write([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]), output)


def _task(store: Path, run: str) -> Task:
    """Return the task that the run is tested on."""
    from isogloss.data.task import load_task
    from isogloss.store import Store

    settings = Store(store).resolve_one(run).settings
    return load_task(settings["evaluation"]["task"] or settings["task"])


def _refuse_predicted(table: Table, task: Task) -> None:
    """Raise Mistakes where the file has a column of the name of one that is added: none is overwritten."""
    from isogloss.recipe.resolve import kind_of_task

    there = [name for name in kind_of_task(task).added if name in table.columns]
    if there:
        what = f'the file has a column "{there[0]}" already'
        raise mistake(what, where=table.origin, remedy="rename or drop it: predictions are written under that name")


def _task_columns(task: Task, table: Table) -> list[str]:
    """Return the text columns of the task.

    Raises:
        Mistakes: the file has none of that name.
    """
    names = task.texts
    missing = [name for name in names if name not in table.columns]
    if missing:
        remedy = f"name it with --text; the columns are {', '.join(table.columns)}"
        raise mistake(f'no column "{missing[0]}", where the task has its text', where=table.origin, remedy=remedy)
    return list(names)


def _texts(table: Table, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the texts of every row.

    Raises:
        Mistakes: a column is missing, or rows have no text there.
    """
    if len(columns) > 2:
        raise mistake(f"{len(columns)} text columns", where="--text", remedy="a row has one text, or a pair")
    rows = list(zip(*(table.column(name) for name in columns), strict=True))
    bad = [row for row, values in enumerate(rows) if not all(isinstance(value, str) for value in values)]
    if bad:
        raise Mistakes(
            Mistake(f"no text in {' or '.join(columns)}", table.place(row), "write the text, or drop the row")
            for row in bad[:_SHOWN]
        )
    return rows


def _predicted(
    store: Path, run: str, task: Task, texts: list[tuple[str, ...]], table: Table, *, offline: bool
) -> Columns:
    """Return the columns that are added, as the kind of the task has them."""
    from isogloss.recipe.resolve import kind_of_task
    from isogloss.run import load_learner
    from isogloss.store import Store

    kept = Store(store).resolve_one(run)
    learner = load_learner(Store(store), kept, offline=offline)
    bag = _bag(texts, learner, table)
    _check_readable(bag, table.origin, kept.settings["allow_unknown"])
    return kind_of_task(task).answers(bag, learner.predict(bag), learner.labels)


def _check_readable(bag: Bag, origin: str, allow_unknown: float) -> None:
    """Warn where the encoder's vocabulary knows the texts badly, and refuse them where it hardly knows them.

    Raises:
        Mistakes: the share of unknown tokens is larger than the run's recipe allows.
    """
    share = bag.unknown_share
    what = f"{share:.0%} of the tokens are unknown to the encoder's vocabulary"
    if share > allow_unknown:
        remedy = "leave out the rows in languages that it does not know, or take a run of another encoder"
        raise mistake(what, where=origin, remedy=remedy)
    if share > _WARN_UNKNOWN:
        warnings.warn(f"{origin}: {what}; predictions there say little", IsoglossWarning, stacklevel=2)


def _bag(texts: list[tuple[str, ...]], learner: Learner, table: Table) -> Bag:
    """Return texts without labels as a bag; it is not cached."""
    import tempfile

    import numpy as np

    from isogloss.data.encode import encode
    from isogloss.data.rows import Rows
    from isogloss.data.task import Task

    nothing = np.zeros(len(texts), dtype=np.int64)
    places = np.array([str(place) for place in table.places])
    rows = Rows(places, texts, nothing, nothing, learner.labels, {}, "", origin=table.origin)
    task = Task("predict", learner.kind.name, ("und",), ("text",), "label", labels=learner.labels)
    with tempfile.TemporaryDirectory() as cache:
        return encode(
            rows,
            task,
            "und",
            "predict",
            learner.tokenizer,
            learner.kind,
            max_length=learner.max_length,
            cache=Path(cache),
        )


def _writer(output: Path | None) -> Callable[[Sequence[Mapping[str, Any]]], str]:
    """Return what writes rows in the format that the output's name asks for."""
    ending = output.suffix if output else ".tsv"
    if ending not in _WRITERS:
        remedy = f"known: {', '.join(_WRITERS)}"
        raise mistake(f'no format "{ending}" to write', where=f"--output {output}", remedy=remedy)
    return _WRITERS[ending]


def _tsv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return tab-separated rows, unquoted; tabs and line breaks within a value become spaces."""
    clean = [
        [" ".join(str(value).split()) if isinstance(value, str) else str(value) for value in row.values()]
        for row in rows
    ]
    return "".join("\t".join(cells) + "\n" for cells in [list(rows[0]), *clean])


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


_WRITERS = {".tsv": _tsv, ".csv": _csv, ".jsonl": _json_lines}


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    from isogloss.store.files import write_text

    write_text(output, text)
    typer.echo(f"wrote {output}", err=True)
