"""What pydantic refuses, in words of ours: what was met, the setting, the nearest name or the remedy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from isogloss.errors import Mistake, nearest

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


def refusal(what: str, remedy: str) -> PydanticCustomError:
    """Return an error for a validator to raise: what is wrong, and what to write instead."""
    return refusals([Mistake(what, "", remedy)])


def refusals(mistakes: Iterable[Mistake]) -> PydanticCustomError:
    """Return an error for a validator to raise, of a setting that is a table with settings of its own.

    Args:
        mistakes: all that is wrong with it; a place is the dotted path from the outermost settings, as "pairing.size".
    """
    found = tuple(mistakes)
    text = "; ".join(f"{mistake.what}; {mistake.remedy}" for mistake in found)
    return PydanticCustomError("refusal", "{text}", {"text": text, "mistakes": found})


def setting_mistakes(error: ValidationError, known: Collection[str]) -> list[Mistake]:
    """Return what is wrong with the settings of a method or a pairing, with dotted paths as places.

    Args:
        error: what their model refused.
        known: the names of all settings.
    """
    found: dict[str, list[Mistake]] = {}
    for detail in error.errors():
        name = str(detail["loc"][0]) if detail["loc"] else ""
        if name in found:
            continue  # a value that none of several types takes is one mistake, not one for each type
        if detail["type"] == "extra_forbidden":
            otherwise = "" if known else "it has no settings: leave it out"
            found[name] = [Mistake(f'unknown setting "{name}"', name, nearest(name, known, otherwise=otherwise))]
        else:
            found[name] = say(detail, name)
    return [mistake for mistakes in found.values() for mistake in mistakes]


def say(detail: Mapping[str, Any], key: str) -> list[Mistake]:
    """Return what an entry of `ValidationError.errors()` says of a key; the key is the place where it names none."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "refusal":
        return [replace(mistake, where=mistake.where or key) for mistake in context["mistakes"]]
    what, remedy = f"{_show(value)} will not do", _should(str(detail["msg"]))
    if kind == "missing":
        what, remedy = f'"{key}" is missing', f"add {key} = …"
    elif kind == "literal_error":
        choices = re.findall(r"'([^']+)'", str(context["expected"]))
        what, remedy = f"{_show(value)} is no choice here", nearest(str(value), choices)
    elif kind == "union_tag_invalid":
        choices = re.findall(r"'([^']+)'", str(context["expected_tags"]))
        what, remedy = f"{context['tag']!r} is no choice here", nearest(str(context["tag"]), choices)
    elif kind == "union_tag_not_found":
        name = str(context["discriminator"]).strip("'")
        what, remedy = f'"{name}" is missing', f"add {name} = …"
    elif kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
        what, remedy = f"{_show(value)} is not a table", f"write {key} = {{ … }}"
    return [Mistake(what, key, remedy)]


def _should(message: str) -> str:
    message = re.sub(r", (unable to parse|got a number with).*", "", message)
    for theirs, ours in WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return repr(list(value)) if isinstance(value, tuple) else repr(value)
