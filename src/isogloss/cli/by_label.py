"""`isogloss table RUNS --by-label`: precision, recall and F1 of each label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isogloss.cli.analyse.calibration import keep_frame
from isogloss.cli.analyse.output import say_tables
from isogloss.errors import mistake

if TYPE_CHECKING:
    from isogloss.evaluation.render import Format
    from isogloss.store import RunInfo, Store


def say_by_label(
    store: Store, runs: Sequence[RunInfo], form: Format, keep: Path | None, *, among: Sequence[RunInfo]
) -> None:
    """Print precision, recall and F1 of each label, and keep the frame as NAME.labels.csv if a folder is given.

    Args:
        store: where the runs are.
        runs: which.
        form: how it is written.
        keep: a folder, or none.
        among: all runs of the store. A simple model has no phase that names its labels: others of its recipe do.

    Raises:
        Mistakes: no run is done, what they predict are no labels, or not the same ones.
    """
    from isogloss.evaluation.by_label import NEEDED, label_frame, label_table
    from isogloss.evaluation.folds import FOLD

    done = [run for run in runs if run.state == "done"]
    if not done:
        raise mistake("every run failed", where="--by-label", remedy="see why with `isogloss show RUNS`")
    predictions = store.predictions(done, columns=NEEDED).drop(FOLD, strict=False)
    recipes = {(run.recipe, run.edition) for run in done if not run.phases}
    labels = labels_of(store, [*done, *(run for run in among if (run.recipe, run.edition) in recipes)])
    frame = label_frame(predictions, store.scores(done).drop(FOLD, strict=False), labels)
    keep_frame(frame, keep, "labels")
    say_tables([label_table(frame)], form)


def labels_of(store: Store, runs: Sequence[RunInfo]) -> tuple[str, ...]:
    """Return the names of the labels, as the phases of runs have them.

    Raises:
        Mistakes: they are not the same in all runs, or no trained model is among them.
    """
    folders = (store.phase(key) for run in runs if run.state == "done" for key in run.phases)
    known = {tuple(map(str, folder.spec["labels"])) for folder in folders}
    if len(known) > 1:
        remedy = "ask for runs of one task at a time"
        raise mistake("the labels of these runs are not the same", where="--by-label", remedy=remedy)
    if not known:
        remedy = "run a variant that is trained, too"
        raise mistake("simple models do not say what their labels are called", where="--by-label", remedy=remedy)
    return known.pop()
