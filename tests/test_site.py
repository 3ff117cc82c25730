"""The site: built strictly, from what is in the repository alone, and read without asking anybody for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from page import ROOT

pytestmark = pytest.mark.slow


class Resources(HTMLParser):
    """Collects what a browser fetches by itself when a page is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video", "audio") or (
            tag == "link" and given.get("rel") not in ("canonical", "next", "prev")
        ):
            self.found += [value for name in ("src", "href") if (value := given.get(name))]


def built(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_there_and_asks_nobody(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    for path in (ROOT / "docs").glob("*.md"):
        assert f"{path.stem}.html" in pages
    for name in pages:
        reader = Resources()
        reader.feed((site / name).read_text(encoding="utf-8"))
        assert reader.found
        assert [each for each in reader.found if re.match(r"(\w+:)?//", each)] == [], name


def test_styles_ask_nobody(site: Path) -> None:
    for path in site.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//|@import", path.read_text(encoding="utf-8")) == [], path.name


def test_files_of_the_repository_that_pages_link_to_are_pages(site: Path) -> None:
    page = (site / "add_a_method.html").read_text(encoding="utf-8")
    (link,) = set(re.findall(r'href="([^"]*reptile\.py\.html)"', page))
    assert "class" in (site / link).read_text(encoding="utf-8")
    assert not list(site.rglob("*.py"))


def test_the_reference_has_the_public_interface(site: Path) -> None:
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    import isogloss.api

    assert [name for name in isogloss.api.__all__ if name != "recipe" and f'id="isogloss.api.{name}"' not in api] == []
    methods = (site / "reference" / "methods.html").read_text(encoding="utf-8")
    assert 'id="isogloss.methods.base.Method.step"' in methods
