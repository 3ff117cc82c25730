"""Rows that stand in two splits, or nearly so, within a language."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Base, Examination, Finding, Severity, quoted, sorted_findings, stands_out

NEAR = 0.9
"""Jaccard similarity of character 5-grams from which two texts are nearly the same."""

_GRAM = 5
_REPEATED = Base(0.002)  # of one's own rows
_SHORT = 30  # letters and digits: below, texts that differ in one word are different commands


def examine(columns: Sequence[Column]) -> Examination:
    """Return rows tested on that are trained on, or chosen by, word for word or nearly so."""
    findings: list[Finding] = []
    pairs = 0
    for tested in (column for column in columns if "tested" in column.roles):
        for other in columns:
            apart = (other.task.name, other.split) != (tested.task.name, tested.split) and tested.task.split is None
            if apart and other.language == tested.language and "tested" not in other.roles:
                pairs += 1
                findings += _findings(tested, other)
    folded = [column for column in columns if column.task.split is not None]
    for name, language in dict.fromkeys((column.task.name, column.language) for column in folded):
        findings += _repeated([one for one in folded if (one.task.name, one.language) == (name, language)])
    looked = f"{pairs} pairs of a split tested on with another one: equal texts (case, punctuation and form of "
    looked += f"characters aside), and texts of {_SHORT} letters or more whose 5-grams agree to {NEAR:.0%}"
    if folded:
        repeated = "equal texts among rows that are cut into folds, where any two may be trained and tested on"
        looked = repeated if not pairs else f"{looked}; {repeated}"
    return Examination("duplicates", looked, sorted_findings(findings))


def normal(text: str) -> str:
    """Return a text without what does not make it another: case, punctuation, compatibility forms, spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded).split())


def _findings(tested: Column, other: Column) -> Iterator[Finding]:
    ours, theirs = [list(map(normal, column.texts)) for column in (tested, other)]
    there = set(theirs) - {""}
    equal = [row for row, text in enumerate(ours) if text in there]
    where, remedy = tested.where, f"drop these rows from {other.split}, or from the test"
    if equal:
        count = f"{len(equal):,} of {len(ours):,} rows stand word for word in {other.task.name} {other.split}"
        warned = _unusual(equal, ours, theirs)
        usual = "" if warned else f", as often as rows of {other.split} repeat each other"
        places = quoted([tested.rows.places[row] for row in equal])
        yield Finding("warning" if warned else "note", where, count + usual, remedy, places, len(equal))
    long = [row for row, text in enumerate(ours) if len(text) >= _SHORT and text not in there]
    near = near_duplicates([ours[row] for row in long], [text for text in theirs if len(text) >= _SHORT])
    if near:
        places = quoted([tested.rows.places[long[row]] for row in near])
        what = f"{len(near):,} of {len(ours):,} rows stand nearly so in {other.task.name} {other.split}"
        yield Finding("note", where, what, remedy, places, len(near))


def _repeated(columns: Sequence[Column]) -> Iterator[Finding]:
    """Yield what repeats itself among rows that are cut into folds, but for rows that share a group, and so a fold."""
    rows = [(normal(text), group, place) for one in columns for text, group, place in _rows(one)]
    first: dict[str, int] = {}
    again = [place for text, group, place in rows if text and first.setdefault(text, group) != group]
    if again:
        where = f"{columns[0].task.name} {columns[0].language} {columns[0].task.pool}"
        what = f"{len(again):,} of {len(rows):,} rows repeat another word for word, which may be in another fold"
        remedy = "drop them, or name a column that says what belongs together: group = { column = … }"
        severity: Severity = "warning" if stands_out(len(again), len(rows), _REPEATED) else "note"
        yield Finding(severity, where, what, remedy, quoted(again), len(again))


def _rows(column: Column) -> Iterator[tuple[str, int, str]]:
    yield from zip(column.texts, column.rows.groups.tolist(), column.rows.places, strict=True)


def _unusual(equal: Sequence[int], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether more short texts, or more long ones, repeat the other split than repeat their own."""
    sides = []
    for is_long in (False, True):
        own = [text for text in ours if (len(text) >= _SHORT) == is_long]
        count = sum((len(ours[row]) >= _SHORT) == is_long for row in equal)
        usual = usual_share([text for text in theirs if (len(text) >= _SHORT) == is_long])
        sides.append(stands_out(count, len(own), Base(usual, 2)))
    return any(sides)


def usual_share(texts: Sequence[str]) -> float:
    """Return how often a text repeats another one of its own split.

    Rows that were put into splits at random repeat each other across splits as often as within one.
    """
    counts = Counter(texts)
    repeated = sum(count for text, count in counts.items() if count > 1 and text)
    return (repeated + 1) / (len(texts) + 1)


def near_duplicates(texts: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return which texts have a Jaccard similarity of `NEAR` or more with one of the others.

    Exact, by prefixes: two sets that are so much alike share one of the rarest 1 − `NEAR` of the grams of each.
    """
    grams = [_grams(text) for text in others]
    often = Counter(gram for some in grams for gram in some)
    index: Mapping[str, list[int]] = defaultdict(list)
    for number, some in enumerate(grams):
        for gram in _prefix(some, often):
            index[gram].append(number)
    found = []
    for row, text in enumerate(texts):
        own = _grams(text)
        tried = {number for gram in _prefix(own, often) for number in index.get(gram, ())}
        if any(len(own & grams[k]) >= NEAR * len(own | grams[k]) for k in tried):
            found.append(row)
    return found


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + _GRAM] for at in range(max(len(text) - _GRAM + 1, 1)))


def _prefix(grams: frozenset[str], often: Mapping[str, int]) -> list[str]:
    kept = len(grams) - int(-(-NEAR * len(grams) // 1)) + 1
    return sorted(grams, key=lambda gram: (often.get(gram, 0), gram))[:kept]
