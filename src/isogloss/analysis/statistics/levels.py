"""Which tests hold their level: measured, kept beside the code, and said wherever a p-value of them is shown.

`PYTHONPATH=tests python -m analysis.test_null_matrices` writes `levels.csv`. A test does not hold its level under a
null where it rejected more often than a test of 5 % does in 99 % of as many simulations.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import polars as pl
from scipy import stats

LEVEL = 0.05
SAME_LANGUAGE = "same-language pairs"
CONTROLLED = ("controlled", "controlled tree")
NULLS = {
    "effects": "row and column effects",
    "tree": "a family tree",
    "coarse tree": "a family tree that is known by family and branch only",
    SAME_LANGUAGE: "same-language pairs that are better, where distance has no effect",
    CONTROLLED[0]: "an effect of what is controlled for",
    CONTROLLED[1]: "a family tree and an effect of what is controlled for",
}
"""Null → what it is, in words; other worlds in the frame have an effect planted, for power."""


@cache
def levels() -> pl.DataFrame:
    """Return the rejections of every test: world, languages, test, coefficient, simulations, rejections."""
    with files(__package__).joinpath("levels.csv").open("rb") as file:
        return pl.read_csv(file)


def rates(frame: pl.DataFrame) -> pl.DataFrame:
    """Add to a frame as `levels()` the columns rate, low, high (Clopper & Pearson's 95 % interval) and held.

    `held` is null where the world is no null.
    """
    rows = []
    for row in frame.iter_rows(named=True):
        found = stats.binomtest(row["rejections"], row["simulations"])
        interval = found.proportion_ci(0.95, method="exact")
        most = stats.binom.ppf(0.99, row["simulations"], LEVEL)
        held = bool(row["rejections"] <= most) if row["world"] in NULLS else None
        rows.append((found.statistic, interval.low, interval.high, held))
    schema = {"rate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "held": pl.Boolean}
    return frame.hstack(pl.DataFrame(rows, schema=schema, orient="row"))


@cache
def broken(test: str, coefficient: str) -> tuple[str, ...]:
    """Return the nulls under which a test does not hold its level, at any number of languages.

    Raises:
        KeyError: the test was not measured.
    """
    rows = levels().filter(pl.col("test") == test, pl.col("coefficient") == coefficient)
    if rows.is_empty():
        raise KeyError(f"{test}, {coefficient}: not in levels.csv")
    lost = set(rates(rows).filter(~pl.col("held"))["world"])
    return tuple(null for null in NULLS if null in lost)


def warning(test: str, coefficient: str, *, with_same_language: bool, controlled: bool = False) -> str:
    """Return what must stand beside a p-value of a test, "" where it holds its level under every null that applies.

    Args:
        test: its name.
        coefficient: of what.
        with_same_language: whether same-language pairs were compared.
        controlled: whether it was told of something to control for.
    """
    applies = {SAME_LANGUAGE: with_same_language, **dict.fromkeys(CONTROLLED, controlled)}
    lost = [NULLS[null] for null in broken(test, coefficient) if applies.get(null, True)]
    return f"does not hold its level under: {'; '.join(lost)}" if lost else ""
