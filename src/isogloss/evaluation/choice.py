"""Choosing a setting for each target: on what the other languages say of it or, as a bound, on the target itself.

Which auxiliary language helps is a question that a paper may answer with the best of all on the test set. Here a
candidate (a value of an axis) is chosen for a target by its mean over the *development* rows of the *other* languages,
so that nothing of the target is looked at. The choice by the target's own test scores is there too, as an oracle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.frame import DEVELOPMENT, axis_columns, primary_metric
from isogloss.evaluation.naming import with_cells
from isogloss.languages import parts

CHOSEN, ORACLE = "chosen", "oracle"
_NOT_CHOSEN = ("axis.draw", "axis.target")  # what is drawn is luck, and a target is what is chosen for


class Candidate(NamedTuple):
    """What is known of one value of the axis, for one variant.

    Attributes:
        roles: language → role.
        development: run (its seed and draw) → language → score on the development rows.
        test: the same on the test rows.
    """

    roles: Mapping[str, str]
    development: Mapping[str, Mapping[str, float]]
    test: Mapping[str, Mapping[str, float]]


def choose(scores: pl.DataFrame, axis: str, *, oracle: bool = False, metric: str | None = None) -> pl.DataFrame:
    """Choose a value of an axis for every variant and target.

    The candidates for a target are the values under which it is unseen. Each is judged by its mean, over the seeds that
    all of them have and over the other languages, on the development rows of those that no candidate for that target
    was trained on; of equals the first wins. A target that every value was trained on has no choice, and runs of a
    recipe without the axis need none.

    Args:
        scores: a score frame as the runs wrote it (not `named`).
        axis: its name, "auxiliary" say.
        oracle: also choose on the target's own test scores.
        metric: what is compared; the runs' primary one if not given.

    Returns:
        Columns recipe, variant, axis.*, language, and `how`: "chosen" or "oracle".

    Raises:
        Mistakes: there is no such axis, there are no development scores, or no other language to choose on.
    """
    scores = with_cells(scores)
    column, metric = f"axis.{axis}", metric or primary_metric(scores)
    known = [name.removeprefix("axis.") for name in axis_columns(scores) if name not in _NOT_CHOSEN]
    if axis not in known:
        remedy = nearest(axis, known, otherwise="" if known else "choose between runs of a recipe with an axis")
        raise mistake(f'the runs have no axis "{axis}" to choose on', where="--choose", remedy=remedy)
    if not scores.select((pl.col("metric") == DEVELOPMENT + metric).any()).item():
        remedy = 'write development = { split = "validation", share = 0.2 } under [evaluation], and run again'
        raise mistake(f"the runs have no development {metric} to choose by", where="--choose", remedy=remedy)
    cells = ["recipe", "variant", *(name for name in axis_columns(scores) if name not in (column, "axis.draw"))]
    rows: list[dict[str, object]] = []
    done = scores.filter(pl.col("role") != "failed", pl.col(column).is_not_null())
    for cell, arm in done.partition_by(cells, as_dict=True, maintain_order=True).items():
        candidates = _candidates(arm, column, metric)
        about = dict(zip(cells, cell, strict=True))
        for language in arm["language"].unique(maintain_order=True).to_list():
            found = _best(candidates, language, oracle=oracle)
            rows += [{**about, "language": language, column: value, "how": how} for how, value in found.items()]
    return pl.DataFrame(rows, schema=dict.fromkeys([*cells, "language", column, "how"], pl.String))


def picked(frame: pl.DataFrame, choice: pl.DataFrame, axis: str) -> pl.DataFrame:
    """Return of each variant and language the rows of the value that was chosen.

    Args:
        frame: scores or predictions, as the runs wrote them.
        choice: what `choose` returned.
        axis: that was chosen.

    Returns:
        The rows, "chosen" or "oracle" in the axis' column and the value itself in a column `chosen`; failed runs stay,
        and so do those of a recipe without the axis.
    """
    column, frame = f"axis.{axis}", with_cells(frame)
    keys = [name for name in choice.columns if name != "how"]
    found = []
    for how in (CHOSEN, ORACLE):
        own = choice.filter(pl.col("how") == how).drop("how")
        rows = frame.join(own, on=keys, how="semi", nulls_equal=True)
        found.append(rows.with_columns(pl.col(column).alias("chosen"), pl.lit(how).alias(column)))
    stays = pl.col(column).is_null()
    if "role" in frame.columns:
        stays |= pl.col("role") == "failed"
    return pl.concat([*found, frame.filter(stays)], how="diagonal")


def _candidates(arm: pl.DataFrame, column: str, metric: str) -> dict[str, Candidate]:
    """Value of the axis → what is known of it, in the order of the frame."""
    runs = ["seed", *(name for name in ("axis.draw",) if name in arm.columns)]

    def by_run(part: pl.DataFrame, name: str) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for *run, language, value in part.filter(metric=name).select(*runs, "language", "value").iter_rows():
            found.setdefault(repr(run), {})[language] = value
        return found

    return {
        str(value): Candidate(
            dict(part.select("language", "role").iter_rows()),
            by_run(part, DEVELOPMENT + metric),
            by_run(part, metric),
        )
        for (value,), part in arm.partition_by(column, as_dict=True, maintain_order=True).items()
    }


def _best(candidates: Mapping[str, Candidate], target: str, *, oracle: bool) -> dict[str, str]:
    """Return how → the value for a target; nothing where every candidate was trained on it."""
    able = {name: one for name, one in candidates.items() if one.roles.get(target) == "unseen"}
    if not able:
        return {}
    where = f"--choose, target {target}"
    runs = set.intersection(*(set(one.development) & set(one.test) for one in able.values()))
    if not runs:
        remedy = "run what is missing, with `development` under [evaluation]"
        raise mistake(f"no seed has development scores for all of {', '.join(able)}", where=where, remedy=remedy)
    known = [set(one.development[run]) for one in able.values() for run in runs]
    unseen = [{language for language, role in one.roles.items() if role == "unseen"} for one in able.values()]
    own = parts([target])  # a cell of two languages is of both
    others = sorted(code for code in set.intersection(*known, *unseen) if own.isdisjoint(parts([code])))
    if not others:
        remedy = "test on more languages, or on some that no candidate is trained on"
        raise mistake("no other unseen language to choose on", where=where, remedy=remedy)
    ordered = sorted(runs)
    found = {CHOSEN: max(able, key=lambda name: _total(able[name].development, ordered, others))}
    return found | ({ORACLE: max(able, key=lambda name: _total(able[name].test, ordered, [target]))} if oracle else {})


def _total(scores: Mapping[str, Mapping[str, float]], runs: Sequence[str], languages: Sequence[str]) -> float:
    return sum(scores[run][language] for run in runs for language in languages)
