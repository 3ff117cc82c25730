"""The runs that an analysis is of, and the questions that a recipe asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from isogloss.analysis.kept import TRANSFER
from isogloss.cli import complete
from isogloss.errors import Mistakes, mistake

if TYPE_CHECKING:
    from isogloss.analysis.transfer import TransferFrames
    from isogloss.recipe.analysis import CorrelateAnalysis
    from isogloss.recipe.model import Recipe
    from isogloss.store import RunInfo

ObservedArgument = Annotated[
    list[str],
    typer.Argument(
        help=f"NAME, NAME/VARIANT, NAME/VARIANT@SEED, a key, a recipe, or a file NAME{TRANSFER} that --keep wrote.",
        metavar="RUNS",
        autocompletion=complete.runs,
    ),
]
DrawsOption = Annotated[
    int | None, typer.Option("--draws", help="Permutations of a test; the recipe's, or 9999.", metavar="N")
]
MetricOption = Annotated[
    str | None,
    typer.Option("--metric", help="Which score; the primary one if not given.", metavar="METRIC"),
]


class Asked(NamedTuple):
    """What a command was given.

    Attributes:
        observed: what was measured of the runs.
        asking: the recipe that asks, as it was named; "" where none was.
        questions: what it asks.
    """

    observed: TransferFrames
    asking: str
    questions: tuple[CorrelateAnalysis, ...]


def observe(addresses: Sequence[str], store: Path, *, like: str | None = None, metric: str | None = None) -> Asked:
    """Return what was measured of the runs that addresses name.

    Args:
        addresses: of runs; a recipe stands for the runs of its name, and asks its questions.
        store: where they are.
        like: a recipe that asks the questions instead.
        metric: which score.

    Raises:
        Mistakes: nothing has this address, or its runs are of several recipes or were trained on several languages.
    """
    from isogloss.analysis.selection.runs import task_name
    from isogloss.analysis.transfer import TransferFrames
    from isogloss.evaluation.evidence import chosen
    from isogloss.store import Store

    asking = like or next((address for address in addresses if _recipe_there(address)), "")
    questions = _questions(_recipe(asking) if asking else None)
    if len(addresses) == 1 and addresses[0].endswith(TRANSFER):
        observed = TransferFrames.read(Path(addresses[0]))
        if metric not in (None, observed.metric):
            what, remedy = f"holds {observed.metric}, not {metric}", "keep it anew from the runs, with that --metric"
            raise mistake(what, where=addresses[0], remedy=remedy)
        return Asked(observed, asking, questions)
    opened = Store(store)
    names = [recipe.name if (recipe := _recipe_there(address)) else address for address in addresses]
    found = chosen(opened, names, among=opened.runs())
    runs = [run for run in found if run.state == "done"]
    if not runs:
        remedy = "see why with `isogloss show RUNS`"
        raise mistake(f"none of {len(found)} runs is done", where=", ".join(addresses), remedy=remedy)
    _one_recipe(runs, addresses)
    if len(runs) < len(found):
        left = f"{len(found) - len(runs)} of {len(found)} runs failed or have not finished, and are left out"
        typer.echo(f"{left}: cells rest on unequal numbers of seeds", err=True)
    name = f"{runs[0].recipe}-{task_name(runs[0].settings)}"
    scores, impacts = opened.scores(runs), opened.impacts(runs)
    sources = {run.key: _source(run) for run in runs}
    encoders = {run.key: _encoder(run) for run in runs}
    observed = TransferFrames.of(name, scores, impacts, sources, encoders=encoders, metric=metric)
    return Asked(observed, asking, questions)


def _recipe(name_or_path: str) -> Recipe:
    from isogloss.recipe.load import load_recipe

    return load_recipe(name_or_path)


def _recipe_there(address: str) -> Recipe | None:
    """Return the recipe that an address names; None if it does not name one."""
    from isogloss.recipe.load import shipped

    return _recipe(address) if address in shipped() or address.endswith(".toml") else None


def _questions(recipe: Recipe | None) -> tuple[CorrelateAnalysis, ...]:
    from isogloss.recipe.analysis import CorrelateAnalysis

    analyses = recipe.analyses if recipe else ()
    return tuple(analysis for analysis in analyses if isinstance(analysis, CorrelateAnalysis))


def _one_recipe(runs: Sequence[RunInfo], addresses: Sequence[str]) -> None:
    if len({(run.recipe, run.edition) for run in runs}) > 1:
        remedy = "name runs of one recipe and one of its settings"
        raise mistake("these are runs of several settings", where=", ".join(addresses), remedy=remedy)
    if len({run.axes.get("auxiliary") for run in runs}) > 1:
        remedy = "ask which is best with `isogloss analyse auxiliary RUNS`, or name single runs by their keys"
        raise mistake("these are runs of several auxiliary languages", where=", ".join(addresses), remedy=remedy)


def _source(run: RunInfo) -> str:
    """Return the one language that a run was trained on."""
    languages = run.axes.get("source") or tuple(run.settings["languages"]["source"])
    if len(languages) != 1:
        remedy = 'give a recipe axes.source = [["ar"], ["bg"], …], one language each'
        raise mistake(f"trained on {', '.join(languages)} together", where=run.address, remedy=remedy)
    return languages[0]


def _encoder(run: RunInfo) -> str:
    """Return the encoder's name; of a folder `./` and its last part, since where it lies is of one machine."""
    variants = run.settings.get("variants") or ()
    changes = [one.get("set", {}) for one in variants if one["name"] == run.variant]
    name = str(next((one["encoder"] for one in changes if "encoder" in one), run.settings["encoder"]))
    return f"./{Path(name).name}" if Path(name).is_absolute() or name.startswith(".") else name


def question(settings: Mapping[str, object]) -> CorrelateAnalysis:
    """Return a question with these settings.

    Raises:
        Mistakes: one of them will not do.
    """
    from pydantic import ValidationError

    from isogloss.recipe.analysis import CorrelateAnalysis
    from isogloss.wording import setting_mistakes

    try:
        return CorrelateAnalysis.model_validate({"name": "correlate", **settings})
    except ValidationError as error:
        raise Mistakes(setting_mistakes(error, CorrelateAnalysis.model_fields)) from error
