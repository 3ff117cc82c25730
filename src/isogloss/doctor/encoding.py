"""Text that was read in another encoding than it was written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Base, Examination, Finding, Severity, quoted, sorted_findings, stands_out
from isogloss.doctor.extras import MISSING, missing
from isogloss.doctor.scripts import foreign_script

_SINGLE = Base(1e-4)  # clean data have none; three rows in a small column are told of
_MOST = 0.5  # of rows with letters beyond ASCII: the column as a whole
_GARBLED = 0.2  # of all rows: what language they are in says nothing
_FEW = 0.02  # below this share of rows it is somebody's slip, not a column's
_BROKEN = re.compile("[\x80-\x9f\ufffd]")
_LATER = 200  # rows of a column that older encodings are tried on
_WRITTEN = ("cp1251", "koi8-r", "iso8859-5", "cp1253", "iso8859-7", "cp1255", "cp1256", "iso8859-6", "tis-620")
_WRITTEN_WIDE = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr")
_READ_AS = ("cp1252", "latin-1")


def garbled(examination: Examination, columns: Sequence[Column]) -> frozenset[str]:
    """Return the columns (`Column.where`) that a finding says most of the letters of are wrong in."""
    sizes = {column.where: len(column.rows) for column in columns}
    return frozenset(one.where for one in examination.findings if (one.count or 0) > _GARBLED * sizes[one.where])


def examine(columns: Sequence[Column]) -> Examination:
    """Return columns with text that another encoding makes sense of, or that lost its letters."""
    findings = [finding for column in columns for finding in _findings(column)]
    looked = "every row for UTF-8 that was read as a one-byte encoding, for replacement and control characters; "
    looked += "columns in another script for an older encoding of their own"
    if missing("ftfy"):
        looked = f"every row for replacement and control characters; the rest was not: {MISSING}"
    return Examination("encoding", looked, sorted_findings(findings))


def _findings(column: Column) -> Iterator[Finding]:
    texts = column.texts
    misread = [] if missing("ftfy") else [row for row, text in enumerate(texts) if _misread(text)]
    broken = [row for row, text in enumerate(texts) if _BROKEN.search(text)]
    if stands_out(len(misread), len(texts), _SINGLE) and len(misread) > _MOST * sum(not t.isascii() for t in texts):
        yield _was_misread(column, texts, misread)
        return
    older = [found for language, part in column.by_language() if (found := _older(part, language)) is not None]
    for written, read, count in older:
        what = f"its letters make sense as {written} that was read as {read} ({count} rows tried)"
        remedy = f"write the file anew: read it as {written}, write UTF-8"
        yield Finding("warning", column.where, what, remedy, quoted(column.rows.places), len(texts))
    if older:
        return
    if stands_out(len(misread), len(texts), _SINGLE):
        yield _was_misread(column, texts, misread)
    if stands_out(len(broken), len(texts), _SINGLE):
        what = f"{_share(broken, texts)} have characters that stand for letters which were lost (U+FFFD, controls)"
        yield _finding(column, what, "write the file anew from its source, in the encoding that this is in", broken)


def _was_misread(column: Column, texts: Sequence[str], rows: Sequence[int]) -> Finding:
    import ftfy

    before, after = texts[rows[0]], ftfy.fix_encoding(texts[rows[0]])
    what = f'{_share(rows, texts)} are UTF-8 that was read as another encoding ("{_cut(before, after)}")'
    return _finding(column, what, "write the file anew from its source, or mend it with ftfy", rows)


def _finding(column: Column, what: str, remedy: str, rows: Sequence[int]) -> Finding:
    severity: Severity = "warning" if len(rows) > _FEW * len(column.rows) else "note"
    return Finding(severity, column.where, what, remedy, quoted([column.rows.places[row] for row in rows]), len(rows))


def _misread(text: str) -> bool:
    import ftfy

    return not text.isascii() and ftfy.fix_encoding(text) != text


def _older(texts: Sequence[str], language: str) -> tuple[str, str, int] | None:
    """Return an older encoding of the language's own script, what it was read as, and how many rows it mends.

    Only where most rows that have letters are in another script now, and are not any more in that encoding.
    """
    some = [text for text in texts if not text.isascii()][:_LATER]
    odd = [text for text in some if foreign_script(text, language)]
    if len(odd) < 3 or len(odd) < len(some) / 2:
        return None
    every = product((*_WRITTEN, *_WRITTEN_WIDE), _READ_AS)
    mended = {pair: [_mended(text, *pair, language) for text in odd] for pair in every}
    # Encodings of one script differ in which bytes are capitals: the right one has the fewest.
    best = max(mended, key=lambda pair: sum(1 + _small(text) for text in mended[pair] if text is not None))
    count = sum(text is not None for text in mended[best])
    return (*best, count) if count > len(odd) / 2 else None


def _mended(text: str, written: str, read: str, language: str) -> str | None:
    """Return a text read anew, where most of it then is letters of the language's own script."""
    try:
        again = text.encode(read).decode(written)
    except UnicodeError:
        return None
    letters = sum(map(str.isalpha, again))
    own = letters >= len(again.replace(" ", "")) / 2 and foreign_script(again, language) is None
    return again if own else None


def _small(text: str) -> float:
    """Return the share of small letters, 0 to 1, among letters."""
    letters = [letter for letter in text if letter.isalpha()]
    return sum(not letter.isupper() for letter in letters) / max(len(letters), 1)


def _share(rows: Sequence[int], texts: Sequence[str]) -> str:
    return f"{len(rows):,} of {len(texts):,} rows"


def _cut(before: str, after: str) -> str:
    """Return the first word that differs, before and after."""
    for old, new in zip(before.split(), after.split(), strict=False):
        if old != new:
            return f"{old[:24]} for {new[:24]}"
    return before[:24]
