"""`isogloss table RUNS`: scores by language, with intervals and paired tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.analyse.output import say_tables
from isogloss.cli.by_label import say_by_label
from isogloss.cli.options import (
    DEFAULT_STORE,
    AgainstOption,
    CompareOption,
    FormatOption,
    MetricOption,
    RunsArgument,
    StoreOption,
    known_format,
)
from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.outcomes import Outcomes
    from isogloss.store import RunInfo


def table(
    runs: RunsArgument,
    *,
    against: AgainstOption = None,
    compare: CompareOption = None,
    metric: MetricOption = None,
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
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="Order, names, groups of rows: a file, or xu2021-table1 …", metavar="FILE"),
    ] = None,
    by_label: Annotated[
        bool, typer.Option("--by-label", help="Precision, recall and F1 of each label instead.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Scores by language, with paired tests."""
    from isogloss.evaluation.evidence import Choosing, chosen, evidence, lacking_first, without_labels
    from isogloss.evaluation.layout.read import read_layout
    from isogloss.evaluation.left_out import left_out
    from isogloss.store import Store

    written = known_format(form)
    laid_out = None if layout is None else read_layout(layout)
    opened = Store(store)
    everything = opened.runs()
    found = chosen(opened, runs, among=everything, against=against)
    for note in left_out(everything, found, runs):
        typer.echo(note, err=True)
    if by_label:
        others = {
            "--against": against,
            "--compare": compare,
            "--metric": metric,
            "--choose": choose,
            "--layout": layout,
        }
        _alone({**others, "--oracle": oracle or None, "--describe": describe or None})
        say_by_label(opened, found, written, keep, among=everything)
        return
    if oracle and choose is None:
        raise mistake("nothing is chosen", where="--oracle", remedy="say of which axis: --choose auxiliary")
    choosing = None if choose is None else Choosing(choose, metric, oracle=oracle)
    scores, outcomes = evidence(opened, found, choosing)
    if outcomes is not None and against is None and (first := lacking_first(found)):
        typer.echo(f'no run of "{first}", the first variant, has finished: another is the baseline', err=True)
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
        layout=laid_out,
    )
    typer.echo(text, nl=False)
    if written in ("text", "md", "latex") and (unmeasured := without_labels(opened, found)) is not None:
        typer.echo("")
        say_tables([unmeasured], written)


def _alone(others: Mapping[str, object]) -> None:
    """Refuse options that a table by label has no use for."""
    given = [option for option, value in others.items() if value is not None]
    if given:
        raise mistake("it is a table of its own", where="--by-label", remedy=f"leave out {', '.join(given)}")


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
