"""Test a learner on a cell's languages: predictions of every example, and the rows of the score frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from isogloss.data.bag import Bag
from isogloss.evaluation.frame import DEVELOPMENT, score_run, stack
from isogloss.keys import Key
from isogloss.kinds.base import Kind, Predictions
from isogloss.recipe.planned import Cell
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.development import development_bags
from isogloss.run.resources import Resources

Predict = Callable[[Bag], Predictions]

MANY = 50  # examples to which a working model would not all say the same


def test_bags(cell: Cell, resources: Resources) -> Iterator[Bag]:
    """Yield what a cell is tested on, language by language; the same examples in every language and arm."""
    key = Key(cell.draw, "", purpose="evaluation")
    for language in cell.target:
        yield resources.bag(cell.task, language, cell.split).subset(examples=cell.examples, key=key)


def predict_cell(cell: Cell, predict: Predict, resources: Resources) -> pl.DataFrame:
    """Return every prediction: language, id, group, and the columns of the kind's outcome."""
    if not cell.target:
        return pl.DataFrame(schema={"language": pl.String, "id": pl.String, "group": pl.Int64})
    kind = kind_of_task(cell.task)
    return pl.concat([_predictions(bag, predict(bag), kind) for bag in test_bags(cell, resources)])


def predict_development(cell: Cell, predict: Predict, resources: Resources) -> pl.DataFrame | None:
    """Return predictions as `predict_cell` does, of the development rows; None where the recipe has none."""
    if cell.development is None:
        return None
    bags, kind = development_bags(cell.development, resources).values(), kind_of_task(cell.task)
    return pl.concat([_predictions(bag, predict(bag), kind) for bag in bags])


def predict_unlabelled(cell: Cell, predict: Predict, resources: Resources) -> pl.DataFrame | None:
    """Return predictions as `predict_cell` does, without labels, of rows that have none; None where there are none."""
    if not cell.unlabelled:
        return None
    bags = [resources.unlabelled_bag(cell.task, language, cell.split) for language in cell.unlabelled]
    kind = kind_of_task(cell.task)
    return pl.concat([_predictions(bag, predict(bag), kind) for bag in bags]).drop("label")


def unknown_shares(cell: Cell, resources: Resources) -> dict[str, float]:
    """Return which share of each language's tokens the encoder's vocabulary does not know, 0 to 1."""
    bags = [*test_bags(cell, resources)]
    bags += [resources.unlabelled_bag(cell.task, language, cell.split) for language in cell.unlabelled]
    return {bag.language: bag.unknown_share for bag in bags}


def score_cell(
    cell: Cell, predictions: pl.DataFrame, development: pl.DataFrame | None, facts: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the cell's rows of the score frame; the metrics of development rows are called so."""
    kind = kind_of_task(cell.task)
    roles = {language: "auxiliary" if (role := cell.role(language)) == "seen" else role for language in cell.target}
    shared: dict[str, Any] = {"metrics": kind.metrics, "roles": roles, "facts": facts}
    scores = score_run(predictions, **shared)
    if development is None:
        return scores
    chosen_on = score_run(development, **shared).with_columns(
        pl.concat_str(pl.lit(DEVELOPMENT), "metric").alias("metric")
    )
    return stack([scores, chosen_on])


def collapsed(kind: Kind, predictions: pl.DataFrame, labels: tuple[str, ...]) -> dict[str, str]:
    """Return language → the only thing ever predicted there, in words, for languages where that cannot be right."""
    found = {}
    for (language,), part in predictions.group_by(["language"], maintain_order=True):
        alone = kind.collapsed(part.to_dict(as_series=False), labels) if part.height >= MANY else None
        if alone is not None:
            found[str(language)] = alone
    return found


def _predictions(bag: Bag, found: Predictions, kind: Kind) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "language": [bag.language] * len(bag),
            "id": [str(name) for name in bag.ids],
            "group": bag.groups.astype(np.int64),
            **kind.outcome(bag, found),
        }
    )
