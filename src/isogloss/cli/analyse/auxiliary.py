"""`isogloss analyse auxiliary`: which auxiliary language to take for a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from isogloss.cli import complete
from isogloss.cli.analyse.output import kept_folder, say_tables
from isogloss.cli.options import (
    DEFAULT_STORE,
    DataOption,
    FormatOption,
    OfflineOption,
    ProfileOption,
    StoreOption,
    folders,
    known_format,
)
from isogloss.errors import Mistakes, mistake

if TYPE_CHECKING:
    from isogloss.analysis.selection.asked import Asked
    from isogloss.analysis.selection.features import Features
    from isogloss.analysis.selection.observed import Observed
    from isogloss.analysis.selection.runs import Measured
    from isogloss.evaluation.render import Format
    from isogloss.evaluation.tabular import Table
    from isogloss.store import Store

_ALONE = "Ranked by distance alone: nothing that was measured went into it."


class Found(NamedTuple):
    """What a ranking starts from.

    Attributes:
        asked: the setting.
        measured: the runs; None where it is to be distance alone.
        observed: what they say.
        notes: what a reader should know.
    """

    asked: Asked
    measured: Measured | None
    observed: Observed | None
    notes: tuple[str, ...] = ()


def auxiliary(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="What was measured: runs of one variant, over an axis of languages.", metavar="[RUNS]..."),
    ] = None,
    *,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            help="A language to do well in. May be repeated.",
            metavar="L",
            autocompletion=complete.languages,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            help="Whose languages may be taken.",
            metavar="TASK",
            autocompletion=complete.tasks,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", help="Whose task and encoder are meant.", metavar="RECIPE", autocompletion=complete.recipes
        ),
    ] = None,
    profile: ProfileOption = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            "--candidate",
            help="A language to choose from. May be repeated.",
            metavar="L",
            autocompletion=complete.languages,
        ),
    ] = None,
    budget: Annotated[int, typer.Option("--budget", help="How many may be taken.", metavar="N", min=1)] = 1,
    against: Annotated[
        str | None,
        typer.Option("--against", help="A variant without an auxiliary: also the gain over it.", metavar="VARIANT"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What was measured; the primary one if not given.", metavar="METRIC")
    ] = None,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Use the targets' own scores, too: no zero-shot choice, labelled so.")
    ] = False,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="How well rankings do on RUNS, each language left out in turn.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", help="With --evaluate: also write the frames of the tables there.", metavar="FOLDER"),
    ] = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = None,
    offline: OfflineOption = False,
) -> None:
    """Which auxiliary language to take for a target, and how sure that is."""
    from isogloss.store import Store

    written = known_format(form)
    given: dict[str, object] = {"--task": task, "--recipe": recipe, "--profile": profile, "--against": against}
    given |= {"--target": target, "--candidate": candidate, "--oracle": oracle, "--evaluate": evaluate, "--keep": keep}
    _refuse_together(bool(runs), {name for name, value in given.items() if value})
    opened, places = Store(store), folders(data)
    if runs:
        found = _named(opened, runs, against, metric, places)
    else:
        found = _looked_for(opened, _setting(task, recipe, profile, places), target or (), metric, places)
    if evaluate:
        _say(_evaluated(found, opened.bags, keep, offline=offline), written)
        return
    table = _ranked(
        found,
        target or (),
        candidate or (),
        opened.bags,
        budget=budget,
        against=against,
        oracle=oracle,
        offline=offline,
    )
    _say([table], written)


def _refuse_together(runs: bool, given: set[str]) -> None:
    """Refuse options that say the same twice, or that say nothing without another one."""
    place = "isogloss analyse auxiliary"
    for first, second in (("--task", "--recipe"), ("--evaluate", "--target"), ("--evaluate", "--candidate")):
        if {first, second} <= given:
            raise mistake(f"both {first} and {second}", where=place, remedy="give one of them")
    for name in ("--task", "--recipe"):
        if runs and name in given:
            raise mistake(f"both RUNS and {name}", where=place, remedy=f"leave {name} out: runs know their task")
    for name in ("--against", "--oracle", "--evaluate"):
        if not runs and name in given:
            raise mistake("no RUNS", where=name, remedy="name runs of a recipe with an axis auxiliary or source")
    for name, needs in (("--profile", "--recipe"), ("--keep", "--evaluate")):
        if name in given and needs not in given:
            raise mistake(f"no {needs}", where=name, remedy=f"it goes with {needs}")


def _setting(task: str | None, recipe: str | None, profile: str | None, places: dict[str, Path]) -> Asked:
    """Return what a task or a recipe says."""
    from isogloss.analysis.selection.asked import Asked, by_settings, by_task
    from isogloss.recipe.load import load_recipe

    if task is not None:
        return by_task(task, places)
    if recipe is None:
        return Asked()
    return by_settings(load_recipe(recipe, profile=profile).model_dump(mode="json"), places)


def _named(
    store: Store, runs: Sequence[str], against: str | None, metric: str | None, places: dict[str, Path]
) -> Found:
    """Return what the runs say that were named."""
    from isogloss.analysis.selection.asked import by_settings
    from isogloss.analysis.selection.runs import measured
    from isogloss.evaluation.evidence import chosen

    mine = measured(store, chosen(store, runs, among=store.runs()), against)
    return Found(by_settings(mine.settings, places), mine, mine.observed(store, metric))


def _looked_for(
    store: Store, asked: Asked, targets: Sequence[str], metric: str | None, places: dict[str, Path]
) -> Found:
    """Return what the only fitting runs of the store say; nothing where it has none, or several, or too few targets."""
    from isogloss.analysis.selection.asked import by_settings
    from isogloss.analysis.selection.expect import FEWEST_TARGETS
    from isogloss.analysis.selection.runs import suitable

    task = None if asked.task is None else asked.task.name
    encoder = None if asked.recipe is None else asked.encoder
    fitting = suitable(store.runs(), task=task, recipe=asked.recipe, encoder=encoder)
    if len(fitting) != 1:
        names = ", ".join(one.address for one in fitting)
        notes = (f"{store.root} has several runs to learn from: name one of {names}.",) if fitting else ()
        return Found(asked, None, None, notes)
    (mine,) = fitting
    observed = mine.observed(store, metric)
    others = observed.without_language(*targets).informative
    if others < FEWEST_TARGETS:
        few = f"{mine.address} in {store.root} has {others} other targets, too few to learn from."
        return Found(asked, None, None, (few,))
    return Found(by_settings(mine.settings, places), mine, observed)


def _ranked(
    found: Found,
    targets: Sequence[str],
    candidates: Sequence[str],
    bags: Path,
    *,
    budget: int,
    against: str | None,
    oracle: bool,
    offline: bool,
) -> Table:
    from isogloss.analysis.selection.asked import languages_asked
    from isogloss.analysis.selection.rank import rank
    from isogloss.analysis.selection.shown import ranking_table

    observed = found.observed
    measured = observed.candidates if observed else ()
    targets, candidates = languages_asked(found.asked, targets, candidates, measured)
    features, notes = _features(found, candidates, targets, bags, offline=offline)
    ranked = rank(features, candidates, targets, observed=observed, budget=budget, oracle=oracle)
    if found.measured is not None and ranked.expectation is not None:
        head = f"Learned from {found.measured.address}: {ranked.expectation.fitted_on} targets"
        own = "" if oracle else f", nothing of {', '.join(targets)} among it"
        notes = [f"{head}{own}.", *notes]
    else:
        notes = [_ALONE, *notes]
    return ranking_table(ranked, notes=notes, budget=budget, reference=against, oracle=oracle)


def _evaluated(found: Found, bags: Path, keep: Path | None, *, offline: bool) -> Iterator[Table]:
    """Yield how rankings do on the runs, and how often intervals hold; write the frames, if that is asked for."""
    from isogloss.analysis.selection.document import frames, write
    from isogloss.analysis.selection.runs import task_name
    from isogloss.analysis.selection.shown import comparison_tables, coverage_table
    from isogloss.store.files import disk_mistakes

    assert found.observed is not None
    assert found.measured is not None
    features, notes = _features(found, (), (), bags, offline=offline)
    compared, covered = frames(found.observed, features)
    if keep is not None:
        with disk_mistakes(kept_folder(keep)):
            write(keep, f"{found.measured.runs[0].recipe}-{task_name(found.measured.settings)}", compared, covered)
    yield from comparison_tables(compared, found.measured.address, notes)
    yield coverage_table(covered, found.measured.address)


def _features(
    found: Found, candidates: Sequence[str], targets: Sequence[str], bags: Path, *, offline: bool
) -> tuple[Features, list[str]]:
    """Return the features of all languages, asked and measured, and what a reader should know of them.

    Rows that cannot be read cost the sub-word overlap, and not the ranking.
    """
    from isogloss.analysis.selection.features import SAID, pair_features
    from isogloss.analysis.selection.overlap import measure

    observed, asked = found.observed, found.asked
    rows = tuple(dict.fromkeys([*candidates, *(observed.candidates if observed else ())]))
    columns = tuple(dict.fromkeys([*targets, *(observed.targets if observed else ())]))
    notes, overlap = [*found.notes, *(observed.notes if observed else ())], None
    if asked.task is not None:
        codes = tuple(dict.fromkeys([*rows, *columns]))
        length, encoder = asked.max_length, asked.encoder
        try:
            overlap, about = measure(asked.task, codes, encoder, cache=bags, max_length=length, offline=offline)
            notes.append(f"Sub-word overlap: {about}.")
        except Mistakes as unread:
            first = unread.mistakes[0]
            notes.append(f"Sub-word overlap was not measured: {first.where}: {first.what}.")
    features = pair_features(rows, columns, encoder=asked.encoder, overlap=overlap)
    if observed is None:
        features = features.only(SAID)
    return features, [*notes, *features.notes]


def _say(tables: Iterable[Table], form: Format) -> None:
    """Print tables; what a CSV file has no place for goes to stderr."""
    shown = tuple(tables)
    say_tables(shown, form)
    if form == "csv":
        for line in (line for table in shown for line in (*table.notes, *table.footnotes)):
            typer.echo(line, err=True)
