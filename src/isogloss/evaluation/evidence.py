"""What a store holds of some runs, as evidence: which runs, their scores, what each got right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from isogloss.errors import mistake

if TYPE_CHECKING:
    from isogloss.evaluation.frame import Metrics
    from isogloss.evaluation.outcomes import Outcomes
    from isogloss.evaluation.slopes import Slope
    from isogloss.evaluation.tabular import Table
    from isogloss.store import RunInfo, Store

_JUDGED = ("language", "id", "group", "label", "prediction", "value")  # of the predictions, what comparisons need


def chosen(
    store: Store, addresses: Sequence[str], *, among: Sequence[RunInfo] | None = None, against: str | None = None
) -> tuple[RunInfo, ...]:
    """Return the runs that addresses name, each once.

    Args:
        store: where they are.
        addresses: of runs, see `isogloss.store.runs`.
        among: all runs of the store, if it was asked already.
        against: the variant that others will be compared with, if one was asked for.

    Raises:
        Mistakes: an address names nothing, or nothing that has come to an end, or of `against` nothing has.
    """
    by_key = {run.key: run for address in addresses for run in store.resolve(address, among=among)}
    found = tuple(by_key.values())
    if all(run.settings.get("final") for run in found):
        remedy = f"isogloss table {found[0].measured_as} shows how models that were trained on the other folds did"
        raise mistake("trained on all rows, and tested on none", where=" ".join(addresses), remedy=remedy)
    remedy = "wait for it, or go on with the same `isogloss run`"
    if all(run.state == "unfinished" for run in found):
        raise mistake(f"none of {len(found)} runs has finished", where=" ".join(addresses), remedy=remedy)
    if (own := [run.state for run in found if run.variant == against]) and set(own) == {"unfinished"}:
        raise mistake(f'no run of "{against}" has finished', where="--against", remedy=remedy)
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
    scores = _in_order(stack([*([store.scores(done)] if done else []), *failed]), runs)
    if not done:
        return scores, None
    # Under another rule, or on another task, an id may be the same and its score another thing.
    tested = alike(done, scores)
    folded = "fold" in tested[0].axes
    predictions = store.predictions(tested, columns=None if folded else _JUDGED)
    if folded:
        from isogloss.evaluation.folds import across_folds

        scores, predictions = across_folds(scores, predictions, _metrics(tested[0]))
        scores = _in_order(scores, runs)
    if choosing is not None:
        choice = choose(scores, choosing.axis, oracle=choosing.oracle, metric=choosing.metric)
        scores = picked(scores, choice, choosing.axis)
        predictions = picked(predictions, choice.filter(how=CHOSEN), choosing.axis)
    return scores, Outcomes.from_predictions(predictions, scores)


def lacking_first(runs: Sequence[RunInfo]) -> str:
    """Return the first variant of runs if none of its runs is done, so that it is no baseline; "" otherwise."""
    first = runs[0]
    own = [run for run in runs if (run.recipe, run.variant) == (first.recipe, first.variant)]
    return "" if any(run.state == "done" for run in own) else first.variant


def _in_order(scores: pl.DataFrame, runs: Sequence[RunInfo]) -> pl.DataFrame:
    """Return a score frame with variants in the order of `runs`, which is the recipe's: failed ones are in place."""
    asked = dict.fromkeys((run.recipe, run.variant) for run in runs)
    rank = pl.DataFrame(list(asked), schema=["recipe", "variant"], orient="row").with_row_index("rank")
    return (
        scores.join(rank, on=["recipe", "variant"], how="left", maintain_order="left")
        .sort("rank", maintain_order=True)
        .drop("rank")
    )


def alike(done: Sequence[RunInfo], scores: pl.DataFrame) -> list[RunInfo]:
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


def without_labels(store: Store, runs: Sequence[RunInfo]) -> Table | None:
    """Return the table of languages without labels that runs have predicted; None where there are none.

    Simple models have no part in it: what is estimated is how far a trained model's confidence can be believed.
    """
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
    return not_measured_table(not_measured(predictions, others, scores, unknown, slopes_of(store, done)))


def slopes_of(store: Store, runs: Sequence[RunInfo]) -> dict[str, Slope | None]:
    """Return by run the slope from confidence to accuracy that comes along for its encoder, if there is one."""
    from isogloss.evaluation.slopes import shipped

    return {run.key: shipped(store.phase(run.phases[-1]).spec["encoder"]) for run in runs if run.phases}


def unknown_shares(
    store: Store, runs: Sequence[RunInfo], predictions: pl.DataFrame
) -> dict[tuple[str, str], float | None]:
    """Return each run's share of unknown tokens by language.

    Where a run is from before they were kept it is what its recipe allows at most, if that is no more than a number
    asks for; otherwise nobody knows.
    """
    from isogloss.evaluation.unlabelled import MOST_UNKNOWN

    found: dict[tuple[str, str], float | None] = {}
    for run in runs:
        kept = store.run(run.key).summary.get("unknown", {})
        allowed = float(run.settings["allow_unknown"])
        otherwise = allowed if allowed <= MOST_UNKNOWN else None
        for language in predictions.filter(run=run.key)["language"].unique():
            found[run.key, language] = kept.get(language, otherwise)
    return found


def _seeds(run: RunInfo) -> dict[str, int]:
    return {f"seed.{phase}": seed for phase, seed in run.seeds.items()}
