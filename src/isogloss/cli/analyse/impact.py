"""`isogloss analyse impact RUNS`: what a phase did to the representation of each language, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isogloss.cli.analyse.output import say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, RunsArgument, StoreOption, known_format
from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.tabular import Table


def impact(
    runs: RunsArgument,
    *,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """What a phase did to the representation of each language, layer by layer: 1 − CKA."""
    from isogloss.evaluation.evidence import chosen
    from isogloss.store import Store

    written = known_format(form)
    opened = Store(store)
    frame = opened.impacts(chosen(opened, runs, among=opened.runs()))
    if frame.is_empty():
        remedy = 'add [[analyses]] with name = "impact" to the recipe and run it: what is trained is found again'
        raise mistake("no run of these has an impact", where=", ".join(runs), remedy=remedy)
    if written in ("csv", "json"):
        say_frame(frame, written)
        return
    same = [name for name in frame.columns if name not in ("cka", "debiased_cka", "impact", "n", "run")]
    if frame.select(same).is_duplicated().any():
        remedy = "name runs of one recipe, or write --format csv"
        raise mistake("these are runs of several settings", where=", ".join(runs), remedy=remedy)
    say_tables(tuple(_tables(frame)), written)


def _tables(frame: pl.DataFrame) -> Iterator[Table]:
    """Yield a table of languages and layers for each analysis of each variant and cell, as means over seeds."""
    import polars as pl

    from isogloss.evaluation.tabular import Cell, Column, Table

    axes = [name for name in frame.columns if name.startswith("axis.")]
    about = ["recipe", "variant", *axes, "phase", "against", "pooling"]
    for values, part in frame.group_by(about, maintain_order=True):
        fact = dict(zip(about, values, strict=True))
        mean = part.group_by("language", "layer", maintain_order=True).agg(pl.col("impact").mean())
        wide = mean.sort("layer").pivot("layer", index="language", values="impact").sort("language")
        layers = [Column(layer, "number", digits=3, many=True) for layer in wide.columns[1:]]
        cell = "".join(f", {axis.removeprefix('axis.')} {fact[axis]}" for axis in axes)
        seeds = part["seed"].n_unique()
        title = (
            f"{fact['recipe']}/{fact['variant']}{cell}: impact of {fact['phase']} against {fact['against']} by layer "
            f"({fact['pooling']} token{'s' * (fact['pooling'] == 'mean')}; {seeds} seed{'s' * (seeds != 1)})"
        )
        rows = tuple(tuple(map(Cell, row)) for row in wide.iter_rows())
        yield Table(title, (Column("language"), *layers), rows)
