"""What training did to each layer's representation of each language (Philippy et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import by_name
from isogloss.report.figures.heat import Heat, Hover
from isogloss.report.figures.theme import VIRIDIS

if TYPE_CHECKING:
    import polars as pl

    from isogloss.report.material import Material

NAME = "impact"
MOST_PANELS = 8
_CAPTION = (
    "1 − CKA of a layer's hidden states before and after training, {pooling} token: 0 where nothing but a rotation, a "
    "scale and a shift has happened. Mean over {what}. It says how far a layer moved, not whether for the better."
)


def figure(material: Material) -> Figure | None:
    """Return the heat map of impact by layer and language; None where no run was looked into."""
    if material.impacts.is_empty():
        return None
    frame = mean_impacts(material.impacts)
    if frame.is_empty():
        return None
    poolings = " and ".join(material.impacts["pooling"].unique(maintain_order=True))
    caption = _CAPTION.format(pooling=poolings, what="seeds and cells of the axes" if material.cells else "seeds")
    return Figure(NAME, "Impact of training by layer and language", caption, _chart(frame), frame, interactive=True)


def mean_impacts(impacts: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each panel, language and layer: panel, language, layer, value, n, runs; none where undefined.

    A panel is of a variant, a phase, and what that is compared with, where runs have several of these. The languages
    that moved most come first, those of the first panel deciding.
    """
    import polars as pl

    told = [name for name in ("phase", "against", "pooling") if impacts[name].n_unique() > 1]
    panel = pl.concat_str(["variant", *told], separator=" · ", ignore_nulls=True)
    key = ["panel", "language", "layer"]
    frame = (
        impacts.drop_nulls("impact")
        .with_columns(panel=panel)
        .group_by(key, maintain_order=True)
        .agg(value=pl.col("impact").mean(), n=pl.col("n").max(), runs=pl.len())
    )
    panels = frame["panel"].unique(maintain_order=True).to_list()[:MOST_PANELS]
    frame = frame.filter(pl.col("panel").is_in(panels))
    first = frame.filter(pl.col("panel") == panels[0]) if panels else frame
    moved = dict(first.group_by("language").agg(pl.col("value").mean()).iter_rows())
    order = sorted(frame["language"].unique(maintain_order=True), key=lambda each: -moved.get(each, -1.0))
    places = pl.DataFrame({"language": order, "place": range(len(order))}, schema={"language": pl.String, "place": int})
    return frame.join(places, on="language").sort("place", "layer", maintain_order=True).drop("place")


def _chart(frame: pl.DataFrame) -> Any:
    import polars as pl

    cells = [{**row, "row": by_name(row.pop("language")), "column": str(row.pop("layer"))} for row in frame.to_dicts()]
    rows = list(dict.fromkeys(str(cell["row"]) for cell in cells))
    columns = sorted({str(cell["column"]) for cell in cells}, key=int)
    panels = sorted(frame["panel"].unique(), key=frame["panel"].to_list().index)
    hover = (
        Hover("row", "language"),
        Hover("column", "layer"),
        Hover("value", "impact", ".3f"),
        Hover("panel", "variant"),
        Hover("n", "examples", ",d"),
        Hover("runs", "runs", "d"),
    )
    domain = (0.0, max(float(frame["value"].to_numpy().max()), 0.01))
    heat = Heat(rows, columns, VIRIDIS, domain, "1 − CKA", column_title="layer", step=(20, 18))
    abreast = max(1, 40 // (len(columns) + 6))
    return heat.panels(pl.DataFrame(cells), hover, panels, abreast=abreast)
