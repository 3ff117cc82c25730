"""Printed numbers of papers, to stand beside ours, and where our setting differs from theirs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.frame import Arm

AVERAGE = "avg"
_ELIDED = ("settings", "together")


class PrintedRow(NamedTuple):
    """A row of a paper's table.

    Attributes:
        arm: the paper's method, and its cell, for which the axes are named as ours.
        values: language → percent; the paper's average stands under "avg".
    """

    arm: Arm
    values: Mapping[str, float]


@dataclass(frozen=True)
class Reference:
    """A printed table.

    Attributes:
        name: as `--compare` takes it.
        citation: authors, year, title, which table.
        about: what the numbers are.
        metric: what the rows hold, of the metrics that were printed.
        average: the languages of the paper's own mean, seen ones included where the paper does so.
        oracle: methods whose setting was chosen on the targets' test scores.
        runs: over how many runs a number is a mean.
        recipes: the shipped recipes that repeat it.
        setting: recipe key → value, as far as the paper states it.
        test_rows: language → how many rows were tested on, where that is to be told.
        rows: the table.
    """

    name: str
    citation: str
    about: str
    metric: str
    average: tuple[str, ...]
    oracle: tuple[str, ...]
    runs: int
    recipes: tuple[str, ...]
    setting: Mapping[str, Any]
    test_rows: Mapping[str, int]
    rows: tuple[PrintedRow, ...]


@cache
def _catalogue() -> Mapping[str, Mapping[str, Any]]:
    text = files(__package__).joinpath("reference", "references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def references() -> tuple[str, ...]:
    """Return the names of all printed tables that are shipped."""
    return tuple(_catalogue())


def load_reference(name: str, metric: str | None = None) -> Reference:
    """Return a printed table by name.

    Args:
        name: of the table.
        metric: which of the metrics printed; the first if not given.

    Raises:
        Mistakes: none is called so, or it prints no such metric.
    """
    if name not in _catalogue():
        raise mistake(f'no printed table is called "{name}"', where="--compare", remedy=nearest(name, references()))
    entry = _catalogue()[name]
    metric = metric or entry["metrics"][0]
    if metric not in entry["metrics"]:
        what, known = f'"{name}" prints no "{metric}"', ", ".join(entry["metrics"])
        raise mistake(what, where="--compare", remedy=f"ask for what it prints: --metric {known}")
    with files(__package__).joinpath("reference", f"{name}.csv").open("rb") as file:
        frame = pl.read_csv(file, infer_schema=False)
    return Reference(
        name=name,
        rows=tuple(_LAYOUTS[entry["layout"]](frame, metric)),
        citation=entry["citation"],
        about=entry["about"],
        metric=metric,
        average=tuple(entry["average"]),
        oracle=tuple(entry["oracle"]),
        runs=entry["runs"],
        recipes=tuple(entry["recipes"]),
        setting=entry["setting"],
        test_rows=entry.get("test_rows", {}),
    )


def reference_of(recipe: str) -> Reference | None:
    """Return the printed table that a shipped recipe repeats, if it repeats one."""
    for name, entry in _catalogue().items():
        if recipe in entry["recipes"]:
            return load_reference(name)
    return None


def _long(frame: pl.DataFrame, metric: str) -> Iterator[PrintedRow]:
    for (method, auxiliary), part in frame.group_by(["method", "auxiliary"], maintain_order=True):
        values = zip(part["language"], part[metric].cast(pl.Float64), strict=True)
        yield PrintedRow(Arm(str(method), (("auxiliary", str(auxiliary or "")),)), dict(values))


def _matrix(frame: pl.DataFrame, metric: str) -> Iterator[PrintedRow]:
    del metric  # a matrix holds one
    for row in frame.iter_rows(named=True):
        arm = Arm("finetune", (("source", row.pop("source")),))
        yield PrintedRow(arm, {language: float(value) for language, value in row.items()})


def _averages(frame: pl.DataFrame, metric: str) -> Iterator[PrintedRow]:
    for row in frame.iter_rows(named=True):
        frozen = f" (frozen {row['frozen']})" if row["frozen"] else ""
        yield PrintedRow(Arm(row["experiment"] + frozen), {AVERAGE: float(row[metric])})


_LAYOUTS = {"long": _long, "matrix": _matrix, "averages": _averages}


class Deviation(NamedTuple):
    """A recipe key whose value is not the printed one; None where it is not set."""

    key: str
    ours: object
    printed: object

    def __str__(self) -> str:
        ours = "not set" if self.ours is None else _text(self.ours)
        return f"{self.key}: {ours} here, {_text(self.printed)} printed"


def deviations(ours: Mapping[str, Any], printed: Mapping[str, Any]) -> list[Deviation]:
    """List where a recipe's effective setting differs from a paper's.

    Args:
        ours: a recipe as plain tables (`Recipe.model_dump()`), phases as a list of tables with names.
        printed: recipe key → value, as in `Reference.setting`.
    """
    flat = dict(_flatten(ours))
    if "seeds" not in flat:
        by_phase = [(key.split(".")[-1], n) for key, n in flat.items() if key.startswith("seeds.by_phase.")]
        flat["seeds"] = " × ".join(f"{n} {phase}" for phase, n in by_phase) or None
    found = [Deviation(key, flat.get(key), value) for key, value in printed.items()]
    return [one for one in found if _plain(one.ours) != _plain(one.printed)]


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys; a list of tables with names is a table by name."""
    for key, value in table.items():
        path = prefix if key in _ELIDED else ".".join(filter(None, (prefix, key)))
        if isinstance(value, list | tuple) and value and all(_is_named(item) for item in value):
            yield from _flatten({item["name"]: item for item in value}, path)
        elif isinstance(value, Mapping):
            yield from _flatten(value, path)
        elif value is not None:
            yield path, value


def _is_named(value: object) -> bool:
    return isinstance(value, Mapping) and "name" in value


def _plain(value: object) -> object:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
