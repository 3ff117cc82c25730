"""Figures as they stand in a page: offline, each with names of its own, and Vega only where something is live."""

from __future__ import annotations

import csv
import io
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from isogloss.report import vega as vega_module
from isogloss.report.drawer import Drawer
from isogloss.report.drawing import Drawing, begin
from isogloss.report.figure import Figure
from isogloss.report.figures.drawing import inline
from isogloss.report.page import page
from isogloss.report.vega import vega
from isogloss.report.write import page_html
from report.conftest import Make

Draw = Callable[[Figure], Drawing]
EVIL = "</script><script>alert(1)</script>"
alt = pytest.importorskip("altair", reason="figures are drawn with altair and vl-convert")


def figure(name: str = "bars", *, interactive: bool = True, rows: int = 3) -> Figure:
    data = pl.DataFrame({"language": [EVIL] * rows, "value": [1.23456789 + row for row in range(rows)]})
    chart = alt.Chart(alt.InlineData(values=data.to_dicts())).mark_bar(clip=True).encode(x="value:Q", y="language:N")
    return Figure(name, f"Bars {EVIL}", f"How to read them {EVIL}", chart, data, interactive)


@pytest.fixture(scope="module")
def drawer() -> Iterator[Drawer]:
    with Drawer() as found:
        yield found


@pytest.fixture
def drawn(drawer: Drawer) -> Draw:
    return lambda figure: begin(figure, drawer).finished()


def test_a_drawing_is_text_and_numbers_alone(drawn: Draw) -> None:
    made = drawn(figure())
    assert "<script" not in made.svg
    assert "&lt;" in made.svg
    assert "<" not in made.specification
    rows = list(csv.reader(io.StringIO(unquote(made.csv.partition(",")[2]))))
    assert rows == [["language", "value"], *([EVIL, str(1.23456789 + row)] for row in range(3))]


def test_what_drawings_refer_to_is_their_own(drawn: Draw) -> None:
    one, other = drawn(figure("one")), drawn(figure("other"))
    own = set(re.findall(r'id="([^"]+)"', one.svg))
    assert own
    assert all(name.startswith("one-") for name in own)
    assert set(re.findall(r"url\(#([^)]+)\)", one.svg)) <= own
    assert not own & set(re.findall(r'id="([^"]+)"', other.svg))


def test_large_data_is_no_table_on_the_page(drawn: Draw) -> None:
    assert drawn(figure(rows=60)).table is not None
    assert drawn(figure(rows=61)).table is None


def test_drawings_come_in_the_order_in_which_they_were_asked_for() -> None:
    with Drawer() as drawer:
        begun = [begin(figure(f"figure-{rows}", rows=rows), drawer) for rows in (400, 1, 30)]
        assert [one.finished().svg.count('aria-roledescription="bar"') for one in begun] == [400, 1, 30]


def test_what_cannot_be_drawn_is_said_and_the_next_is_drawn() -> None:
    with Drawer() as drawer:
        failed, after = drawer.svg({}), drawer.svg({"data": {"values": [{}]}, "mark": "point"})
        with pytest.raises(RuntimeError, match=r"cannot be drawn: .*Invalid specification"):
            failed.result(timeout=60)
        assert after.result(timeout=60).startswith("<svg")


def test_a_figure_that_cannot_be_drawn_says_why_in_its_place(material: Make, no_figures: None, drawer: Drawer) -> None:
    bad = figure("bad")
    refused = begin(bad, drawer)._replace(svg=drawer.svg({"mark": EVIL}))
    drawings = [refused.finished(), begin(figure("good"), drawer).finished()]
    html = page_html(replace(page(material()), drawings=drawings, without_figures=""))
    place = html[html.index('id="figure-bad"') : html.index('id="figure-good"')]
    assert "cannot be drawn" in place
    assert unquote(drawings[0].csv).endswith(bad.csv())
    assert drawings[0].csv in html
    assert 'id="specification-bad"' not in place
    assert "data-svg" not in place
    assert "<script>alert" not in html
    assert 'data-svg="good.svg"' in html


def test_where_the_process_has_ended_no_figure_is_waited_for() -> None:
    with Drawer() as drawer:
        drawer._process.kill()
        with pytest.raises(RuntimeError, match="has ended"):
            drawer.svg({}).result(timeout=60)


def test_an_error_meanwhile_ends_the_process() -> None:
    drawer = Drawer().__enter__()
    begun = [begin(figure(), drawer).svg for _ in range(50)]
    drawer.__exit__(KeyError, KeyError(), None)
    assert all(one.done() for one in begun)
    assert any(one.cancelled() for one in begun)  # nobody waits for what is not begun
    assert drawer._process.returncode is not None


def test_an_interrupt_from_the_keyboard_is_for_who_asks(drawn: Draw, drawer: Drawer) -> None:
    drawn(figure())  # it has come so far that it draws
    drawer._process.send_signal(signal.SIGINT)
    assert drawn(figure()).svg.startswith("<svg")


def test_a_number_that_is_none_is_left_out(drawn: Draw) -> None:
    frame = pl.DataFrame({"language": ["a", "b"], "value": [1.5, float("nan")]})
    chart = alt.Chart(inline(frame)).mark_bar().encode(x="value:Q", y="language:N")
    made = drawn(Figure("bars", "Bars", "How to read them", chart, frame, interactive=True))
    assert '"value":null' in made.specification
    assert made.svg.startswith("<svg")


def test_nothing_is_imported_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vl_convert.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with Drawer() as drawer:
        assert begin(figure(), drawer).finished().svg.startswith("<svg")


def test_vega_is_there_once_and_only_where_something_is_live(material: Make, no_figures: None, drawn: Draw) -> None:
    still = replace(page(material()), drawings=[drawn(figure(interactive=False))], without_figures="")
    live = replace(still, drawings=[drawn(figure("one")), drawn(figure("two"))])
    assert 'id="vega"' not in page_html(still)
    html = page_html(live)
    assert html.count('id="vega"') == 1
    assert html.count("sha256-") == page_html(still).count("sha256-") + 1 == 2
    assert html.count('type="application/json"') == 2
    assert "<script>alert" not in html
    assert "Bars &lt;/script&gt;" in html


def test_vega_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path))
    made = vega()
    assert "window.vegaEmbed" in made
    assert "</script" not in made
    monkeypatch.setattr(vega_module, "_made", lambda: pytest.fail("made again"))
    assert vega() == made


def test_vega_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(vega_module, "_made", lambda: "made")
    assert vega() == "made"


def test_figures_of_real_runs_are_on_the_page(material: Make) -> None:
    made = page(material())
    assert made.without_figures == ""
    html = page_html(made)
    assert html.count("<figure ") == len(made.drawings) > 2
    assert re.findall(r"<h3>(.*?)</h3>", html) == [one.title for one in made.drawings]
