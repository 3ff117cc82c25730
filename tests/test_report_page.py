"""docs/report.md: its commands run as they stand there, and what it says of the page is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from isogloss.cli import app
from isogloss.evaluation.evidence import chosen
from isogloss.report.material import Material
from isogloss.report.page import page as page_of
from isogloss.store import Store
from page import ROOT, page

REPORT = page("report")


def test_page_has_what_the_tests_here_run() -> None:
    assert [name for name, _ in REPORT.files] == ["two-ways.toml"]
    assert len(REPORT.blocks("bash")) == 2
    assert (ROOT / "docs" / "images" / "report.png").stat().st_size < 300_000


def test_options_are_those_of_the_command() -> None:
    command = get_command(app).commands["report"]  # type: ignore[attr-defined]
    known = {name for one in command.params for name in one.opts if name.startswith("-")} - {"--output", "--store"}
    assert set(re.findall(r"^\| `(-[\w-]+)", REPORT.text, re.MULTILINE)) == known


@pytest.mark.slow
def test_commands_do_what_they_say(tmp_path: Path) -> None:
    printed = REPORT.carry_out(tmp_path)
    assert printed.count("wrote two-ways.html") == 4
    assert {path.suffix for path in (tmp_path / "two-ways-tables").iterdir()} == {".md", ".tex", ".csv"}
    html = (tmp_path / "two-ways.html").read_text(encoding="utf-8")
    assert re.search(r'lang="th" dir="auto">[\u0e00-\u0e7f]', html)
    assert "<figure " in html
    store = Store(tmp_path / "runs")
    made = page_of(Material(store, chosen(store, ["two-ways"])))
    sections = re.findall(r"^\| ([A-Z][^|]*?) \|", REPORT.text, re.MULTILINE)
    assert [one.title for one in made.sections] == [one for one in sections if one not in ("Figures", sections[3])]
