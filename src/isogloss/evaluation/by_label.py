"""Precision, recall and F1 of each label, by language: frame and table.

The frame has a row for a variant, a cell, a language and a label, over all seeds, shares in percent: recipe, variant,
axis.NAME, language, role, label, average, n (rows that have the label), seeds, precision, recall, f1, and predicted: in
how many seeds the label was predicted at all, which precision is the mean over. The last two rows of a language are
over all labels: `label` is null there, `average` says which ("macro_f1", "accuracy"), and its value stands in f1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isogloss.errors import mistake
from isogloss.evaluation.frame import Arm, arms, axis_columns, only
from isogloss.evaluation.naming import named
from isogloss.evaluation.tabular import MARKS, Cell, Column, Group, Table

AVERAGES = {"macro_f1": "all: macro-F1", "accuracy": "all: accuracy"}
"""The rows over all labels, and what a table calls them."""
NEEDED = ("language", "label", "prediction")
"""The columns of predictions that are read."""
_SHARES = ("precision", "recall", "f1")
_TYPES = dict.fromkeys(_SHARES, pl.Float64) | {"label": pl.String, "average": pl.String, "predicted": pl.Int64}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Counts(NamedTuple):
    """What came of one run's rows in one language, by label: arrays [L].

    Attributes:
        n: rows that have the label.
        given: rows that are given it.
        hits: rows that have it and are given it.
    """

    n: Integers
    given: Integers
    hits: Integers

    @classmethod
    def of(cls, predictions: pl.DataFrame, size: int) -> Counts:
        """Count rows, of L = `size` labels."""
        labels, given = (predictions[name].to_numpy().astype(np.int64) for name in ("label", "prediction"))
        parts = (labels, given, labels[labels == given])
        return cls(*(np.bincount(part, minlength=size) for part in parts))

    def shares(self) -> dict[str, Floats]:
        """Precision, recall and F1 in percent, [L]: not a number where a label is never predicted, or has no rows."""
        f1 = np.where(self.n > 0, self._f1, np.nan)
        return {"precision": _percent(self.hits, self.given), "recall": _percent(self.hits, self.n), "f1": f1}

    def averages(self) -> dict[str, float]:
        """Macro-F1 and accuracy in percent, as the kind has them: a label that is only predicted has an F1 of 0."""
        return {"macro_f1": float(np.nanmean(self._f1)), "accuracy": 100 * float(self.hits.sum() / self.n.sum())}

    @property
    def _f1(self) -> Floats:
        return _percent(2 * self.hits, self.n + self.given)


def _percent(part: Integers, whole: Integers) -> Floats:
    share: Floats = np.divide(100.0 * part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def label_frame(predictions: pl.DataFrame, scores: pl.DataFrame, labels: Sequence[str]) -> pl.DataFrame:
    """Return precision, recall and F1 of each label.

    Args:
        predictions: of some runs (`Store.predictions`), the axis of folds dropped: they then count as one run.
        scores: a score frame of the same runs, which says what was trained on.
        labels: names, by index.

    Raises:
        Mistakes: what is predicted are no labels.
    """
    if not set(NEEDED) <= set(predictions.columns):
        what = "what these runs predict are no labels"
        raise mistake(what, where="--by-label", remedy="leave it out: it is for classification")
    frame = named(predictions)
    of = ["recipe", "variant", *axis_columns(frame), "language"]
    role = {row[:-1]: row[-1] for row in named(scores).select(*of, "role").iter_rows()}
    rows = [
        {**dict(zip(of, values, strict=True)), "role": role.get(values, "unseen"), **row}
        for values, part in frame.group_by(of, maintain_order=True)
        for row in _rows([Counts.of(own, len(labels)) for _, own in part.group_by("seed", maintain_order=True)], labels)
    ]
    return pl.DataFrame(rows, schema_overrides=_TYPES, infer_schema_length=None)


def _rows(runs: Sequence[Counts], labels: Sequence[str]) -> Iterator[dict[str, object]]:
    """The rows of one arm and language: its labels, then what is over all of them."""
    n = np.mean([run.n for run in runs], axis=0)
    predicted = np.sum([run.given > 0 for run in runs], axis=0)
    shares = {name: _mean([run.shares()[name] for run in runs]) for name in _SHARES}
    for at, label in enumerate(labels):
        about = {"label": label, "average": None, "n": round(n[at]), "seeds": len(runs)}
        yield {**about, **{name: shares[name][at] for name in _SHARES}, "predicted": int(predicted[at])}
    for name in AVERAGES:
        value = float(np.mean([run.averages()[name] for run in runs]))
        about = {"label": None, "average": name, "n": round(n.sum()), "seeds": len(runs)}
        yield {**about, "precision": None, "recall": None, "f1": value, "predicted": None}


def _mean(runs: Sequence[Floats]) -> list[float | None]:
    """The mean over the runs that have a number; None where none has."""
    there = ~np.isnan(runs)
    count = there.sum(axis=0)
    total = np.where(there, runs, 0.0).sum(axis=0)
    return [float(one / n) if n else None for one, n in zip(total, count, strict=True)]


def label_table(frame: pl.DataFrame) -> Table:
    """Return the frame as a table: a row for each language and label, columns for each arm."""
    found = arms(frame)
    heads = (Column("language"), Column("label"), Column("rows", "integer"))
    shares = [
        Column(name, "number", many=True, group=str(arm)) for arm in found for name in ("precision", "recall", "F1")
    ]
    cells = {(arm, language, name): row for arm in found for language, name, row in _by_place(frame, arm)}
    places = dict.fromkeys((language, name) for _, language, name in cells)
    rows = []
    for language, name in places:
        own = [cells.get((arm, language, name)) for arm in found]
        n = max(row["n"] for row in own if row is not None)
        rows.append((Cell(language), Cell(name), Cell(n), *(cell for row in own for cell in _cells(row))))
    recipes = ", ".join(frame["recipe"].unique(maintain_order=True).to_list())
    title = f"{recipes}: precision, recall and F1 of each label in percent, mean over seeds"
    firsts = {language: at for at, (language, _) in reversed(list(enumerate(places)))}
    groups = tuple(Group("", at) for at in sorted(firsts.values()))
    return Table(title, (*heads, *shares), tuple(rows), (), tuple(_footnotes(frame)), groups)


def _by_place(frame: pl.DataFrame, arm: Arm) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for row in only(frame, arm).iter_rows(named=True):
        yield row["language"], row["label"] if row["average"] is None else AVERAGES[row["average"]], row


def _cells(row: Mapping[str, Any] | None) -> tuple[Cell, ...]:
    """An arm's precision, recall and F1; the last says whether the language was trained on."""
    if row is None:
        return (Cell(),) * 3
    seen = () if row["role"] == "unseen" else ("seen",)
    precision, recall, f1 = (row[name] for name in _SHARES)
    return Cell(precision), Cell(recall), Cell(f1, seen)


def _footnotes(frame: pl.DataFrame) -> Iterator[str]:
    of_labels = frame.filter(pl.col("average").is_null())
    if (frame["role"] != "unseen").any():
        yield f"{MARKS['seen']} the language was trained on."
    if of_labels["f1"].is_null().any():
        yield "A label without rows has no recall and no F1; if it is predicted, it counts as 0 in macro-F1."
    if of_labels["precision"].is_null().any():
        yield "A label that is never predicted has no precision."
    if of_labels.filter(pl.col("predicted").is_between(1, pl.col("seeds") - 1)).height:
        yield "Precision is the mean over the seeds in which a label was predicted."
    yield "Accuracy is that of all rows, which is micro-F1."
