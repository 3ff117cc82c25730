"""The commands as functions, for a notebook or a script: what they print is what these return.

    from isogloss.api import load, predict, recipe, run, table

    run(recipe("helpdesk/recipe.toml"))
    table("helpdesk")
    predict("helpdesk.final/fine_tuned@0", ["wake me at seven"])

Mistakes are raised as `isogloss.Mistakes`, each with what, where and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isogloss.cli.options import DEFAULT_STORE
from isogloss.evaluation.html import STYLE, html
from isogloss.evaluation.render import Format, render
from isogloss.evaluation.tabular import Table
from isogloss.recipe.load import load_recipe as recipe
from isogloss.recipe.model import Recipe

if TYPE_CHECKING:
    import polars as pl

    from isogloss.learner.learner import Learner
    from isogloss.run import RunReport

__all__ = ["Tables", "load", "predict", "recipe", "run", "table"]


@dataclass(frozen=True)
class Tables:
    """What `isogloss table` shows; a notebook shows it as tables, `print` as text.

    Attributes:
        scores: the score frame that it is made of (`isogloss.evaluation.frame`).
        shown: the tables.
    """

    scores: pl.DataFrame
    shown: tuple[Table, ...]

    def to(self, format: Format) -> str:
        """Return them as "text", "md", "latex", "csv" or "json"."""
        return render(self.shown, format)

    def __str__(self) -> str:
        return self.to("text")

    def _repr_html_(self) -> str:
        return "\n".join([STYLE, *map(html, self.shown)])


def run(
    asked: Recipe | str | Path,
    *,
    store: str | Path = DEFAULT_STORE,
    data: Mapping[str, str | Path] | None = None,
    offline: bool = False,
    progress: bool = True,
) -> RunReport:
    """Carry a recipe out, or go on with it, as `isogloss run` does; return what came of it.

    Args:
        asked: a recipe, a shipped one's name, or the path of a file.
        store: the folder of all runs.
        data: folder of a task's files, by task name.
        offline: never reach for the hub.
        progress: whether to say on stderr how far it has come.

    Raises:
        Mistakes: encoder or data are not what the recipe says.
    """
    from isogloss.cli.run import carry_out

    loaded = asked if isinstance(asked, Recipe) else recipe(asked)
    folders = {name: Path(folder) for name, folder in (data or {}).items()}
    return carry_out(loaded, Path(store), folders, offline=offline, progress=progress)


def table(
    *runs: str, store: str | Path = DEFAULT_STORE, against: str | None = None, metric: str | None = None
) -> Tables:
    """Return scores by language with paired tests, as `isogloss table` does.

    Args:
        runs: NAME, NAME/VARIANT, NAME/VARIANT@SEED or keys.
        store: the folder of all runs.
        against: the variant to compare with; the first if not given.
        metric: accuracy or F1 if not given.

    Raises:
        Mistakes: nothing has this address, or none of it has finished.
    """
    from isogloss.evaluation.comparison import compare
    from isogloss.evaluation.evidence import chosen, evidence, without_labels
    from isogloss.evaluation.table import tables
    from isogloss.store import Store

    opened = Store(Path(store))
    found = chosen(opened, runs, against=against)
    scores, outcomes = evidence(opened, found)
    comparisons = None if outcomes is None else compare(scores, outcomes, baseline=against)
    shown = tables(scores, comparisons, metric=metric, settings=found[0].settings)
    unmeasured = without_labels(opened, found)
    return Tables(scores, shown if unmeasured is None else (*shown, unmeasured))


def load(run: str, *, store: str | Path = DEFAULT_STORE, offline: bool = False) -> Learner:
    """Return the learner of a run that kept its weights: NAME/VARIANT@SEED, or a key.

    Raises:
        Mistakes: no run has this address, or its weights were not kept.
    """
    from isogloss.run import load_learner
    from isogloss.store import Store

    opened = Store(Path(store))
    return load_learner(opened, opened.resolve_one(run), offline=offline)


def predict(
    run: str,
    texts: Sequence[str | Sequence[str]],
    *,
    store: str | Path = DEFAULT_STORE,
    offline: bool = False,
) -> pl.DataFrame:
    """Return what a run predicts of texts, as `isogloss predict` does of a file: the texts, and what is added to them.

    Args:
        run: as in `load`.
        texts: one text a row, or as many as the task's rows have (question, then context).
        store: the folder of all runs.
        offline: never reach for the hub.

    Raises:
        Mistakes: as `load`; or a row has other texts than the task.
    """
    import polars as pl

    from isogloss.cli.predict import predicted_columns
    from isogloss.data.table import Table as Rows
    from isogloss.data.task import load_task
    from isogloss.errors import mistake
    from isogloss.store import Store

    task = load_task(Store(Path(store)).resolve_one(run).tested_on)
    rows = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
    odd = next((number for number, row in enumerate(rows) if len(row) != len(task.texts)), None)
    if odd is not None:
        what = f"row {odd} has {len(rows[odd])} texts, where the task has {' and '.join(task.texts)}"
        raise mistake(what, where="texts", remedy="give each row as many")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(task.texts)}
    given = Rows("texts", columns, range(len(rows)), range(len(rows)))
    return pl.DataFrame({**columns, **predicted_columns(Path(store), run, task, task.texts, given, offline=offline)})
