"""Where in the world it works: languages on a map, coloured by score."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from isogloss.languages import languages
from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import altair, by_name, drop_down, inline
from isogloss.report.figures.equal_earth import Window
from isogloss.report.figures.heat import Hover, hovering, whole_span
from isogloss.report.figures.placing import name_places, spread
from isogloss.report.figures.scores import score_cells
from isogloss.report.figures.theme import VIRIDIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from isogloss.report.material import Material

NAME = "map"
MOST_ARMS = 24
"""In the list that one is chosen from."""
FEWEST = 3
"""Languages that have a place; with fewer there is nothing to see on a map."""
_WIDTH, _MARGIN, _RADIUS = 720, 60, 7
_CAPTION = (
    "{metric} of {arm}{choose}, mean over seeds, where each language is at home (Glottolog's point), which is not "
    "where most of its speakers live. Rings mark languages whose labels were trained on. Coastline: Natural Earth."
)


def figure(material: Material) -> Figure | None:
    """Return the map; None where fewer than `FEWEST` languages have a place, or there are too many arms to choose."""
    if not material.arms or len(material.arms) > MOST_ARMS:
        return None
    frame = placed(score_cells(material))
    if frame["language"].n_unique() < FEWEST:
        return None
    arms = frame["arm"].unique(maintain_order=True).to_list()
    first, metric = material.called(material.arms[0].arm), material.shown_metric
    caption = _CAPTION.format(metric=metric, arm=first, choose=", or of another variant" if len(arms) > 1 else "")
    title = f"Scores where the languages are at home: {metric} in percent"
    return Figure(NAME, title, caption, _chart(frame, first, metric), frame, interactive=True)


def placed(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose language has a place: arm, language, name, longitude, latitude, value, role, n, seeds."""
    import polars as pl

    known = languages()
    rows = [
        {
            "arm": row["arm"],
            "language": row["language"],
            "name": known[row["language"]].name,
            "longitude": known[row["language"]].longitude,
            "latitude": known[row["language"]].latitude,
            **{name: row[name] for name in ("value", "role", "n", "seeds")},
        }
        for row in scores.iter_rows(named=True)
        if row["language"] in known
    ]
    schema = {"arm": pl.String, "language": pl.String} if not rows else None
    return pl.DataFrame(rows, schema=schema, infer_schema_length=None)


@cache
def land() -> dict[str, Any]:
    """Return the world's land as a GeoJSON feature; its properties say where it is from."""
    text = (files("isogloss.report.figures") / "land.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _chart(frame: pl.DataFrame, first: str, metric: str) -> Any:
    import polars as pl

    alt = altair()
    where = frame.unique("language", maintain_order=True)
    places = list(where.select("longitude", "latitude").iter_rows())
    window = Window.around(places, width=_WIDTH, margin=_MARGIN)
    pixels = spread([window.pixel(*place) for place in places], apart=_RADIUS)
    middles = name_places(pixels, where["language"].to_list(), radius=_RADIUS)
    names = where.select(text="language").with_columns(_coordinates(middles))
    at = where.select("language").with_columns(_coordinates(pixels))
    marks = frame.join(at, on="language", maintain_order="left").select(
        "arm",
        "x",
        "y",
        *("value", "role", "n", "seeds"),
        row=pl.Series([by_name(language) for language in frame["language"]]),
        seen=pl.col("role") != "unseen",
    )
    ground = alt.Chart(alt.InlineData(values=land())).mark_geoshape(style="land", clip=True)
    ground = ground.project(type="equalEarth", scale=window.scale, translate=list(window.translate))
    texts = alt.Chart(inline(names)).mark_text(style="ink-text", fontSize=11).encode(**_pixels(), text="text:N")
    width, height = window.size
    return alt.layer(ground, *_marks(marks, first, metric), texts).properties(width=width, height=height)


def _coordinates(points: Sequence[tuple[float, float]]) -> list[pl.Series]:
    import polars as pl

    return [pl.Series(name, [point[place] for point in points]) for place, name in enumerate(("x", "y"))]


def _marks(marks: pl.DataFrame, first: str, metric: str) -> tuple[Any, ...]:
    alt = altair()
    arms = marks["arm"].unique(maintain_order=True).to_list()
    hover = (
        Hover("row", "language"),
        Hover("arm", "variant"),
        Hover("value", metric, ".1f"),
        Hover("role", "role"),
        Hover("n", "examples", ",d"),
        Hover("seeds", "seeds", "d"),
    )
    chosen = drop_down("arm", "variant", {arm: arm for arm in arms}, first)
    marks, tips = hovering(marks, hover)
    base = alt.Chart(inline(marks)).transform_filter(chosen).encode(**_pixels())
    scale = alt.Scale(scheme=VIRIDIS.name, domain=list(whole_span(marks["value"])))
    circles = base.mark_circle(style="place", size=3.14 * _RADIUS**2, opacity=1).encode(
        color=alt.Color("value:Q", scale=scale, title=metric), tooltip=tips
    )
    seen = base.transform_filter(alt.FieldEqualPredicate(field="seen", equal=True))
    rings = seen.mark_point(style="ink-line", filled=False, size=3.14 * (_RADIUS + 2.5) ** 2, strokeWidth=1.5)
    return circles.add_params(chosen), rings


def _pixels() -> dict[str, Any]:
    alt = altair()
    return {"x": alt.X("x:Q", scale=None, axis=None), "y": alt.Y("y:Q", scale=None, axis=None)}
