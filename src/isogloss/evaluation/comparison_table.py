"""The second and third table: what each arm differs by from the baseline, on average and by language."""

from __future__ import annotations

import polars as pl

from isogloss.evaluation.comparison import LEVEL, MEANS, MOST, comparison_arms
from isogloss.evaluation.frame import Arm, only, span
from isogloss.evaluation.naming import how_many
from isogloss.evaluation.tabular import Cell, Column, Table

KEYS = ("targets", "difference", "95 % interval", "p", "p, given", "equal within", "verdict")
"""What a layout calls the columns, as far as a table has them; "p, given" is that of these very seeds."""

OF_ONE = "With 1 "
"""How the footnote on a test with one repetition begins."""


def difference_tables(comparisons: pl.DataFrame, *, detail: bool = True, of: str = "") -> tuple[Table, ...]:
    """Build the tables of a comparison frame.

    Args:
        comparisons: a comparison frame.
        detail: whether there is one by language too.
        of: the metric of the tests, where it must be said since another one is shown beside.
    """
    kinds = {scope: f"mean over {what}" for scope, what in MEANS.items()} | (
        {"language": "by language"} if detail else {}
    )
    parts = [(comparisons.filter(pl.col("scope") == scope), about) for scope, about in kinds.items()]
    return tuple(_table(part, about, of) for part, about in parts if part.height)


def _table(part: pl.DataFrame, about: str, of: str) -> Table:
    mean = part["scope"][0] in MEANS
    arms = comparison_arms(part)
    axes = [name for name, _ in arms[0].cell]
    given = bool(((part["seeds"] > 1) & (part["conditional"] != "")).any())
    unit = part["unit"][0]
    p_name = "p" if mean else "p (Holm)"
    columns = (
        Column("variant"),
        *(Column(axis) for axis in axes),
        Column("targets", "integer") if mean else Column("language"),
        Column("difference", "signed"),
        Column("95 % interval", "interval"),
        Column(p_name, "p", key="p"),
        *([Column(f"{p_name}, these {unit}s", "p", key="p, given")] if given else []),
        *([Column("equal within", "number")] if mean else []),
        Column("verdict"),
    )
    rows = [_row(arm, row, mean=mean, given=given) for arm in arms for row in only(part, arm).iter_rows(named=True)]
    points = f"points of {of}" if of else "points"
    title = f"Difference from {part['baseline'][0]} in {points}, {about}"
    return Table(title, columns, tuple(rows), footnotes=tuple(_footnotes(part, mean=mean)))


def _row(arm: Arm, row: dict[str, object], *, mean: bool, given: bool) -> tuple[Cell, ...]:
    low, high = row["low"], row["high"]
    interval = (low, high) if isinstance(low, float) and isinstance(high, float) else None
    language = str(row["language"])
    return (
        Cell(arm.variant),
        *(Cell(value) for _, value in arm.cell),
        Cell(how_many(language) if mean else language),
        Cell(_number(row["difference"])),
        Cell(interval),
        Cell(_number(row["p_adjusted"])),
        *([Cell(_number(row["p_given_seeds"]))] if given else []),
        *([Cell(_number(row["equivalent_within"]))] if mean else []),
        Cell(verdict(row)),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


def verdict(row: dict[str, object]) -> str:
    """Return a comparison's verdict in words; where it is open, with what the data could have shown."""
    if row["verdict"] == "identical":
        return "no example differs"
    if row["verdict"] != "undecided":
        return f"{row['verdict']} with this {row['unit']}" if row["seeds"] == 1 else str(row["verdict"])
    minimum = row["minimum"]
    given = row["p_given_seeds"]
    side = "better" if (_number(row["difference"]) or 0) > 0 else "worse"
    these = ""
    if row["seeds"] != 1 and isinstance(given, float) and given <= LEVEL:
        these = f"{side} with these {row['unit']}s; over {row['unit']}s "
    if not isinstance(minimum, float):
        return "undecided, a single cluster"
    if minimum > MOST:
        return f"{these}undecided, could have shown nothing"
    return f"{these}undecided, could have shown ≥ {minimum:.1f}"


def _footnotes(part: pl.DataFrame, *, mean: bool) -> list[str]:
    """How the test was done, and on what it is conditional."""
    lines = [line for own in part.partition_by("unit", maintain_order=True) for line in _effects(own, mean=mean)]
    if not mean:
        lines.append("Intervals are not corrected for the number of languages; p-values and verdicts are.")
    lines.append('"Could have shown": the smallest true difference found with 80 % power at the level of the test.')
    if mean:
        lines.append('"Equal within": the margin within which two one-sided tests at 5 % place the true difference.')
    left_out = max(part["left_out"].to_list())
    if left_out:
        lines.append(f"Up to {left_out} examples that not all runs have are left out.")
    return lines


def _effects(part: pl.DataFrame, *, mean: bool) -> list[str]:
    """What was random in a test of rows whose repetitions are of one kind, and what not."""
    seeds, clusters, unit = span(part["seeds"]), span(part["clusters"]), part["unit"][0]
    effects = f"{seeds} {unit}s and {clusters} clusters of examples as crossed random effects"
    if (part["seeds"] == 1).all():
        effects = f"{clusters} clusters of examples as random effects, one {unit}"
    paired = f"Paired over the same examples; {effects}, t test with a Behrens-Fisher reference" + (
        ", level 5 %." if mean else ", level 5 % over each row's languages (Holm)."
    )
    return [paired, *_conditions(part)]


def _conditions(part: pl.DataFrame) -> list[str]:
    """What intervals, and what p-values too, do not generalise over."""
    texts, unit = part["conditional"].unique(maintain_order=True).to_list(), part["unit"][0]
    every = dict.fromkeys(each for text in texts if text for each in text.split(" and "))
    few = [each for each in every if each.partition(" ")[2] in (unit, f"{unit}s")]
    lines = [_averaged_over(each) for each in every if each not in few]
    alone = f"1 {unit}"
    if alone in few:
        lines.append(f"{OF_ONE}{unit}, interval and p-value are conditional on it: another {unit} could differ.")
    several = [each for each in few if each != alone]
    if several:
        lines.append(
            f"Intervals are conditional on the {' or the '.join(several)}; p and verdict are not: they ask "
            f"whether other {unit}s would show the same, which few {unit}s can seldom tell of a single language."
        )
    return lines


def _averaged_over(each: str) -> str:
    count, _, name = each.partition(" ")
    return f"All is conditional on the {'one ' + name if count == '1' else each + ' averaged over'}."
