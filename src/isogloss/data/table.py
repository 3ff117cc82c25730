"""One table out of one file: TSV, CSV, JSON lines, Parquet or plain text, each also gzipped."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from isogloss.errors import mistake, nearest


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and where each row stands.

    Attributes:
        origin: the file, or the hub's data set, as messages name it.
        columns: name → one value a row.
        places: what a message calls row k within `origin`: its line in a text file, its row elsewhere.
        positions: the row's number from 0 among the rows of its split, those that a language lacks included.
        sha256: of the file's bytes, hex; empty where there is not one file.
        origins: the file of each row, where they are of several; else empty.
    """

    origin: str
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    positions: Sequence[int]
    sha256: str = ""
    origins: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        """Return `file:line` of a row."""
        return f"{self.origins[row] if self.origins else self.origin}:{self.places[row]}"

    def place_beside(self, row: int, other: int) -> str:
        """Return what a message about the row `other` calls another row: with its file only if it is another."""
        same = not self.origins or self.origins[row] == self.origins[other]
        return f"row {self.places[row]}" if same else self.place(row)

    def column(self, name: str) -> Sequence[Any]:
        """Return a column.

        Raises:
            Mistakes: there is none of that name.
        """
        if name not in self.columns:
            raise mistake(f'no column "{name}"', where=self.origin, remedy=nearest(name, self.columns))
        return self.columns[name]

    def where(self, keep: Sequence[bool]) -> Table:
        """Return the rows for which `keep` is true, numbered anew from 0."""
        columns = {name: list(compress(values, keep)) for name, values in self.columns.items()}
        places = list(compress(self.places, keep))
        origins = list(compress(self.origins, keep))
        return Table(self.origin, columns, places, range(len(places)), self.sha256, origins)


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of several tables, each after those before it; a column that one lacks is None there."""
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {name: [v for t in tables for v in t.columns.get(name, [None] * len(t))] for name in names}
    origins = [table.origin for table in tables for _ in table.places]
    places = [place for table in tables for place in table.places]
    positions: list[int] = []
    for table in tables:
        first = positions[-1] + 1 if positions else 0
        positions += [first + position for position in table.positions]
    return Table(" and ".join(table.origin for table in tables), columns, places, positions, "", origins)


def read_table(path: Path) -> Table:
    """Return the table in a file; its format is the one that its name ends in.

    TSV is split on tabs and nothing else: quotes are letters, and "NA" is a text. CSV follows RFC 4180, with
    line breaks inside quotes; it is separated by semicolons where its header has some and no comma. A byte-order mark
    is dropped.

    Raises:
        Mistakes: the file is missing, empty, not UTF-8, or not what its name says, with the line.
    """
    parse = _PARSERS.get(_format(path))
    if parse is None:
        known = f"known: {', '.join(_PARSERS)}, each also .gz"
        remedy = 'save it as "CSV UTF-8" there' if _format(path).lower() in _SPREADSHEETS else known
        raise mistake(f'no table format "{_format(path)}"', where=str(path), remedy=remedy)
    data = read_bytes(path)
    columns, places = parse(data, str(path))
    if not places:
        raise mistake("holds no rows", where=str(path), remedy="give a file with rows, or leave it out")
    return Table(str(path), columns, places, range(len(places)), hashlib.sha256(data).hexdigest())


def read_lines(path: Path) -> tuple[list[str], str]:
    r"""Return the lines of a plain-text file (ended by "\n" or "\r\n") and the SHA-256 (hex) of its bytes."""
    data = read_bytes(path)
    return _lines(data, str(path)), hashlib.sha256(data).hexdigest()


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes, unpacked if it ends in `.gz`.

    Raises:
        Mistakes: it is missing, or cannot be read or unpacked.
    """
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except FileNotFoundError:
        raise mistake("no such file", where=str(path), remedy="check the folder and the pattern") from None
    except (OSError, EOFError, zlib.error) as fault:
        raise mistake(f"cannot be read: {fault}", where=str(path), remedy="check the file") from None


def _format(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix


_SPREADSHEETS = (".xlsx", ".xls", ".ods")
_Parsed = tuple[dict[str, Sequence[Any]], Sequence[int]]


def _lines(data: bytes, origin: str) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        what = "UTF-16, not UTF-8" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "not UTF-8"
        raise mistake(what, where=f"{origin}:{line}", remedy="save the file as UTF-8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _tsv(data: bytes, origin: str) -> _Parsed:
    lines = _lines(data, origin)
    return _columns([(number, line.split("\t")) for number, line in enumerate(lines, 1)], origin)


def _csv(data: bytes, origin: str) -> _Parsed:
    text = "\n".join(_lines(data, origin))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_separator(text))
    records, start = [], 1
    try:
        for cells in reader:
            if cells:  # a blank line
                records.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as fault:
        raise mistake(f"not CSV: {fault}", where=f"{origin}:{start}", remedy="mend the quotes") from None
    return _columns(records, origin)


def _separator(text: str) -> str:
    """Return what separates the cells: a spreadsheet writes semicolons where a comma stands in its numbers."""
    header = next(csv.reader(io.StringIO(text, newline="")), [])
    return ";" if len(header) == 1 and ";" in header[0] else ","


def _columns(records: list[tuple[int, list[str]]], origin: str) -> _Parsed:
    """Turn records, the header first, into columns."""
    if not records:
        raise mistake("is empty", where=origin, remedy="give a file with a header and rows")
    (_, header), *rows = records
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise mistake(f"columns named twice: {sorted(twice)}", where=f"{origin}:1", remedy="rename one")
    for line, cells in rows:
        if len(cells) != len(header):
            what = f"{len(cells)} columns where the header has {len(header)}"
            raise mistake(what, where=f"{origin}:{line}", remedy="mend the line")
    columns = zip(*(cells for _, cells in rows), strict=True) if rows else ((),) * len(header)
    return dict(zip(header, columns, strict=True)), [line for line, _ in rows]


def _json_lines(data: bytes, origin: str) -> _Parsed:
    rows = [
        (number, _json_object(line, f"{origin}:{number}"))
        for number, line in enumerate(_lines(data, origin), 1)
        if line.strip()
    ]
    names = dict.fromkeys(name for _, row in rows for name in row)
    return {name: [row.get(name) for _, row in rows] for name in names}, [number for number, _ in rows]


def _json_object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as fault:
        raise mistake(f"not JSON: {fault}", where=place, remedy="write one object a line") from None
    if not isinstance(row, dict):
        raise mistake(f"not an object: {line[:40]}", where=place, remedy="write one object a line")
    return row


def _parquet(data: bytes, origin: str) -> _Parsed:
    import polars

    try:
        frame = polars.read_parquet(io.BytesIO(data))
    except (polars.exceptions.PolarsError, OSError) as fault:
        raise mistake(f"not Parquet: {fault}", where=origin, remedy="check the file") from None
    return {column.name: column.to_list() for column in frame}, range(1, len(frame) + 1)


_PARSERS: dict[str, Callable[[bytes, str], _Parsed]] = {
    ".tsv": _tsv,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
