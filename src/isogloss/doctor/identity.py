"""Rows that are in another language than their column, and columns that are.

The identifier is `py3langid` (a naive Bayes model over byte n-grams, 4.6 MB, in the package itself). A row counts only
where it is sure: another language has more than half of the probability, and the column's own less than a hundredth.
Related languages, which short texts do not tell apart, then share the probability and are not taken for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isogloss.doctor.columns import Column
from isogloss.doctor.examination import (
    Base,
    Examination,
    Finding,
    Severity,
    named,
    quoted,
    sorted_findings,
    stands_out,
)
from isogloss.doctor.extras import MISSING, missing
from isogloss.doctor.scripts import NAMES, foreign_script, scripts_of
from isogloss.languages import languages

_SURE, _NOT_OWN = 0.5, 0.01
_USUAL = Base(3e-4)  # at most 1 in 1,000 rows of any clean column was taken for any one other language
_BORROWED = Base(1e-2)  # titles, brands and whole commands in English or in Latin letters
_TOLD = Base(3e-3, 5)
_PIECE, _PIECES = 20, 15  # rows read together, to ask what a column is in as a whole
_CODES = {"nb": "no", "zh-Hant": "zh"}  # ours → the identifier's

Probabilities = Callable[[Sequence[str]], NDArray[np.float64]]


def examine(columns: Sequence[Column], garbled: frozenset[str] = frozenset()) -> Examination:
    """Return columns, and rows in columns, that are in another language or script than they should be.

    Args:
        columns: of all tasks.
        garbled: those (`Column.where`) whose letters are wrong, which are left out.
    """
    columns = [column for column in columns if column.where not in garbled]
    identify = None if missing("py3langid") else probabilities
    parts = [(column, *part) for column in columns for part in column.by_language()]
    data = frozenset(language for _, language, _ in parts)
    findings = [
        finding for column, language, texts in parts for finding in _findings(column, language, texts, data, identify)
    ]
    looked = _looked(data, identify is not None)
    if garbled:
        looked += f"; not {named(sorted(garbled))}, whose encoding is wrong"
    return Examination("language", looked, sorted_findings(findings))


def identifiable(language: str) -> bool:
    """Whether the identifier knows a language."""
    return _code(language) in _identifier()[1]


def probabilities(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return [N, L], the probability of each text's language, over `identified_languages`."""
    identifier, known = _identifier()
    found = np.zeros((len(texts), len(known)))
    for row, text in enumerate(texts):
        ranked = dict(identifier.rank(text))
        found[row] = [ranked[code] for code in known]
    return found


def identified_languages() -> tuple[str, ...]:
    """Return the identifier's codes of the languages of our table that it knows: the columns of `probabilities`."""
    return _identifier()[1]


@cache
def _identifier() -> tuple[Any, tuple[str, ...]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    wanted = {_code(key) for key in languages()}
    identifier.set_languages(sorted(wanted & set(identifier.labels)))
    return identifier, tuple(identifier.labels)


def _code(language: str) -> str:
    return _CODES.get(language, language)


def _looked(data: frozenset[str], identified: bool) -> str:
    if not identified:
        return f"the script of every row of {len(data)} languages; the language was not: {MISSING}"
    unknown = sorted(language for language in data if not identifiable(language))
    told = f"script and language of every row of {len(data)} languages"
    if unknown:
        told += f"; {named(unknown)}: script only, the identifier does not know it"
    alike = sorted({language for language in data for other in data - {language} if _code(language) == _code(other)})
    return told + (f"; {' and '.join(alike)} are not told apart" if alike else "")


def _findings(
    column: Column, language: str, texts: Sequence[str], data: frozenset[str], identify: Probabilities | None
) -> Iterator[Finding]:
    known = identify is not None and identifiable(language)
    if known and (other := _whole(texts, language)) is not None:
        share, name = other
        what = f"as a whole it reads as {name}, not {_name(language)} ({share:.0%} of pieces of {_PIECE} rows)"
        remedy = "see whether the file is that of another language"
        yield Finding("warning", column.where, what, remedy, quoted(column.rows.places), len(texts))
        return
    for name, rows in sorted(_elsewhere(texts, language, data, known).items()):
        borrowed = name in ("en", "Latn")
        warned = stands_out(len(rows), len(texts), _BORROWED if borrowed else _USUAL)
        if not warned and not (borrowed and stands_out(len(rows), len(texts), _TOLD)):
            continue
        told = f"in {_name(name)}" if name in languages() else f"in {NAMES[name]} letters"
        what = f"{len(rows):,} of {len(texts):,} rows are {told}, not {_name(language)}"
        places = quoted([column.rows.places[row] for row in rows])
        severity: Severity = "warning" if warned else "note"
        yield Finding(severity, column.where, what, "look at these rows; move or drop them", places, len(rows))


def _elsewhere(texts: Sequence[str], language: str, data: frozenset[str], known: bool) -> Mapping[str, list[int]]:
    """Return the rows that are in another language (of the data, or English), or else in another script, by name."""
    found: dict[str, list[int]] = defaultdict(list)
    sure = _sure(texts, language) if known else [None] * len(texts)
    ours = {_code(key): key for key in sorted(languages(), reverse=True)}  # zh before zh-Hant
    for row, (text, code) in enumerate(zip(texts, sure, strict=True)):
        other = None if code is None else ours[code]
        script = foreign_script(text, language)
        if other is not None and script is not None and other not in data | {"en"}:
            other = None  # a language in letters that are not its own is as likely this one, romanised
        if other is not None and (script is None or script in scripts_of(other)):
            found[other].append(row)
        elif script is not None:
            found[script].append(row)
    return found


def _sure(texts: Sequence[str], language: str) -> list[str | None]:
    scores, known = probabilities(texts), identified_languages()
    own, best = scores[:, known.index(_code(language))], scores.argmax(axis=1)
    sure = (scores.max(axis=1) > _SURE) & (own < _NOT_OWN)
    return [known[other] if is_sure else None for other, is_sure in zip(best, sure, strict=True)]


def _whole(texts: Sequence[str], language: str) -> tuple[float, str] | None:
    """Return the language that most pieces of a column are surely in, and the share of them, if it is another."""
    every = [" ".join(texts[at : at + _PIECE]) for at in range(0, len(texts), _PIECE)]
    pieces = every[:: -(-len(every) // _PIECES)]
    found = [code for code in _sure(pieces, language) if code is not None]
    if len(found) <= len(pieces) / 2:
        return None
    code = max(sorted(set(found)), key=found.count)
    share = found.count(code) / len(pieces)
    name = next(_name(key) for key in sorted(languages()) if _code(key) == code)
    return (share, name) if share > 0.5 else None


def _name(language: str) -> str:
    return languages()[language].name
