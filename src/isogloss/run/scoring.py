"""Test a learner on a cell's languages: predictions of every example, and the rows of the score frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.evaluation.frame import score_run
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.recipe.plan import Cell
from isogloss.run.resources import Resources

MANY = 50  # examples of several labels that a working model would not give all the same label


def test_bags(cell: Cell, resources: Resources) -> Iterator[Bag]:
    """Yield what a cell is tested on, language by language; the same examples in every language and arm."""
    key = Key(cell.effective.draw, "", purpose="evaluation")
    for language in cell.target:
        yield resources.bag(cell.task, language, cell.split).subset(examples=cell.examples, key=key)


def predict_cell(cell: Cell, learner: Learner, resources: Resources) -> pl.DataFrame:
    """Return every prediction: language, id, group, label, prediction (indices), p0 … (probabilities, float32)."""
    return pl.concat([_predictions(bag, learner) for bag in test_bags(cell, resources)])


def score_cell(cell: Cell, predictions: pl.DataFrame, facts: Mapping[str, Any], n_labels: int) -> pl.DataFrame:
    """Return the cell's rows of the score frame."""
    kind = registry.load("kinds", cell.task.kind)()
    roles = {language: "auxiliary" if (role := cell.role(language)) == "seen" else role for language in cell.target}
    return score_run(predictions, metrics=kind.metrics, n_labels=n_labels, roles=roles, facts=facts)


def collapsed(predictions: pl.DataFrame, labels: tuple[str, ...]) -> dict[str, str]:
    """Return language → the only label ever predicted there, for languages where one label is all there is."""
    found = {}
    for (language,), part in predictions.group_by(["language"], maintain_order=True):
        alone = part["prediction"].n_unique() == 1 and part["label"].n_unique() > 1
        if alone and part.height >= MANY:
            found[str(language)] = labels[part["prediction"][0]]
    return found


def _predictions(bag: Bag, learner: Learner) -> pl.DataFrame:
    found = learner.predict(bag)
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
