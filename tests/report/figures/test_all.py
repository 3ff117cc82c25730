"""What holds for all figures: which there are, how large they are, that text stays text, that they can be written."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import vl_convert

from isogloss.errors import Mistakes
from isogloss.report.figure import Figure
from isogloss.report.figures import FIGURES, figures, one_figure, theme
from isogloss.report.figures.drawing import SUFFIXES, save, specification
from isogloss.report.material import Material
from report.figures.conftest import material_of
from report.make import made_up_store

EVIL = "a.b[0] \"q\" 'x' </script><script>alert(1)</script> <b>&amp; \\ ${1+1} =1+1"


@pytest.fixture(scope="session")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Everything that a user names is called so that it would break out of where it stands."""
    store = made_up_store(
        tmp_path_factory.mktemp("evil") / "runs",
        variants={"pooled": 0.5, EVIL: 0.7},
        labels=(EVIL, "low", f"{EVIL}2"),
        axes={"source": [("en",), ("th",)], "auxiliary": [("el",), ("sw",)]},
        impacts=True,
        rates=(EVIL,),
        examples=30,
    )
    return material_of(store)


@pytest.fixture(scope="session")
def shown(plain: Material) -> list[Figure]:
    """The figures of plain runs."""
    return list(figures(plain))


@pytest.fixture(scope="session")
def shown_evil(evil: Material) -> list[Figure]:
    """The figures of runs with names that would break out."""
    return list(figures(evil))


def strings(value: object) -> Iterator[str]:
    """Every text of a specification."""
    if isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


def test_runs_have_the_figures_there_is_something_for(shown: list[Figure], bare: Material, crossed: Material) -> None:
    names = [figure.name for figure in shown]
    assert names == ["scores", "differences", "map", "impact", "rates", "training", "confusion"]
    assert [figure.name for figure in figures(bare)] == ["scores", "map", "confusion"]
    assert [name for name, draw in FIGURES.items() if draw(crossed) is None] == ["impact", "rates"]


def test_with_every_run_failed_there_is_no_figure_and_no_exception(tmp_path: Path) -> None:
    failed = [("pooled", 0), ("pooled", 1)]
    assert not list(figures(material_of(made_up_store(tmp_path, variants={"pooled": 0.5}, failed=failed))))


def test_runs_whose_phases_are_gone_still_have_what_their_results_tell(tmp_path: Path) -> None:
    """As where a store was copied without its weights: no names of labels, no losses, no rates."""
    store = made_up_store(tmp_path, rates=("meta_optimizer",), examples=30)
    shutil.rmtree(store.root / "phases")
    assert [figure.name for figure in figures(material_of(store))] == ["scores", "differences", "map"]


def test_a_figure_that_is_not_there_is_refused_with_those_that_are(bare: Material) -> None:
    with pytest.raises(Mistakes, match='no figure is called "scoress"; did you mean "scores"'):
        one_figure(bare, "scoress")
    with pytest.raises(Mistakes, match=f"there are: {', '.join(FIGURES)}"):
        one_figure(bare, "zzz")
    with pytest.raises(Mistakes, match='nothing for the figure "impact"; they have: scores, map, confusion'):
        one_figure(bare, "impact")


@pytest.mark.slow
def test_sizes_stay_bounded(large: Material) -> None:
    sizes = {figure.name: len(json.dumps(specification(figure.chart, theme.light()))) for figure in figures(large)}
    assert len(sizes) == 7
    assert max(sizes.values()) < 250_000, sizes
    assert sum(sizes.values()) < 1_000_000, sizes


def test_names_are_those_that_they_are_found_by_and_each_says_something(shown: list[Figure], plain: Material) -> None:
    assert one_figure(plain, "impact").data.equals(shown[3].data)
    for figure in shown:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", figure.name)
        assert len(figure.caption) > 80
        assert figure.caption.endswith(".")
        assert figure.data.height > 0


def test_nothing_is_fetched(shown: list[Figure], shown_evil: list[Figure]) -> None:
    for figure in [*shown_evil, *shown]:
        spec = specification(figure.chart, theme.light(), figure.title)
        assert spec.pop("$schema").startswith("https://")
        assert [text for text in strings(spec) if "http" in text or text.startswith("//")] == []
        assert '"url"' not in json.dumps(spec)


def test_what_users_name_is_never_part_of_an_expression(shown_evil: list[Figure]) -> None:
    """Red when a name is put into an expression by hand: Vega's own compiler escapes what it has to compare with."""
    for figure in shown_evil:
        vega = vl_convert.vegalite_to_vega(specification(figure.chart, theme.light()))
        for text in expressions(vega):
            for literal in re.findall(r'"(?:[^"\\]|\\.)*"', text):
                text = text.replace(literal, "")  # noqa: PLW2901 (what is left when all strings are gone)
            assert "alert" not in text, figure.name


def expressions(value: object) -> Iterator[str]:
    """Every expression of a compiled specification."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name in ("signal", "expr", "test", "update", "init") and isinstance(each, str):
                yield each
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


@pytest.mark.slow
def test_all_can_be_drawn_and_text_stays_text(shown: list[Figure], shown_evil: list[Figure]) -> None:
    met = set()
    for figure, config in itertools.product([*shown_evil, *shown], (theme.light(), theme.current())):
        svg = vl_convert.vegalite_to_svg(specification(figure.chart, config, figure.title))
        assert svg.startswith("<svg")
        assert "<script" not in svg
        assert "<b>" not in svg
        assert "undefined" not in svg
        assert "NaN" not in svg
        met |= {figure.name} if "alert(1)" in svg else set()
    assert met >= {"scores", "differences", "transfer", "auxiliary", "impact", "rates", "training", "confusion"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_drawing(evil: Material, tmp_path: Path, suffix: str) -> None:
    file, figure = tmp_path / f"figure{suffix}", one_figure(evil, "confusion")
    save(figure.chart, file, title=f"of {EVIL}")
    content = file.read_bytes()
    starts = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".html": b"<!DOCTYPE", ".json": b"{"}
    assert content.startswith(starts[suffix])
    if suffix == ".html":
        text = content.decode()
        assert "</script><script>alert" not in text
        assert text.count("<script") - text.count(r"<\/script") <= text.count("</script>") == 3
        assert "cdn.jsdelivr" not in re.sub(r"<script>.*?</script>", "", text, count=1, flags=re.DOTALL)
        (inside,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, flags=re.DOTALL)
        assert json.loads(inside)["title"] == f"of {EVIL}"
    if suffix == ".json":
        assert json.loads(content)["title"] == f"of {EVIL}"


def test_data_is_safe_in_a_spreadsheet(shown: list[Figure]) -> None:
    data = pl.DataFrame({"arm": ["=1+1", 'a "b", c'], "value": [1.25, None]})
    rows = list(csv.reader(io.StringIO(Figure("x", "x", "x", None, data, interactive=False).csv())))
    assert rows == [["arm", "value"], ["'=1+1", "1.25"], ['a "b", c', ""]]
    for figure in shown:
        assert len(list(csv.reader(io.StringIO(figure.csv())))) == figure.data.height + 1


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [theme.VIRIDIS, theme.BLUE_ORANGE], ids=lambda scheme: scheme.name)
def test_numbers_can_be_read_in_every_cell(scheme: theme.Scheme) -> None:
    """Against the colours that Vega gives the cells."""
    values = [value / 100 for value in range(101)]
    chart = {
        "data": {"values": [{"value": value} for value in values]},
        "mark": "rect",
        "encoding": {
            "x": {"field": "value", "type": "ordinal"},
            "color": {"field": "value", "type": "quantitative", "scale": {"scheme": scheme.name, "domain": [0, 1]}},
        },
    }
    svg = vl_convert.vegalite_to_svg(chart)
    cells = re.findall(r'<path aria-label="value:[^>]*fill="(#\w+|rgb\([^)]*\))"', svg)
    assert len(cells) == 101
    for value, cell in zip(values, cells, strict=True):
        parts = re.findall(r"\d+", cell)  # of "rgb(68, 1, 84)"
        colour = cell if cell.startswith("#") else "#" + "".join(f"{int(part):02x}" for part in parts)
        assert contrast(scheme.ink(value, (0, 1)), colour) >= 4.5, (value, colour)


def test_text_can_be_read_on_light_and_on_dark() -> None:
    assert contrast(theme.INK, "#ffffff") > 7
    assert contrast(theme.LIGHT_INK, "#16181d") > 7
    for colour in theme.OKABE_ITO[:3]:
        assert min(contrast(colour, "#ffffff"), contrast(colour, "#16181d")) >= 3
