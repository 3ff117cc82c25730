"""Tables as LaTeX sets them: compiled, and as wide as the page allows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from isogloss.evaluation.latex import Style, latex
from isogloss.evaluation.layout.read import read_layout
from isogloss.evaluation.rebuild import again
from isogloss.evaluation.tabular import Cell, Column, Table

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PAGE = r"""\documentclass[a4paper]{article}
\usepackage[margin=2.5cm]{geometry}
\usepackage{PACKAGES}
\begin{document}
\input{table}
\end{document}
"""
SIGNS = "\f\n50 % & $ # _ { } ~ ^ \\ < > | \" ' † ‡ ▲ ▼ ≥ − – × ± é * [0]"


def compiled(text: str, folder: Path) -> tuple[int, list[float]]:
    """Return how many pages a paper with this table has, and by how many points it runs over the margin."""
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex: Debian has it in texlive-latex-recommended")
    packages = re.findall(r"\A% needs \\usepackage\{(.*)\}$", text, re.MULTILINE)
    (folder / "table.tex").write_text(text, encoding="utf-8")
    (folder / "paper.tex").write_text(PAGE.replace("PACKAGES", packages[0]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    pages = re.search(r"Output written on paper\.pdf \((\d+) pages?", done.stdout)
    assert pages is not None
    return int(pages[1]), [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pages"), [("xu2021-table1", 2), ("liu2021-table3-zero-shot", 1)])
def test_shipped_layouts_fit_a_page(name: str, pages: int, tmp_path: Path) -> None:
    """Red when a package is not named, a sign is not escaped, or a table is not made to fit."""
    written, over = compiled(again(RESULTS, name, read_layout(name), "latex"), tmp_path)
    assert (written, [points for points in over if points > 3]) == (pages, [])


@pytest.mark.slow
def test_every_sign_that_is_written_can_be_set(tmp_path: Path) -> None:
    marks = ("seen", "better", "worse", "oracle")
    rows = ((Cell(SIGNS), Cell(-1.5, marks)), (Cell("[1]", marks), Cell((-1.0, 2.0))), (Cell("*"), Cell(None)))
    made = Table(SIGNS, (Column(SIGNS), Column("*", "interval", group=SIGNS)), rows, (SIGNS,), (SIGNS,))
    assert compiled(latex([made, made], Style("scriptsize", 2, fit=True)), tmp_path)[0] == 1
