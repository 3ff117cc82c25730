"""Marked blocks of a Markdown file, written by the library and never typed.

<!-- TAG: HEAD -->
what stands here is replaced
<!-- /TAG -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from isogloss.errors import mistake, nearest
from isogloss.store.files import write_text

Writer = Callable[[str], str]
"""From a block's head to what stands in it, lines with a line feed at their end."""


def fill(markdown: Path, writers: Mapping[str, Writer]) -> bool:
    """Write all blocks of some tags anew, or none; returns whether anything changed.

    Args:
        markdown: the file; it is changed in place.
        writers: tag → what writes its blocks.

    Raises:
        Mistakes: a block has no end, or its writer refuses its head.
    """
    new = old = markdown.read_text(encoding="utf-8")
    for tag, write in writers.items():
        new = _filled(new, tag, write, str(markdown))
    if new != old:
        write_text(markdown, new)
    return new != old


def by_name(known: Mapping[str, Callable[[], str]], where: Path) -> Writer:
    """Return a writer of blocks whose head is a name.

    Args:
        known: name → what stands in its block.
        where: the file that a name which is not known is looked for in.
    """

    def write(name: str) -> str:
        if name not in known:
            raise mistake(f'no table is called "{name}"', where=str(where), remedy=nearest(name, known))
        return known[name]()

    return write


def _filled(old: str, tag: str, write: Writer, where: str) -> str:
    block = re.compile(rf"(<!-- {tag}: ([^\n]*?) -->\n)(?:.*?)(<!-- /{tag} -->)", re.DOTALL)
    new, blocks = block.subn(lambda found: f"{found[1]}\n{write(found[2])}\n{found[3]}", old)
    for mark in (rf"^<!-- {tag}: ", rf"^<!-- /{tag} -->"):
        if len(re.findall(mark, old, re.MULTILINE)) != blocks:
            remedy = f"end each of them with <!-- /{tag} -->"
            raise mistake(f'blocks "{tag}" and their ends are not as many', where=where, remedy=remedy)
    return new
