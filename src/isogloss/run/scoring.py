"""Test a learner on a cell's languages: predictions of every example, and the rows of the score frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.evaluation.frame import DEVELOPMENT, score_run, stack
from isogloss.keys import Key
from isogloss.learner.reading import Predictions
from isogloss.recipe.planned import Cell
from isogloss.run.development import development_bags
from isogloss.run.resources import Resources

Predict = Callable[[Bag], Predictions]

MANY = 50  # examples of several labels that a working model would not give all the same label


def test_bags(cell: Cell, resources: Resources) -> Iterator[Bag]:
    """Yield what a cell is tested on, language by language; the same examples in every language and arm."""
    key = Key(cell.draw, "", purpose="evaluation")
    for language in cell.target:
        yield resources.bag(cell.task, language, cell.split).subset(examples=cell.examples, key=key)


def predict_cell(cell: Cell, predict: Predict, resources: Resources) -> pl.DataFrame:
    """Return every prediction: language, id, group, label, prediction (indices), p0 … (probabilities, float32)."""
    return pl.concat([_predictions(bag, predict) for bag in test_bags(cell, resources)])


def predict_development(cell: Cell, predict: Predict, resources: Resources) -> pl.DataFrame | None:
    """Return predictions as `predict_cell` does, of the development rows; None where the recipe has none."""
    if cell.development is None:
        return None
    bags = development_bags(cell.development, resources)
    return pl.concat([_predictions(bag, predict) for bag in bags.values()])


def score_cell(
    cell: Cell, predictions: pl.DataFrame, development: pl.DataFrame | None, facts: Mapping[str, Any], n_labels: int
) -> pl.DataFrame:
    """Return the cell's rows of the score frame; the metrics of development rows are called so."""
    kind = registry.load("kinds", cell.task.kind)()
    roles = {language: "auxiliary" if (role := cell.role(language)) == "seen" else role for language in cell.target}
    shared: dict[str, Any] = {"metrics": kind.metrics, "n_labels": n_labels, "roles": roles, "facts": facts}
    scores = score_run(predictions, **shared)
    if development is None:
        return scores
    chosen_on = score_run(development, **shared).with_columns(
        pl.concat_str(pl.lit(DEVELOPMENT), "metric").alias("metric")
    )
    return stack([scores, chosen_on])


def collapsed(predictions: pl.DataFrame, labels: tuple[str, ...]) -> dict[str, str]:
    """Return language → the only label ever predicted there, for languages where one label is all there is."""
    found = {}
    for (language,), part in predictions.group_by(["language"], maintain_order=True):
        alone = part["prediction"].n_unique() == 1 and part["label"].n_unique() > 1
        if alone and part.height >= MANY:
            found[str(language)] = labels[part["prediction"][0]]
    return found


def _predictions(bag: Bag, predict: Predict) -> pl.DataFrame:
    found = predict(bag)
    probabilities = found.probabilities
    return pl.DataFrame(
        {
            "language": [bag.language] * len(bag),
            "id": [str(name) for name in found.ids],
            "group": bag.groups.astype(np.int64),
            "label": found.labels.astype(np.int16),
            "prediction": found.predictions.astype(np.int16),
            **{f"p{label}": probabilities[:, label] for label in range(probabilities.shape[1])},
        }
    )
