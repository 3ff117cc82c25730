from __future__ import annotations

import csv
import io

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import precision_recall_fscore_support

from evaluation.make import ROLES, facts
from isogloss.errors import Mistakes
from isogloss.evaluation.by_label import label_frame, label_table
from isogloss.evaluation.frame import score_run, stack
from isogloss.evaluation.render import render
from isogloss.kinds.text_classification import TextClassification

LABELS = ("a", "b", "c", "never given", "never there", "neither")


def one(variant: str, seed: int, language: str, **more: object) -> pl.DataFrame:
    """Predictions of a run in one language: three labels are not there, or never given, or neither."""
    rng = np.random.default_rng([seed, *map(ord, variant + language)])
    labels = rng.choice(4, 60, p=[0.4, 0.3, 0.2, 0.1])
    given = np.where(rng.random(60) < 0.6, np.minimum(labels, 2), rng.choice([0, 1, 2, 4], 60))
    about = {key: pl.lit(value) for key, value in facts(variant, seed, **more).items()}
    frame = pl.DataFrame({"label": labels.astype(np.int16), "prediction": given.astype(np.int16)})
    return frame.with_columns(language=pl.lit(language), **about)


PREDICTED = pl.concat([one(variant, seed, each) for variant in ("pooled", "meta") for seed in (0, 1) for each in ROLES])


def scored(predicted: pl.DataFrame) -> pl.DataFrame:
    columns = [name for name in predicted.columns if name.startswith("axis.")]
    parts = predicted.group_by("variant", "seed", "run", *columns, maintain_order=True)
    return stack(
        [
            score_run(
                part,
                metrics=TextClassification().metrics,
                roles=ROLES,
                facts=facts(variant, seed, run=run, **dict(zip(columns, more, strict=True))),
            )
            for (variant, seed, run, *more), part in parts
        ]
    )


def of(frame: pl.DataFrame, **where: object) -> pl.DataFrame:
    return frame.filter(*(pl.col(name) == value for name, value in where.items()))


def test_every_number_is_that_of_scikit_learn() -> None:
    """Red when a label that is not there, or never given, has a number, or a mean is over another set of seeds."""
    frame = label_frame(PREDICTED, scored(PREDICTED), LABELS)
    for (variant, language), part in frame.filter(pl.col("average").is_null()).group_by("variant", "language"):
        reports = [
            precision_recall_fscore_support(
                own["label"], own["prediction"], labels=range(len(LABELS)), zero_division=np.nan
            )
            for _, own in of(PREDICTED, variant=variant, language=language).group_by("seed")
        ]
        for at, label in enumerate(LABELS):
            row = of(part, label=label).row(0, named=True)
            support = np.mean([report[3][at] for report in reports])
            assert row["n"] == round(support)
            for place, name in ((0, "precision"), (1, "recall"), (2, "f1")):
                values = [report[place][at] for report in reports]
                known = [100 * value for value in values if not np.isnan(value)]
                if not known or (name == "f1" and support == 0):
                    assert row[name] is None
                else:
                    assert row[name] == pytest.approx(np.mean(known), abs=1e-9)
    rows = {label: of(frame, label=label) for label in LABELS}
    assert rows["never given"]["precision"].null_count() == len(rows["never given"])
    assert rows["never given"]["recall"].unique().to_list() == [0.0]
    assert rows["never there"]["recall"].null_count() == rows["never there"]["f1"].null_count() == 8
    assert rows["never there"]["precision"].unique().to_list() == [0.0]
    assert rows["neither"].select("precision", "recall", "f1").null_count().row(0) == (8, 8, 8)


def test_what_is_over_all_labels_is_what_the_score_frame_says() -> None:
    scores = scored(PREDICTED)
    frame = label_frame(PREDICTED, scores, LABELS)
    means = scores.group_by("variant", "language", "metric").agg(pl.col("value").mean(), pl.col("n").first())
    for variant, language, metric, value, n in means.iter_rows():
        row = of(frame, variant=variant, language=language, average=metric).row(0, named=True)
        assert (row["f1"], row["n"], row["label"]) == (pytest.approx(value), n, None)


def test_folds_together_count_as_one_run() -> None:
    """Red when F1 is the mean of the folds' own."""
    folds = pl.concat(
        [one("pooled", 0, "sw", **{"axis.fold": str(fold), "run": f"f{fold}"}).slice(0, 10 + fold) for fold in (0, 1)]
    )
    whole = label_frame(folds.drop("axis.fold"), scored(folds).drop("axis.fold"), LABELS)
    report = precision_recall_fscore_support(
        folds["label"], folds["prediction"], labels=range(len(LABELS)), zero_division=np.nan
    )
    assert of(whole, label="a")["f1"][0] == pytest.approx(100 * report[2][0])
    assert of(whole, label="a")["n"][0] == report[3][0]
    assert whole["seeds"].unique().to_list() == [1]


def test_the_table_has_a_row_for_each_label_and_columns_for_each_arm() -> None:
    predicted = PREDICTED.with_columns(pl.lit("el").alias("axis.auxiliary"))
    frame = label_frame(predicted, scored(predicted), LABELS)
    made = label_table(frame)
    assert [(row[0].value, row[1].value) for row in made.rows] == [
        (language, name) for language in ROLES for name in (*LABELS, "all: macro-F1", "all: accuracy")
    ]
    assert [group.first for group in made.groups] == [0, 8, 16, 24]
    rows = list(csv.DictReader(io.StringIO(render([made], "csv"))))
    row = next(row for row in rows if (row["language"], row["label"]) == ("sw", "b"))
    mine = of(frame, variant="meta", language="sw", label="b").row(0, named=True)
    assert float(row["meta (auxiliary el): precision"]) == mine["precision"]
    assert float(row["meta (auxiliary el): F1"]) == mine["f1"]
    assert int(row["rows"]) == mine["n"]
    marks = {row[0].value: row[-1].marks for row in made.rows}
    assert marks == {"en": ("seen",), "el": ("seen",), "sw": (), "th": ()}
    for form in ("text", "md", "latex", "json"):
        assert "never there" in render([made], form)
    assert "A label that is never predicted has no precision." in made.footnotes


def test_a_label_that_not_every_seed_predicts_is_told_of() -> None:
    given = [PREDICTED, one("pooled", 2, "sw").with_columns(prediction=pl.lit(0, pl.Int16))]
    predicted = of(pl.concat(given), variant="pooled", language="sw")
    frame = label_frame(predicted, scored(predicted), LABELS)
    assert of(frame, label="b").select("seeds", "predicted").row(0) == (3, 2)
    assert "Precision is the mean over the seeds in which a label was predicted." in label_table(frame).footnotes


def test_answers_are_no_labels() -> None:
    answers = PREDICTED.drop("label", "prediction").with_columns(value=pl.lit(50.0))
    with pytest.raises(Mistakes, match="--by-label: what these runs predict are no labels; leave it out"):
        label_frame(answers, scored(PREDICTED), LABELS)
