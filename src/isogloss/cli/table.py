"""`isogloss table RUNS`: scores by language, with intervals and paired tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from isogloss.cli.analyse.output import say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, StoreOption, known_format
from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.frame import Metrics
    from isogloss.evaluation.outcomes import Outcomes
    from isogloss.evaluation.render import Table as RenderedTable
    from isogloss.store import RunInfo, Store

_JUDGED = ("language", "id", "group", "label", "prediction", "value")  # of the predictions, what comparisons need


def table(
    runs: Annotated[list[str], typer.Argument(help="NAME, NAME/VARIANT, NAME/VARIANT@SEED or a key.", metavar="RUNS")],
    *,
    against: Annotated[
        str | None,
        typer.Option("--against", help="The variant to compare with; the first if not given.", metavar="VARIANT"),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", help="Put a paper's printed numbers beside: xu2021-table1 …", metavar="REFERENCE"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Accuracy or F1 if not given.", metavar="METRIC")
    ] = None,
    form: FormatOption = "text",
    describe: Annotated[bool, typer.Option("--describe", help="The comparison as sentences for a paper.")] = False,
    choose: Annotated[
        str | None,
        typer.Option(
            "--choose",
            help="Choose a value of this axis for each target, on the development rows of the other languages.",
            metavar="AXIS",
        ),
    ] = None,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="With --choose: also by the target's own test scores, labelled so.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", help="Also write the small frames that the table is made from there.", metavar="FOLDER"),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Scores by language, with paired tests."""
    from isogloss.store import Store

    written = known_format(form)
    opened = Store(store)
    everything = opened.runs()
    found = chosen(opened, runs, among=everything)
    for note in _notes(everything, found, runs):
        typer.echo(note, err=True)
    if oracle and choose is None:
        raise mistake("nothing is chosen", where="--oracle", remedy="say of which axis: --choose auxiliary")
    choosing = None if choose is None else Choosing(choose, metric, oracle=oracle)
    scores, outcomes = evidence(opened, found, choosing)
    if keep is not None:
        keep_frames(keep, found[0], scores, outcomes, against)
    if describe:
        typer.echo(sentences(scores, outcomes, against), nl=False)
        return
    from isogloss.evaluation.table import table as table_text

    text = table_text(
        scores,
        outcomes,
        format=written,
        baseline=against,
        width=shutil.get_terminal_size((120, 24)).columns,
        metric=metric,
        compare=compare,
        settings=found[0].settings,
    )
    typer.echo(text, nl=False)
    if written in ("text", "md", "latex") and (unmeasured := without_labels(opened, found)) is not None:
        typer.echo("")
        say_tables([unmeasured], written)


def without_labels(store: Store, runs: Sequence[RunInfo]) -> RenderedTable | None:
    """Return the table of languages without labels that runs have predicted; None where there are none.

    Simple models have no part in it: what is estimated is how far a trained model's confidence can be believed.
    """
    import polars as pl

    from isogloss.cli.analyse.estimate import unknown_shares
    from isogloss.evaluation.estimates import confidences
    from isogloss.evaluation.folds import FOLD, every_fold
    from isogloss.evaluation.not_measured import not_measured, not_measured_table

    done = [run for run in runs if run.state == "done" and run.phases]
    unlabelled = [frame for run in done if not (frame := store.unlabelled([run])).is_empty()]
    if not unlabelled:
        return None
    others = pl.concat([confidences(frame) for frame in unlabelled], how="diagonal_relaxed")
    predictions = pl.concat([confidences(store.predictions([run])) for run in done], how="diagonal_relaxed")
    scores = store.scores(done)
    unknown = unknown_shares(store, done, pl.concat([predictions, others], how="diagonal_relaxed"))
    if FOLD in others.columns:
        others, predictions = every_fold(others), predictions.drop(FOLD)
    return not_measured_table(not_measured(predictions, others, scores, unknown))


def chosen(store: Store, addresses: Sequence[str], *, among: Sequence[RunInfo] | None = None) -> tuple[RunInfo, ...]:
    """Return the runs that addresses name, each once.

    Args:
        store: where they are.
        addresses: of runs, see `isogloss.store.runs`.
        among: all runs of the store, if it was asked already.

    Raises:
        Mistakes: an address names nothing, or nothing that has come to an end.
    """
    by_key = {run.key: run for address in addresses for run in store.resolve(address, among=among)}
    found = tuple(by_key.values())
    if all(run.settings.get("final") for run in found):
        remedy = f"isogloss table {found[0].measured_as} shows how models that were trained on the other folds did"
        raise mistake("trained on all rows, and tested on none", where=" ".join(addresses), remedy=remedy)
    if all(run.state == "unfinished" for run in found):
        remedy = "wait for it, or go on with the same `isogloss run`"
        raise mistake(f"none of {len(found)} runs has finished", where=" ".join(addresses), remedy=remedy)
    return found


class Choosing(NamedTuple):
    """That a value of an axis is chosen for each target (see `isogloss.evaluation.choice`).

    Attributes:
        axis: which.
        metric: by what.
        oracle: whether it is also chosen by the target's own test scores.
    """

    axis: str
    metric: str | None
    oracle: bool


def evidence(
    store: Store, runs: Sequence[RunInfo], choosing: Choosing | None = None
) -> tuple[pl.DataFrame, Outcomes | None]:
    """Return the score frame of runs, a row for each failed one among them, and what each got right.

    Args:
        store: where they are.
        runs: which.
        choosing: what is chosen for each target, if anything. An oracle has scores alone: a test on the very rows that
            it was chosen on would find something where there is nothing.
    """
    from isogloss.evaluation.choice import CHOSEN, choose, picked
    from isogloss.evaluation.frame import failed_run, stack
    from isogloss.evaluation.outcomes import Outcomes

    done = [run for run in runs if run.state == "done"]
    failed = [failed_run({**run.facts, **_seeds(run)}) for run in runs if run.state == "failed"]
    scores = stack([*([store.scores(done)] if done else []), *failed])
    if not done:
        return scores, None
    # Under another rule, or on another task, an id may be the same and its score another thing.
    alike = _alike(done, scores)
    folded = "fold" in alike[0].axes
    predictions = store.predictions(alike, columns=None if folded else _JUDGED)
    if folded:
        from isogloss.evaluation.folds import across_folds

        scores, predictions = across_folds(scores, predictions, _metrics(alike[0]))
    if choosing is not None:
        choice = choose(scores, choosing.axis, oracle=choosing.oracle, metric=choosing.metric)
        scores = picked(scores, choice, choosing.axis)
        predictions = picked(predictions, choice.filter(how=CHOSEN), choosing.axis)
    return scores, Outcomes.from_predictions(predictions)


def _alike(done: Sequence[RunInfo], scores: pl.DataFrame) -> list[RunInfo]:
    """Return the runs that are tested on the task of the first one and have its primary metric."""
    from isogloss.evaluation.frame import primary_metric

    metric, task = primary_metric(scores), _tested(done[0])
    known = set(scores.filter(metric=metric)["run"])
    return [run for run in done if run.key in known and _tested(run) == task]


def _metrics(run: RunInfo) -> Metrics:
    """Return what scores predictions of the kind of a run's task."""
    from isogloss.data.task import load_task
    from isogloss.recipe.resolve import kind_of_task

    return kind_of_task(load_task(run.tested_on)).metrics


def _tested(run: RunInfo) -> str:
    task = run.tested_on
    return str(task["name"] if isinstance(task, Mapping) else task)


def keep_frames(
    folder: Path, run: RunInfo, scores: pl.DataFrame, outcomes: Outcomes | None, against: str | None
) -> None:
    """Write scores, comparisons and settings under the recipe's name: a few kilobytes that hold a whole table.

    Where an axis was chosen, under NAME.chosen; comparisons `against` a variant have a file of their own.

    Raises:
        Mistakes: every run failed, so that there is nothing to compare, or the folder cannot be written.
    """
    from isogloss.evaluation.comparison import compare
    from isogloss.evaluation.rebuild import keep
    from isogloss.store.files import disk_mistakes

    if outcomes is None:
        raise mistake("every run failed", where="--keep", remedy="see why with `isogloss show RUNS`")
    name = f"{run.recipe}.chosen" if "chosen" in scores.columns else run.recipe
    with disk_mistakes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        keep(folder, name, scores, compare(scores, outcomes, baseline=against), run.settings, against=against)


def sentences(scores: pl.DataFrame, outcomes: Outcomes | None, against: str | None) -> str:
    """Return the comparison as sentences for a paper."""
    from isogloss.evaluation.comparison import compare
    from isogloss.evaluation.describe import describe

    if outcomes is None:
        raise mistake("every run failed", where="--describe", remedy="see why with `isogloss show RUNS`")
    return describe(compare(scores, outcomes, baseline=against))


def _seeds(run: RunInfo) -> dict[str, int]:
    return {f"seed.{phase}": seed for phase, seed in run.seeds.items()}


def _notes(everything: Sequence[RunInfo], found: Sequence[RunInfo], addresses: Sequence[str]) -> list[str]:
    """Return what a reader of the table must know that does not stand in it."""
    notes = []
    unfinished = sum(run.state == "unfinished" for run in found)
    if unfinished:
        lacking = sorted({run.variant for run in found if run.state == "unfinished"})
        of = f" (of {', '.join(lacking)})" if "fold" in found[0].axes else ""
        notes.append(f"{unfinished} of {len(found)} runs have not finished and are not in the table{of}")
    shown = {(run.recipe, run.edition) for run in found}
    named = {address for address in addresses if any(run.recipe == address for run in found)}
    others = {(run.recipe, run.edition) for run in everything if run.recipe in named} - shown
    notes += [
        f"runs of {recipe} with other settings are left out: isogloss table {recipe}#{edition}"
        for recipe, edition in sorted(others)
    ]
    return notes + _made_again(everything, found)


def _made_again(everything: Sequence[RunInfo], found: Sequence[RunInfo]) -> list[str]:
    """Return what to know of runs with the settings and seeds of those found: the same was run on other data, say."""
    shown = {run.place: run for run in found}
    rivals = [(run, shown[run.place]) for run in everything if run.place in shown and run not in found]
    older = sum(run.begun <= mine.begun for run, mine in rivals)
    pending = {mine.key for run, mine in rivals if run.begun > mine.begun and run.state != "done"}
    what = "data, encoder or the version of a part has changed since"
    notes = []
    if older:
        notes.append(f"{older} older runs with the same settings and seeds are left out: {what}")
    if pending:
        notes.append(f"{len(pending)} runs were begun again and are not done; the table has the older ones: {what}")
    return notes
