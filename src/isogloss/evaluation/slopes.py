"""From confidence to accuracy where few languages have labels: slopes measured elsewhere with the same encoder.

Across languages that an encoder was not trained on, accuracy goes with mean confidence nearly on a straight line. Where
the line lies differs from data set to data set, how steep it is hardly does. So with too few labelled languages to fit
one (`isogloss.evaluation.unlabelled`) the slope is taken from `slopes.csv`, and the labelled languages, the anchors,
say where the line lies:

    accuracy(target) = accuracy(anchors) + slope · (confidence(target) − confidence(anchors))

The file comes with the library. It is made from kept frames (`keep`): accuracy and confidence by language, as `analyse
calibration --keep` writes them. How far that can be believed is measured between the data sets: with the slope of one,
each choice of 1 to 4 anchors in the other estimates all other languages there. A user's data set is a third one; it is
told the larger of the two errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations, permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isogloss.evaluation.frame import write_frame

TRAINED_ON = "trained on"
"""Anchors that are languages which the model was trained on, where no other has labels."""
MOST_ANCHORS = 4

_FILE = "slopes.csv"
_MEASURED = {
    "mini": {"massive": ("massive-arms", ("source_only", "pooled")), "xnli": ("xu2021-table1", ("source_only",))}
}

Floats = NDArray[np.float64]


class Arm(NamedTuple):
    """What one variant came to in each language, in percent; means over seeds.

    Attributes:
        confidence: mean confidence, raw.
        accuracy: in percent.
        trained_on: whether the variant was trained on the language.
    """

    confidence: Floats
    accuracy: Floats
    trained_on: NDArray[np.bool_]


@dataclass(frozen=True)
class Slope:
    """Points of accuracy that a point of confidence stands for, with one encoder.

    Attributes:
        encoder: which.
        data_sets: measured on.
        value: the slope.
        errors: mean absolute error in points between the data sets, the larger direction, by what anchors there are:
            "1" to "4" languages that were not trained on, or "trained on".
    """

    encoder: str
    data_sets: tuple[str, ...]
    value: float
    errors: Mapping[str, float]

    def error(self, untrained: int) -> float:
        """Return the error in points with so many anchors that were not trained on; with none, others are taken."""
        return self.errors[str(min(untrained, MOST_ANCHORS)) if untrained else TRAINED_ON]


@cache
def shipped(encoder: str) -> Slope | None:
    """Return the slope that comes along for an encoder; None where nobody has measured one."""
    own = read_shipped().filter(encoder=encoder)
    if own.is_empty():
        return None
    between = own.filter(pl.col("applied_to").is_not_null())
    worst = {str(name): float(part["error"].max()) for (name,), part in between.group_by("anchors")}  # type: ignore[arg-type]
    [common] = own.filter(pl.col("applied_to").is_null()).iter_rows(named=True)
    return Slope(encoder, tuple(common["calibrated_on"].split("+")), common["slope"], worst)


def read_shipped() -> pl.DataFrame:
    """Return the shipped file as a frame; see `measured`."""
    with (files("isogloss.evaluation") / _FILE).open("rb") as file:
        return pl.read_csv(file.read(), schema_overrides={"anchors": pl.String})


def keep(results: Path, to: Path | None = None) -> None:
    """Write the shipped file anew from kept frames.

    Args:
        results: the folder of the frames.
        to: where to; in the place of the shipped file if not given.
    """
    write_frame(measured(results), to or Path(str(files("isogloss.evaluation") / _FILE)))


def measured(results: Path) -> pl.DataFrame:
    """Return slopes, and what estimates with them err by, from kept frames.

    Columns: encoder; calibrated_on and applied_to, data sets; anchors, "1" to "4" or "trained on"; languages, how many
    have been estimated; slope; error, the mean absolute error in points over all choices of anchors and all languages
    beside them that were not trained on; and mean, that of taking the anchors' mean accuracy, the simple thing. The
    last row of an encoder has the slope of all its data sets together.
    """
    rows: list[tuple[object, ...]] = []
    for encoder, data_sets in _MEASURED.items():
        arms = {
            name: [_arm(results, recipe, one) for one in variants] for name, (recipe, variants) in data_sets.items()
        }
        for on, to in permutations(arms, 2):
            slope = common_slope(arms[on])
            rows += [(encoder, on, to, *row[:2], slope, *row[2:]) for row in _errors(arms[to], slope)]
        every = [arm for several in arms.values() for arm in several]
        rows.append((encoder, "+".join(arms), None, None, None, common_slope(every), None, None))
    names = ("encoder", "calibrated_on", "applied_to", "anchors", "languages", "slope", "error", "mean")
    return pl.DataFrame(rows, schema=list(names), orient="row").with_columns(pl.col("slope", "error", "mean").round(4))


def common_slope(arms: Sequence[Arm]) -> float:
    """Return the least-squares slope that arms share, each with its own intercept, over languages not trained on."""
    above = below = 0.0
    for arm in arms:
        x, y = (part[~arm.trained_on] for part in (arm.confidence, arm.accuracy))
        above += float((x - x.mean()) @ (y - y.mean()))
        below += float((x - x.mean()) @ (x - x.mean()))
    return above / below


def _errors(arms: Sequence[Arm], slope: float) -> Iterator[tuple[str, int, float, float]]:
    """Yield anchors, languages, the mean absolute error with the slope, and that of the anchors' mean."""
    for anchors in (TRAINED_ON, *map(str, range(1, MOST_ANCHORS + 1))):
        found, plain = [], []
        for arm in arms:
            for chosen in _choices(arm, anchors):
                rest = [place for place in np.flatnonzero(~arm.trained_on).tolist() if place not in chosen]
                level = arm.accuracy[chosen].mean()
                moved = slope * (arm.confidence[rest] - arm.confidence[chosen].mean())
                found.append(np.abs(level + moved - arm.accuracy[rest]).mean())
                plain.append(np.abs(level - arm.accuracy[rest]).mean())
        most = max(int((~arm.trained_on).sum()) for arm in arms)
        yield anchors, most, float(np.mean(found)), float(np.mean(plain))


def _choices(arm: Arm, anchors: str) -> Iterator[list[int]]:
    if anchors == TRAINED_ON:
        yield np.flatnonzero(arm.trained_on).tolist()
    else:
        yield from map(list, combinations(np.flatnonzero(~arm.trained_on).tolist(), int(anchors)))


def _arm(results: Path, recipe: str, variant: str) -> Arm:
    calibration = pl.read_csv(results / f"{recipe}.calibration.csv").filter(variant=variant)
    roles = pl.read_csv(results / f"{recipe}.scores.csv").select("run", "language", "role").unique()
    means = (
        calibration.join(roles, on=("run", "language"))
        .group_by("language")
        .agg(pl.col("confidence", "accuracy").mean(), (pl.col("role") != "unseen").any().alias("trained_on"))
        .sort("language")
    )
    return Arm(*(means[name].to_numpy() for name in Arm._fields))
