"""The model's refusals in the words of a recipe: place, what was met, nearest name, remedy."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from isogloss.errors import Mistake, nearest
from isogloss.recipe.document import NAMED, Document
from isogloss.recipe.model import Recipe
from isogloss.recipe.toml import Path

WORDS = {
    "Input should": "it should",
    "valid tuple": "list",
    "valid integer": "whole number",
    "valid number": "number",
    "valid string": "text in quotes",
    "valid boolean": "truth value, true or false",
    "Tuple": "the list",
    " after validation": "",
}
RENAMED = {
    "settings": None,
    "groups": None,
    "value": None,
    "together": None,
    "by_phase": None,
    "taken_from": "from",
}


def mistakes_of(error: ValidationError, document: Document) -> dict[Path, Mistake]:
    """Return what the model refused, by path in the document."""
    found: dict[Path, Mistake] = {}
    for detail in error.errors():
        path = _path(detail["loc"], document)
        what, remedy = _say(dict(detail), path)
        found.setdefault(path, Mistake(what, document.place(path), remedy))
    return found


def say_setting(detail: Mapping[str, Any], known: typing.Iterable[str]) -> tuple[str, str]:
    """Return what is wrong with a method's setting, and the remedy."""
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        return f'unknown setting "{name}"', nearest(name, known, otherwise=_known(known))
    return _say(detail, (name,))


def _path(loc: tuple[int | str, ...], document: Document) -> Path:
    """A pydantic location as a path: positions become names, the model's names the recipe's."""
    path: list[str] = []
    for part in loc:
        if len(path) == 1 and path[0] in NAMED and isinstance(part, int):
            path.append(document.names(path[0])[part])
        elif part in RENAMED and path[:1] in (["phases"], ["seeds"]):
            path += [renamed] if (renamed := RENAMED[str(part)]) else []
        elif isinstance(part, str) and part != "[key]":
            path.append(part)
    return tuple(path)


def _say(detail: Mapping[str, Any], path: Path) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = path[-1] if path else ""
    if kind == "refusal":
        return str(context["what"]), str(context["remedy"])
    if kind == "extra_forbidden":
        known = _keys(path[:-1])
        return f'unknown key "{key}"', nearest(key, known, otherwise=_known(known))
    if kind == "missing":
        return f'"{key}" is missing', f"add {key} = …"
    if kind == "literal_error":
        choices = re.findall(r"'([^']+)'", str(context["expected"]))
        return f"{_show(value)} is no choice here", nearest(str(value), choices)
    if kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
        return f"{_show(value)} is not a table", f"write {key} = {{ … }}"
    return f"{_show(value)} will not do", _should(str(detail["msg"]))


def _should(message: str) -> str:
    message = re.sub(r", (unable to parse|got a number with).*", "", message)
    for theirs, ours in WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _known(known: typing.Iterable[str]) -> str:
    listed = ", ".join(sorted(known))
    return f"known: {listed}" if listed else "leave it out"


def _keys(path: Path) -> tuple[str, ...]:
    """The keys that the table at a path may have, by walking the model's annotations."""
    model: Any = Recipe
    for part in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return ()
        field = model.model_fields.get(part)
        if field is not None:
            model = _model_in(field.annotation)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
