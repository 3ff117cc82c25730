"""Rows whose label their text speaks against, within one language.

Kernel ridge regression on TF-IDF of character n-grams (1 to 4, within words) predicts the label of each row from all
others of its column: the residual of leaving a row out is α_i / (G⁻¹)_ii in closed form, with G = K + λI, α = G⁻¹Y, so
that nothing is fitted twice. A row is suspicious where the prediction gives its label next to nothing (below 0.05) and
another label most (above 0.6), on a scale on which the labels are 0 and 1.

People mislabel, and their texts are hard: on MASSIVE's training rows 0.4 to 1.2 % are suspicious as they are, against
1.8 to 2.9 % with 3 % of the labels permuted. So a column stands out only against the other languages of its task, or
where there are fewer than three, against the worst of these. In 600 rows it then never does, though few clean rows are
suspicious: so these are told as a note.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Base, Examination, Finding, named, quoted, sorted_findings, stands_out
from isogloss.doctor.extras import MISSING, missing
from isogloss.keys import Key

ROWS = 2500  # of a column: G has as many rows and columns
COLUMNS = 24  # a second or more each
_LEAST = 300  # rows; fewer teach too little
_RIDGE = 0.3
_GIVEN, _OTHER = 0.05, 0.6
_WORST = 0.012  # share that is suspicious in the worst clean column that was looked at
_SPREAD = 1.3  # languages differ from their median by this
_FEW = 3  # rows, from which a note is worth it
_BETTER = 0.15  # by so much it must be right more often than the most frequent label is


def examine(columns: Sequence[Column], covered: set[str]) -> Examination:
    """Return columns in which more rows are suspicious than in those of other languages.

    Args:
        columns: of all tasks.
        covered: those (`Column.where`) whose labels were held against translations: that sees more.
    """
    if missing("sklearn"):
        return Examination("suspicious labels", f"nothing was looked at: {MISSING}")
    wanted = [column for column in columns if _can_be_read(column) and column.where not in covered]
    blind, found = [], {}
    for column in wanted[:COLUMNS]:
        rows = _some(column)
        labels = column.labels[rows]
        texts = column.texts
        scores = left_out([texts[row] for row in rows], labels, len(column.label_names))
        if (scores.argmax(axis=1) == labels).mean() < np.bincount(labels).max() / len(labels) + _BETTER:
            blind.append(column.where)
        else:
            found[column.where] = (column, rows, rows[suspicious(scores, labels)])
    findings = [finding for at in found if (finding := _finding(at, found))]
    return Examination("suspicious labels", _looked(found, blind, wanted, covered), sorted_findings(findings))


def left_out(texts: Sequence[str], labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return [N, C], what all other rows predict for each: 1 where they are sure of a label, 0 where of its absence.

    Args:
        texts: N.
        labels: [N].
        count: C, how many labels there are.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    features = vectorizer.fit_transform(texts)
    kernel = (features @ features.T).toarray()
    one_hot = np.eye(count)[labels]
    inverse = np.linalg.inv(kernel + _RIDGE * np.eye(len(labels)))
    residuals = (inverse @ (one_hot - one_hot.mean(axis=0))) / np.diag(inverse)[:, None]
    predicted: NDArray[np.float64] = one_hot - residuals
    return predicted


def suspicious(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows whose own label has next to nothing while another has most; the worst first."""
    rows = np.arange(len(labels))
    given, others = scores[rows, labels], scores.copy()
    others[rows, labels] = -np.inf
    best = others.max(axis=1)
    found = np.flatnonzero((given < _GIVEN) & (best > _OTHER))
    worst: NDArray[np.int64] = found[np.argsort((given - best)[found], kind="stable")]
    return worst


def _can_be_read(column: Column) -> bool:
    """Whether a column has one text a row, and rows enough; two texts are a relation, which n-grams do not show."""
    return column.rows.labels is not None and len(column.task.texts) == 1 and len(column.rows) >= _LEAST


def _some(column: Column) -> NDArray[np.int64]:
    every = np.arange(len(column.rows))
    if len(every) <= ROWS:
        return every
    drawn: NDArray[np.int64] = Key(0, "doctor").generator().permutation(len(every))[:ROWS]
    return np.sort(drawn)


_Found = dict[str, tuple[Column, NDArray[np.int64], NDArray[np.int64]]]


def _finding(at: str, found: _Found) -> Finding | None:
    column, rows, odd = found[at]
    others = [len(o) / len(r) for c, r, o in found.values() if c.task == column.task and c.language != column.language]
    usual = _SPREAD * float(np.median(others)) if len(others) >= 3 else _WORST
    warned = stands_out(len(odd), len(rows), Base(max(usual, 1e-3), 5))
    if not warned and (len(others) >= 3 or len(odd) < _FEW):
        return None
    told = f"where {usual:.1%} is usual" if warned else "with too few other languages to say whether that is usual"
    what = f"the text of {len(odd):,} of {len(rows):,} rows speaks against their label, {told}"
    remedy = "look at these rows, the worst first; hard texts are among them"
    places = quoted([column.rows.places[row] for row in odd])
    return Finding("warning" if warned else "note", column.where, what, remedy, places, len(odd))


def _looked(found: _Found, blind: Sequence[str], wanted: Sequence[Column], covered: set[str]) -> str:
    columns = "1 column" if len(found) == 1 else f"{len(found)} columns"
    told = f"{columns}, up to {ROWS:,} rows of each, by character n-grams of the other rows"
    if blind:
        told += f"; in {named(blind)} these tell too little of the label"
    if len(wanted) > COLUMNS:
        told += f"; {len(wanted) - COLUMNS} more columns were left out"
    return told + (f"; {len(covered)} columns are held against their translations instead" if covered else "")
