"""The model's refusals in the words of a recipe: place, what was met, nearest name, remedy."""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from isogloss.errors import Mistake, nearest
from isogloss.recipe.analysis import ANALYSIS_NAMES
from isogloss.recipe.document import NAMED, Document
from isogloss.recipe.model import Recipe
from isogloss.recipe.toml import Path
from isogloss.wording import say

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
        key = path[-1] if path else ""
        if detail["type"] == "extra_forbidden":
            known = _keys(path[:-1])
            remedy = nearest(key, known, otherwise="" if known else "leave it out")
            mistake = Mistake(f'unknown key "{key}"', "", remedy)
        else:
            [mistake] = say(detail, key)
        found.setdefault(path, replace(mistake, where=document.place(path)))
    return found


def _path(loc: tuple[int | str, ...], document: Document) -> Path:
    """A pydantic location as a path: positions become names, the model's names the recipe's."""
    path: list[str] = []
    for part in loc:
        if len(path) == 1 and path[0] in NAMED and isinstance(part, int):
            path.append(document.names(path[0])[part])
        elif part in RENAMED and path[:1] in (["phases"], ["seeds"]):
            path += [renamed] if (renamed := RENAMED[str(part)]) else []
        elif isinstance(part, str) and part != "[key]" and not (path == ["analyses"] and part in ANALYSIS_NAMES):
            path.append(part)
    return tuple(path)


def _keys(path: Path) -> tuple[str, ...]:
    """The keys that the table at a path may have, of every form that it may take, by the model's annotations."""
    models: list[type[BaseModel]] = [Recipe]
    for part in path:
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        models = [model for field in fields for model in _models_in(field.annotation)] if fields else models
    return tuple(dict.fromkeys(key for model in models for key in model.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
