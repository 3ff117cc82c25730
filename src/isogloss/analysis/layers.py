"""Which layers to freeze: those whose impact goes with a distance between languages and not with transfer.

The criterion of Philippy, Guo & Haddadan (2023), behind the experiments of their table 3: what training does to such
a layer depends on how far a target is, and brings it nothing. It is a heuristic, and rests on tests: `Layer.chosen` is
by p-values that can be believed, `Layer.chosen_naively` by those that take pairs of languages for independent, as the
paper has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from isogloss.analysis.correlations import believed
from isogloss.analysis.statistics.frame import DEFAULT
from isogloss.errors import mistake, nearest
from isogloss.recipe.analysis import ImpactAnalysis
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import axis_values
from isogloss.recipe.toml import dump, parse
from isogloss.registry import load

LEVEL = 0.05
TESTS = ("naive", DEFAULT)
"""The tests that the choice rests on."""


class Link(NamedTuple):
    """How a layer's impact goes with something.

    Attributes:
        name: of the distance, or "transfer".
        value: Pearson's coefficient.
        p_naive: its naive p-value, uncorrected as in the paper.
        two_way: the coefficient of two-way residuals, which spectral randomisation tests; None where it is not defined.
        p: the p-value of that test. Of distances it is corrected over layers and distances (Benjamini-Hochberg), of
            transfer it is not: the criterion wants *no* relation there, which a correction would find more easily.
    """

    name: str
    value: float | None
    p_naive: float | None
    two_way: float | None
    p: float | None


class Layer(NamedTuple):
    """What is known of a layer.

    Attributes:
        layer: its number, from 1; 0 is the embeddings.
        distances: how its impact goes with each distance.
        transfer: how it goes with transfer.
    """

    layer: int
    distances: tuple[Link, ...]
    transfer: Link

    @property
    def chosen(self) -> bool:
        """Whether it meets the criterion."""
        return _meets([link.p for link in self.distances], self.transfer.p)

    @property
    def chosen_naively(self) -> bool:
        """Whether it meets the criterion if pairs of languages are taken for independent."""
        return _meets([link.p_naive for link in self.distances], self.transfer.p_naive)


def _meets(distances: Sequence[float | None], transfer: float | None) -> bool:
    """Whether a distance is shown and transfer is not; what has no p-value was not tested."""
    related = any(p is not None and p < LEVEL for p in distances)
    return related and transfer is not None and transfer >= LEVEL


def layers(with_distance: pl.DataFrame, with_transfer: pl.DataFrame) -> tuple[Layer, ...]:
    """Return what is known of each layer, the lowest first.

    Args:
        with_distance: the answer (`correlations.answer`) to how one variant's impact goes with distance.
        with_transfer: the same with transfer.
    """
    distance, transfer = _links(with_distance, "p_bh"), _links(with_transfer, "p")
    return tuple(Layer(number, tuple(distance[number]), transfer[number][0]) for number in sorted(distance))


def _links(answers: pl.DataFrame, p: str) -> dict[int, list[Link]]:
    """The links of each layer, without same-language pairs; `p` is the column of the better p-value."""
    frame = answers.filter(~pl.col("with_same_language"), pl.col("layer").is_not_null())
    key = ["layer", "explanatory"]
    naive = frame.filter(pl.col("test") == "naive", pl.col("coefficient") == "pearson")
    better = believed(frame).select(*key, two_way="value", better=p)
    found: dict[int, list[Link]] = {}
    for row in naive.join(better, on=key, maintain_order="left").iter_rows(named=True):
        link = Link(row["explanatory"], row["value"], row["p"], row["two_way"], row["better"])
        found.setdefault(row["layer"], []).append(link)
    return found


def freezing_recipe(
    recipe: Recipe, layers: Sequence[int], *, variant: str = "default", source: str | None = None
) -> str:
    """Return a recipe, as TOML, that tries out what freezing some layers does: each alone, and all together.

    Args:
        recipe: whose phase that is looked into gets its layers frozen, beside what is frozen there anyway.
        layers: which.
        variant: that was looked into, and whose changes all have.
        source: only with this source language; with all of them if not given.

    Raises:
        Mistakes: the recipe has no such variant.
    """
    if variant not in (known := [one.name for one in recipe.variants]):
        raise mistake(
            f'recipe {recipe.name} has no variant "{variant}"', where="--recipe", remedy=nearest(variant, known)
        )
    tables = parse(recipe.to_toml(), recipe.name)
    base: dict[str, Any] = next((table for table in tables.get("variants", []) if table["name"] == variant), {})
    (axes, *_) = axis_values(recipe)
    cell = recipe.for_cell(variant, axes)
    phase = _looked_into(cell)
    frozen = cell.phase(phase).freeze
    sets = [[number] for number in layers] + ([list(layers)] if len(layers) > 1 else [])
    tables["variants"] = [{**base, "name": "full", "description": "as it was"}] + [
        {
            **base,
            "name": f"frozen_{'_'.join(map(str, numbers))}",
            "description": f"layer{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))} frozen",
            "set": {
                **base.get("set", {}),
                f"phases.{phase}.freeze": [*frozen, *(number or "embeddings" for number in numbers)],
            },
        }
        for numbers in sets
    ]
    if source is not None:
        tables["languages"]["source"] = [source]
        if "source" in tables.get("axes", {}):
            tables["axes"]["source"] = [[source]]
        tables["analyses"] = [one for one in tables.get("analyses", []) if one.get("source") in (None, source)]
    tables["name"] = f"{recipe.name}-frozen"
    tables["description"] = f"What freezing layers {', '.join(map(str, layers))} does to {recipe.name}"
    return dump(tables)


def _looked_into(cell: Recipe) -> str:
    """The phase of a cell's impact analysis; the last one that leaves weights if it names none."""
    named = (one.of for one in cell.analyses if isinstance(one, ImpactAnalysis) and one.of)
    leaves = (one.name for one in reversed(cell.phases) if load("methods", one.method.name).product == "weights")
    return next(named, None) or next(leaves)
