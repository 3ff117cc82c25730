"""The page as one HTML file that needs nothing else, and its tables as Markdown, LaTeX and CSV."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from isogloss.errors import mistake
from isogloss.evaluation.html import html
from isogloss.evaluation.render import Format, render
from isogloss.evaluation.tabular import Table
from isogloss.store.files import write_text

if TYPE_CHECKING:
    from isogloss.report.page import Page

FIGURES_AFTER = 2
"""Figures stand below so many sections: what came of it, and the scores by language."""
_ENDINGS: dict[Format, str] = {"md": "md", "latex": "tex", "csv": "csv"}


def page_html(page: Page) -> str:
    """Return a page as HTML.

    Everything in it but our own templates and what draws the figures is escaped. The policy that it carries forbids
    the network, and every script but those two whose content it names.
    """
    from jinja2 import Environment, StrictUndefined

    from isogloss.report.vega import vega

    library = Markup(vega() if any(one.specification for one in page.drawings) else "")
    script = Markup(_template("page.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    anchors = [(section.name, section.title) for section in page.sections]
    if page.drawings or page.without_figures:
        anchors.insert(FIGURES_AFTER, ("figures", "Figures"))
    return environment.from_string(_template("page.html.j2")).render(
        page=page,
        anchors=anchors,
        figures_after=FIGURES_AFTER if page.drawings or page.without_figures else 0,
        html=lambda table: Markup(html(table, sortable=True)),
        style=Markup(_template("page.css")),
        script=script,
        vega=library,
        policy=_policy(*filter(None, (script, library))),
        version=version("isogloss"),
    )


def writable(file: Path) -> Path:
    """Return a path that a file can be written to.

    Raises:
        Mistakes: a folder has this name, or there is no folder to write into, or it may not be written into.
    """
    if file.is_dir():
        raise mistake("a folder has this name", where=str(file), remedy="name a file: -o report.html")
    if not file.parent.is_dir():
        raise mistake(f'there is no folder "{file.parent}"', where=str(file), remedy="make it, or name another one")
    if not os.access(file.parent, os.W_OK):
        raise mistake("no permission to write here", where=str(file.parent), remedy="name another folder")
    return file


def writable_folder(folder: Path) -> Path:
    """Return a folder that files can be written into, or that can be made.

    Raises:
        Mistakes: a file has this name or that of a part of it, or there is no permission to write.
    """
    there = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    if not there.is_dir():
        what = "a file has this name" if there == folder else "a part of this path is a file"
        raise mistake(what, where=str(folder), remedy="name another folder: --tables tables")
    if not os.access(there, os.W_OK):
        raise mistake("no permission to write here", where=str(folder), remedy="name another folder: --tables tables")
    return folder


def write_tables(folder: Path, named: Sequence[tuple[str, Sequence[Table]]]) -> None:
    """Write tables as Markdown, LaTeX and CSV; of several under one name each has its CSV file.

    Raises:
        Mistakes: the folder cannot be made or written into.
    """
    for name, tables in named:
        for form, ending in _ENDINGS.items():
            parts = [[table] for table in tables] if form == "csv" else [list(tables)]
            for number, part in enumerate(parts, 1):
                number_of = f"-{number}" if len(parts) > 1 else ""
                write_text(folder / f"{name}{number_of}.{ending}", render(part, form))


def _template(name: str) -> str:
    return (files("isogloss.report") / "templates" / name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """Return what a browser may do: show what is here, and run these scripts."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
