"""Predictions that have collapsed to one label are told from those that have not."""

from __future__ import annotations

import polars as pl

from isogloss.kinds.text_classification import TextClassification
from isogloss.run.scoring import MANY, collapsed


def predictions(language: str, predicted: list[int], labels: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"language": language, "prediction": predicted, "label": labels})


def test_one_label_for_many_examples_of_several_is_a_collapse() -> None:
    labels = [row % 3 for row in range(MANY)]
    frame = pl.concat(
        [
            predictions("sw", [1] * MANY, labels),
            predictions("de", [1] * (MANY - 1) + [2], labels),
            predictions("fr", [0] * MANY, [0] * MANY),  # as the data has it
            predictions("el", [2] * (MANY - 1), labels[1:]),  # too few to tell
        ]
    )
    assert collapsed(TextClassification(), frame, ("a", "b", "c")) == {"sw": "b"}
