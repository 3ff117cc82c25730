"""What the site adds to the pages of docs/: files of the repository that they link to, and `*` in the navigation.

Pages link to sources as they lie in the repository (`../src/…`), so that the links hold there. On the site each such
file is a page of its own, below `source/`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
SHOWN = {".py": "python", ".toml": "toml", ".csv": "text", "": "text"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that there are in the place of entries with a `*`."""
    config.nav = [_expanded(entry, Path(config.docs_dir)) for entry in config.nav or []]
    return config


def _expanded(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((title, within),) = entry.items()
    if not isinstance(within, list):
        return entry
    named = {path for path in within if isinstance(path, str) and "*" not in path}
    pages: list[Any] = []
    for path in within:
        if isinstance(path, str) and "*" in path:
            found = sorted(page.relative_to(docs).as_posix() for page in docs.glob(path))
            pages += [page for page in found if page not in named]
        else:
            pages.append(path)
    return {title: pages}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file outside of docs/, or below docs/examples, that a page links to."""
    root = Path(config.config_file_path).parent
    for page in files.documentation_pages():
        for link, _ in LINK.findall(page.content_string):
            path = _in_repository(root, page.src_uri, link)
            if path is not None and files.get_file_from_path(_page_of(path)) is None:
                shown = File.generated(config, _page_of(path), content=_shown(root / path))
                shown.inclusion = InclusionLevel.NOT_IN_NAV
                files.append(shown)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to those files lead to their pages."""
    del files
    root, here = Path(config.config_file_path).parent, page.file.src_uri
    if here.startswith("source/"):
        return markdown

    def led(match: re.Match[str]) -> str:
        path = _in_repository(root, here, match[1])
        if path is None:
            return match[0]
        return posixpath.relpath(_page_of(path), posixpath.dirname(here) or ".") + (match[2] or "")

    return LINK.sub(led, markdown)


def _in_repository(root: Path, page: str, link: str) -> str | None:
    """Return the path of what a page links to, from the root of the repository; None if the site has it anyway."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    outside = not path.startswith("docs/") or path.startswith("docs/examples") or (root / path).is_dir()
    return path if outside else None


def _page_of(path: str) -> str:
    return f"source/{path}.md"


def _shown(path: Path) -> str:
    """Return the page that shows a file, or what a folder holds."""
    head = f"---\nsearch:\n  exclude: true\n---\n# {path.name}\n\n"
    if path.is_dir():
        held = sorted(
            each.relative_to(path).as_posix() for each in path.rglob("*.*") if "__pycache__" not in each.parts
        )
        return head + "\n".join(f"- `{name}`" for name in held if "__pycache__" not in name)
    text = path.read_text(encoding="utf-8")
    return head + f"````{SHOWN.get(path.suffix, 'markdown')}\n{text}\n````\n"
