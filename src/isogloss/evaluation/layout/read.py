"""A layout from its file: every mistake in one line with file and line, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.evaluation.latex import Style
from isogloss.evaluation.layout.lines import Steps, line_of
from isogloss.evaluation.layout.model import TAGS, Given, Latex, Layout, LeftOut, Names, RowGroup
from isogloss.evaluation.reference import references
from isogloss.recipe.toml import parse
from isogloss.wording import say

FOLDER = files("isogloss.evaluation") / "layouts"
_PARTS: Mapping[str, type[BaseModel]] = {
    "names": Names,
    "groups": RowGroup,
    "rows": Given,
    "left_out": LeftOut,
    "latex": Latex,
}


@dataclass(frozen=True)
class LayoutFile:
    """A layout, and where its keys stand.

    Attributes:
        layout: what it says.
        label: the file, as messages name it.
        text: what is written in it.
    """

    layout: Layout
    label: str
    text: str

    @property
    def style(self) -> Style:
        """How LaTeX sets the tables."""
        return Style(**self.layout.latex.model_dump())

    def wrong(self, what: str, remedy: str, *steps: str | int) -> Mistake:
        """Return a mistake at a key or value of the file; `steps` lead there."""
        return Mistake(what, f"{self.label}:{line_of(self.text, steps)}", remedy)


def shipped_layouts() -> tuple[str, ...]:
    """Return the names of the layouts that come with the package, sorted."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml")))


def read_layout(name_or_path: str) -> LayoutFile:
    """Return a layout by the name of a shipped one or by the path of a file.

    Raises:
        Mistakes: there is no such layout, it cannot be read, or something in it is wrong.
    """
    text, label = _text(name_or_path)
    try:
        layout = Layout.model_validate(_frozen(parse(text, label)))
    except ValidationError as error:
        raise Mistakes(_mistakes(error, label, text)) from None
    read = LayoutFile(layout, label, text)
    if layout.compare is not None and layout.compare not in references():
        what, remedy = f'no printed table is called "{layout.compare}"', nearest(layout.compare, references())
        raise Mistakes([read.wrong(what, remedy, "compare")])
    return read


def _text(name: str) -> tuple[str, str]:
    """The text of a layout, and what messages call it."""
    if name in shipped_layouts():
        return (FOLDER / f"{name}.toml").read_text("utf-8"), f"{name}.toml"
    path = Path(name)
    if not path.is_file():
        remedy = nearest(name, shipped_layouts()) + ", or give the path of a TOML file"
        raise mistake(f'no layout is called "{name}"', where="--layout", remedy=remedy)
    try:
        return path.read_text("utf-8"), str(path)
    except UnicodeDecodeError as error:
        raise mistake(f"byte {error.start} is not UTF-8", where=name, remedy="save the file as UTF-8") from None
    except OSError as error:
        raise mistake(f"it cannot be read: {error.strerror}", where=name, remedy="give a TOML file") from None


def _mistakes(error: ValidationError, label: str, text: str) -> list[Mistake]:
    found: list[tuple[int, Mistake]] = []
    for detail in error.errors():
        steps: Steps = tuple(step for step in detail["loc"] if step not in TAGS)
        key = str(steps[-1])
        if detail["type"] == "extra_forbidden":
            told = [Mistake(f'unknown key "{key}"', "", nearest(key, _keys(steps[:-1])))]
        else:
            told = say(detail, key)
        line = line_of(text, steps)
        found += [(line, replace(each, where=f"{label}:{line}")) for each in told]
    return [each for _, each in sorted(found, key=lambda one: one[0])]


def _keys(steps: Steps) -> tuple[str, ...]:
    """The keys of the table that steps lead to."""
    part: type[BaseModel] = Layout
    for step in steps:
        if isinstance(step, str):
            part = _PARTS.get(step, part)
    return tuple(part.model_fields)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
