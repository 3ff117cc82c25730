"""What papers claim beside what runs say of it: a table whose every number is that of a frame that was kept.

`claims.toml` beside the frames says of each claim where the paper makes it, its sign, and which row of which frame
speaks of it. The verdict follows from that row:

| verdict | means |
|---|---|
| shown | the test decides, for the claimed sign; or the difference is within the margin, where none is claimed |
| opposite | the test decides, for the other sign |
| not at the printed size | the test does not decide, but puts the difference below the size that the paper prints |
| undecided | neither |
| not tried | no frame speaks of it |
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from isogloss.analysis.correlations import MEAN, believed, read_answer
from isogloss.analysis.kept import ANSWER
from isogloss.errors import mistake
from isogloss.evaluation.comparison import MEANS, read_comparisons

FILE = "claims.toml"
MINUS = "−"
LEVEL = 0.05


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, in our words.

    Attributes:
        paper: its short name.
        place: where it makes the claim.
        claim: what it says.
        link: the section with the commands, from docs/.
        sign: of what is claimed: 1, −1, or 0 for no difference.
        comparisons: the frame of comparisons that speaks of it: NAME.comparisons.csv.
        variant: whose row it is.
        auxiliary: its value of that axis, where the frame has one.
        reversed: the row is of the difference the other way round.
        printed: the size of the difference in points, as the paper has it.
        margin: below it, in points, a difference counts as none.
        answers: the frame of answers that speaks of it: NAME.answer.csv.
        explanatory: its row: what the outcome is said to go with.
        layer: its row: of which layer the impact is.
        of: "mean over layers", for the row of that.
    """

    paper: str
    place: str
    claim: str
    link: str
    sign: int = 0
    comparisons: str | None = None
    variant: str = ""
    auxiliary: str | None = None
    reversed: bool = False
    printed: float | None = None
    margin: float = 0.0
    answers: str | None = None
    explanatory: str = ""
    layer: int | None = None
    of: str = ""


@dataclass(frozen=True)
class Finding:
    """What a row says of a claim: a verdict, and the numbers in words."""

    verdict: str
    numbers: str


def read_claims(results: Path) -> list[Claim]:
    """Return the claims that are kept beside the frames; none where there is no such file."""
    path = results / FILE
    return [Claim(**one) for one in tomllib.loads(path.read_text("utf-8"))["claims"]] if path.is_file() else []


def blocks(results: Path) -> Mapping[str, Callable[[], str]]:
    """Return the table of each paper, as what writes it."""
    claims = read_claims(results)
    papers = dict.fromkeys(claim.paper for claim in claims)
    return {paper: partial(_table, [claim for claim in claims if claim.paper == paper], results) for paper in papers}


def finding(claim: Claim, results: Path) -> Finding:
    """Return what the kept frames say of a claim.

    Raises:
        Mistakes: the row that it names is not there, or not one.
    """
    if claim.comparisons is not None:
        return _compared(claim, results)
    if claim.answers is not None:
        return _answered(claim, results)
    return Finding("not tried", "")


def _table(claims: list[Claim], results: Path) -> str:
    lines = ["| where | claim | our runs | numbers | more |", "|---|---|---|---|---|"]
    for claim in claims:
        found = finding(claim, results)
        cells = (claim.place, claim.claim, found.verdict, found.numbers, f"[more]({claim.link})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _compared(claim: Claim, results: Path) -> Finding:
    frame = read_comparisons(results / f"{claim.comparisons}.comparisons.csv")
    wanted = pl.col("scope").is_in(list(MEANS)) & (pl.col("variant") == claim.variant)
    if claim.auxiliary is not None:
        wanted &= pl.col("axis.auxiliary") == claim.auxiliary
    row = _only(frame.filter(wanted), claim)
    sign = -1 if claim.reversed else 1
    value, low, high = (sign * row[name] for name in ("difference", "low", "high"))
    low, high = sorted((low, high))
    seeds = f"{row['seeds']} {row['unit']}{'s' * (row['seeds'] != 1)}"
    printed = "" if claim.printed is None else f"; printed {claim.printed:+g}"
    numbers = (
        f"{_signed(value)} [{_signed(low)}, {_signed(high)}], {_p(row['p'])}, {seeds}, "
        f"equal within {row['equivalent_within']:.2f}{printed}"
    )
    alone = "".join(f" with one {one[2:]}" for one in row["conditional"].split(" and ") if one.startswith("1 "))
    return Finding(_verdict(claim, value, row) + alone, numbers)


def _verdict(claim: Claim, value: float, row: Mapping[str, Any]) -> str:
    decided = row["verdict"] != "undecided"
    if claim.sign == 0:
        if row["equivalent_within"] <= claim.margin:
            return "**shown**"
        return "opposite" if decided else "undecided"
    if decided:
        return "**shown**" if value * claim.sign > 0 else "opposite"
    too_small = claim.printed is not None and row["equivalent_within"] < abs(claim.printed)
    return "not at the printed size" if too_small else "undecided"


def _answered(claim: Claim, results: Path) -> Finding:
    answers = believed(read_answer(results / f"{claim.answers}{ANSWER}"))
    wanted = (pl.col("explanatory") == claim.explanatory) & ~pl.col("with_same_language")
    is_mean = pl.col("outcome") == MEAN
    wanted &= is_mean if claim.of else ~is_mean & pl.col("layer").eq_missing(claim.layer)
    row = _only(answers.filter(wanted), claim)
    decided = row["p_bh"] is not None and row["p_bh"] < LEVEL
    matches = "**shown**" if row["value"] * claim.sign > 0 else "opposite"
    p = "no test" if row["p_bh"] is None else f"corrected {_p(row['p_bh'])}"
    numbers = (
        f"{_signed(row['value'])} ({row['coefficient']}), {p}, {row['cells']} pairs of {row['languages']} languages"
    )
    return Finding(matches if decided else "undecided", numbers)


def _only(rows: pl.DataFrame, claim: Claim) -> dict[str, Any]:
    if rows.height != 1:
        what = f"{rows.height} rows speak of it, where one should"
        raise mistake(what, where=f"{FILE}: {claim.claim}", remedy="mend which row it names")
    return rows.row(0, named=True)


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS)


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
