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

from isogloss.cli import complete
from isogloss.cli.options import DEFAULT_STORE, OfflineOption, StoreOption
from isogloss.errors import IsoglossWarning, mistake

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.rows import Rows
    from isogloss.data.table import Table
    from isogloss.data.task import Task
    from isogloss.kinds.base import Columns, Predictions
    from isogloss.learner.learner import Learner
    from isogloss.store import RunInfo, Store

# All that Python or a spreadsheet takes for the end of a line or a cell.
_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")
_WARN_UNKNOWN = 0.05  # share of unknown tokens, as where languages are read for training


def predict(
    run: Annotated[
        str,
        typer.Argument(
            help="A run that kept its weights: NAME/VARIANT@SEED, or its key.",
            metavar="RUN",
            autocompletion=complete.runs,
        ),
    ],
    file: Annotated[Path, typer.Argument(help="TSV, CSV, JSON lines or Parquet, also gzipped.", metavar="FILE")],
    *,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text",
            help="The text column; twice for a pair: question, then context. The task's own if not given.",
            metavar="COLUMN",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=".tsv, .csv or .jsonl; stdout (TSV) if not given.", metavar="FILE"),
    ] = None,
    abstain_below: Annotated[
        float | None,
        typer.Option("--abstain-below", help="Leave the label empty below this probability.", metavar="P"),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    offline: OfflineOption = False,
) -> None:
    """Label the rows of a file, or answer its questions.

    What comes out is the file's columns and what is predicted: `predicted_label` and `predicted_probability`, or
    `answer`, `answer_start`, `answer_end` (its place in the context, in code points) and `answer_probability`.
    Labels' probabilities are at the run's temperature, where it has one; a line on stderr says so.
    """
    from isogloss.data.table import read_table

    write = _writer(output)
    _check_threshold(abstain_below)
    table = read_table(file)
    task = _task(store, run)
    _refuse_predicted(table, task)
    texts = _columns(task, table, text or [])
    _check_abstains(abstain_below, task)
    predicted = predicted_columns(store, run, task, texts, table, offline=offline)
    if abstain_below is not None:
        predicted = _abstained(predicted, abstain_below)
    columns = {**table.columns, **predicted}
    _deliver(write([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]), output)


def _task(store: Path, run: str) -> Task:
    """Return the task that the run is tested on."""
    from isogloss.data.task import load_task
    from isogloss.store import Store

    return load_task(Store(store).resolve_one(run).tested_on)


def _refuse_predicted(table: Table, task: Task) -> None:
    """Raise Mistakes where the file has a column of the name of one that is added: none is overwritten."""
    from isogloss.recipe.resolve import kind_of_task

    there = [name for name in kind_of_task(task).added if name in table.columns]
    if there:
        what = f'the file has a column "{there[0]}" already'
        raise mistake(what, where=table.origin, remedy="rename or drop it: predictions are written under that name")


def _columns(task: Task, table: Table, named: Sequence[str]) -> Sequence[str]:
    """Return the text columns: those named, or the task's own.

    Raises:
        Mistakes: a row of the task has more texts than are named, or fewer; or the file has none of the task's names.
    """
    texts = " and ".join(task.texts)
    if named and len(named) != len(task.texts):
        remedy = "name a column for each, in that order"
        raise mistake(f"names {len(named)}, where the task has {texts}", where="--text", remedy=remedy)
    missing = [] if named else [name for name in task.texts if name not in table.columns]
    if missing:
        remedy = f"name the columns with --text, for {texts}; there are {', '.join(table.columns)}"
        raise mistake(f'no column "{missing[0]}", where the task has its text', where=table.origin, remedy=remedy)
    return named or task.texts


def predicted_columns(
    store: Path, run: str, task: Task, texts: Sequence[str], table: Table, *, offline: bool
) -> Columns:
    """Return the columns that are added, as the kind of the task has them."""
    from isogloss.data.rows import unlabelled_rows
    from isogloss.run import load_learner
    from isogloss.store import Store

    kept = Store(store).resolve_one(run)
    rows = unlabelled_rows(table, texts, task)
    learner = load_learner(Store(store), kept, offline=offline)
    bag = _bag(rows, task, learner)
    _check_readable(bag, table.origin, kept.settings["allow_unknown"])
    return learner.kind.answers(bag, _calibrated(learner, learner.predict(bag), Store(store), kept), learner.labels)


def _calibrated(learner: Learner, predictions: Predictions, store: Store, run: RunInfo) -> Predictions:
    """Return predictions at the run's temperature, if it has one, and say so where the kind could have one."""
    from isogloss.evaluation.calibration import Calibration
    from isogloss.kinds.base import Calibrates

    if not isinstance(learner.kind, Calibrates):
        return predictions
    calibration = Calibration.of(store.run(run.key).calibration)
    typer.echo(str(calibration), err=True)
    if calibration.temperature is None:
        return predictions
    return learner.kind.tempered(predictions, calibration.temperature)


def _check_threshold(probability: float | None) -> None:
    if probability is not None and not 0 < probability <= 1:
        raise mistake(f"{probability} is no probability", where="--abstain-below", remedy="give one above 0, at most 1")


def _check_abstains(probability: float | None, task: Task) -> None:
    """Raise Mistakes where it is asked to abstain and the task's kind gives labels no probabilities."""
    from isogloss.kinds.base import Calibrates
    from isogloss.recipe.resolve import kind_of_task

    if probability is not None and not isinstance(kind_of_task(task), Calibrates):
        what = f"the kind {task.kind} has no probabilities of labels"
        raise mistake(what, where="--abstain-below", remedy="leave it out, and choose by the column that is written")


def _abstained(predicted: Columns, below: float) -> Columns:
    """Return the added columns, the first of them empty where the last, the probability, is too small."""
    label, *_, probability = predicted
    sure = [value >= below for value in predicted[probability]]
    left = sum(not each for each in sure)
    typer.echo(f"{left:,} of {len(sure):,} rows have no label: their probability is below {below:g}", err=True)
    kept = [value if each else None for value, each in zip(predicted[label], sure, strict=True)]
    return {**predicted, label: kept}


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


def _bag(rows: Rows, task: Task, learner: Learner) -> Bag:
    """Return rows as a bag; it is not cached."""
    import tempfile

    from isogloss.data.encode import encode

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
    """Return tab-separated rows, unquoted; a tab or line break within a value becomes a space, nothing for no value.

    One space for one character: answers are at places that are counted in their contexts.
    """
    clean = [["" if value is None else str(value).translate(_BREAKS) for value in row.values()] for row in rows]
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
