"""How every figure is drawn and written: altair and vl-convert (the extra `figures`), offline, all data inside."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isogloss.errors import mistake
from isogloss.languages import languages
from isogloss.report.figures import theme
from isogloss.report.vega import vega
from isogloss.store.files import whole_file

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".svg", ".png", ".pdf", ".html", ".json")
_REMEDY = "pip install 'isogloss[figures]'"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{font: 13px/1.8 {font}}} select {{font: inherit}}</style>
<script>{library}</script>
</head>
<body>
<div id="figure"></div>
<script type="application/json" id="specification">{specification}</script>
<script>
const asked = JSON.parse(document.getElementById("specification").textContent);
vegaEmbed("#figure", asked, {{renderer: "svg", actions: {{export: true}}}});
</script>
</body>
</html>
"""


def altair() -> Any:
    """Return altair.

    Raises:
        Mistakes: it is not installed, or vl-convert is not.
    """
    try:
        import altair
        import vl_convert  # noqa: F401 (what is drawn is written through it)
    except ImportError as error:
        raise mistake("figures are drawn with altair and vl-convert", where="figures", remedy=_REMEDY) from error
    return altair


def inline(frame: pl.DataFrame) -> Any:
    """Return a frame as data that stands in the specification: five significant digits, and null for what is none."""
    import polars as pl

    return altair().InlineData(
        values=frame.with_columns(pl.col(pl.Float64).round_sig_figs(5).fill_nan(None)).to_dicts()
    )


def drop_down(field: str, title: str, options: Mapping[str, str], first: str) -> Any:
    """Return a list from which the value of a column is chosen; drawings without a script show the first.

    Args:
        field: the column.
        title: what stands before the list.
        options: value → how it is listed, in order.
        first: the value that is shown until another is chosen.
    """
    alt = altair()
    bound = alt.binding_select(options=list(options), labels=list(options.values()), name=f"{title} ")
    return alt.selection_point(name=f"{field}_chosen", fields=[field], bind=bound, value=[{field: first}])


def by_name(language: str) -> str:
    """Return a language as axes show it: "Swahili (sw)"; a cell of two languages as it is written."""
    known = languages().get(language)
    return language if known is None else f"{known.name} ({language})"


def known_suffix(file: Path) -> None:
    """Refuse a file name that ends in nothing that a figure can be written as.

    Raises:
        Mistakes: it does.
    """
    if file.suffix not in SUFFIXES:
        raise mistake(f'no figures end in "{file.suffix}"', where=str(file), remedy=f"one of {' '.join(SUFFIXES)}")


def save(chart: Any, file: Path, *, title: str = "") -> None:
    """Write a drawing for light ground, in the format that the name ends in; an HTML file holds all that it needs.

    Args:
        chart: an altair chart.
        file: where to; replaced if there is one.
        title: written above the drawing, if any.

    Raises:
        Mistakes: the name ends in something else, or the file cannot be written.
    """
    known_suffix(file)
    content = _written(specification(chart, theme.light(), title), file.suffix, title or file.stem)
    with whole_file(file) as temporary:
        temporary.write_bytes(content)


def specification(chart: Any, config: dict[str, Any], title: str = "", *, checked: bool = True) -> dict[str, Any]:
    """Return a chart's Vega-Lite specification, data included, with a configuration of `theme`.

    `checked` holds it against Vega-Lite's schema, which takes longer than to make it.
    """
    titled = chart.properties(title=title) if title else chart
    return {**titled.to_dict(validate=checked), "config": config}


def _written(drawn: dict[str, Any], suffix: str, title: str) -> bytes:
    import vl_convert

    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(drawn)).encode()
    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png({**drawn, "background": "white"}, scale=2))
    if suffix == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(drawn))
    text = json.dumps(drawn, ensure_ascii=False)
    if suffix == ".json":
        return f"{text}\n".encode()
    # Text of labels ends no element: where it stands, "<" can be written otherwise.
    specification = text.replace("<", r"\u003c")
    page = _PAGE.format(title=html.escape(title), font=theme.FONT, library=vega(), specification=specification)
    return page.encode()
