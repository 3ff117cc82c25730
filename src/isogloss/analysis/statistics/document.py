"""The tables of docs/statistics.md, written from frames and never typed.

`isogloss.analysis.document` writes them into the blocks `<!-- statistics: NAME -->`; names are the keys of `blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from isogloss.analysis.statistics.frame import DEFAULT, TAKE_CONTROLS
from isogloss.analysis.statistics.levels import NULLS, levels, rates
from isogloss.analysis.statistics.printed import controlled, corrected, table1, table3
from isogloss.evaluation.frame import write_frame

KEPT = ("philippy2023-table1.csv", "philippy2023-table3.csv", "philippy2023-table1-pretraining.csv")
_SHOWN = {
    "naive, Pearson": ("naive", "pearson"),
    "Mantel": ("Mantel", "pearson"),
    "MRQAP-DSP": ("MRQAP-DSP", "partial"),
    "MRQAP-DSP, two-way": ("MRQAP-DSP", "two-way partial"),
    "mixed model": ("mixed model", "slope"),
    "spectral": (DEFAULT, "two-way pearson"),
}


def keep(folder: Path) -> None:
    """Write the frames that take random draws, so that a page is rebuilt from them and not from other draws."""
    for name, frame in zip(KEPT, (corrected(), table3(), controlled()), strict=True):
        write_frame(frame, folder / name)


def blocks(results: Path) -> Mapping[str, Callable[[], str]]:
    """Return what writes each table."""
    return {
        "levels": levels_table,
        "table1": _table1,
        "corrected": lambda: _corrected(pl.read_csv(results / KEPT[0])),
        "table3": lambda: _table3(pl.read_csv(results / KEPT[1])),
        "pretraining": lambda: _pretraining(*(pl.read_csv(results / KEPT[which]) for which in (0, 2))),
    }


def levels_table() -> str:
    """Return rejections in percent with their intervals: a row a test, a column a world and number of languages."""
    frame = rates(levels())
    worlds = list(frame.select("world", "languages").unique(maintain_order=True).iter_rows())
    heads = ["test", "coefficient", *(f"{world}, {n}" for world, n in worlds)]
    rows = []
    for (test, coefficient), part in frame.group_by(["test", "coefficient"], maintain_order=True):
        cells = {(row["world"], row["languages"]): row for row in part.iter_rows(named=True)}
        rows.append([f"**{test}**" if test == DEFAULT else str(test), str(coefficient)])
        rows[-1] += [_rate(cells[world]) if world in cells else "–" for world in worlds]
    return _markdown(heads, rows)


def _rate(row: Mapping[str, float | str | bool]) -> str:
    low, high = 100 * float(row["low"]), 100 * float(row["high"])
    mark = " ✗" if row["world"] in NULLS and not row["held"] else ""
    return f"{100 * float(row['rate']):.1f} ({low:.1f} to {high:.1f}){mark}"


def _table1() -> str:
    heads = ["distance", "Pearson, computed", "Pearson, printed", "Spearman, computed", "Spearman, printed"]
    return _markdown(heads, [[row[0], *(f"{value:.4f}" for value in row[1:])] for row in table1().iter_rows()])


def _table3(frame: pl.DataFrame) -> str:
    heads = ["distance", "with English, computed", "with English, printed", "without English"]
    heads += ["naive p", "p of permutation", "p of permutation, BH"]
    rows = [
        [row[0], *(f"{value:.4f}" for value in row[1:4]), *(_p(value) for value in row[4:])]
        for row in frame.iter_rows()
    ]
    return _markdown(heads, rows)


def _corrected(frame: pl.DataFrame) -> str:
    """Return coefficient and p of each test; a row for each distance, with and without same-language pairs."""
    heads = ["same-language pairs", "distance", "pairs", *(f"{name}: value, p, BH" for name in _SHOWN)]
    rows = []
    for (same, distance), part in frame.group_by(["with_same_language", "explanatory"], maintain_order=True):
        cells = []
        for test, coefficient in _SHOWN.values():
            row = part.filter(pl.col("test") == test, pl.col("coefficient") == coefficient).row(0, named=True)
            cells.append(f"{row['value']:.4f}, {_p(row['p'])}, {_p(row['p_bh'])}")
        rows.append(["with" if same else "without", str(distance), str(part["cells"][0]), *cells])
    return _markdown(heads, rows)


def _pretraining(distances: pl.DataFrame, sizes: pl.DataFrame) -> str:
    """Return what the tests that take controls find without and with sizes among the controls; a row a distance.

    Two-way coefficients are left out: with main effects of source and target, sizes are taken out anyway.
    """
    shown = {name: of for name, of in _SHOWN.items() if of[0] in TAKE_CONTROLS and "two-way" not in of[1]}
    heads = ["same-language pairs", "distance"]
    heads += [f"{name}{more}: value, p, BH" for name in shown for more in ("", ", sizes too")]
    key = ["with_same_language", "explanatory", "test", "coefficient"]
    both = sizes.join(distances, on=key, suffix="_distances", validate="1:1", maintain_order="left")
    rows = []
    for (same, distance), part in both.group_by(key[:2], maintain_order=True):
        cells = []
        for test, coefficient in shown.values():
            row = part.filter(pl.col("test") == test, pl.col("coefficient") == coefficient).row(0, named=True)
            for which in ("_distances", ""):
                value, p, bh = (row[f"{column}{which}"] for column in ("value", "p", "p_bh"))
                cells.append(f"{value:.4f}, {_p(p)}, {_p(bh)}")
        rows.append(["with" if same else "without", str(distance), *cells])
    return _markdown(heads, rows)


def _p(p: float | None) -> str:
    if p is None:  # a test that says itself that it cannot tell
        return "–"
    return "< .0001" if p < 0.0001 else f"{p:.4f}"


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
