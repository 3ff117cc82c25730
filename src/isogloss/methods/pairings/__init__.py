"""The laws that draw an episode's languages; one file each, registered by name as `isogloss.pairings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from isogloss import registry
from isogloss.errors import Mistakes, mistake
from isogloss.wording import setting_mistakes

if TYPE_CHECKING:
    from isogloss.methods.base import Pairing


def pairing_of(choice: str | Mapping[str, Any]) -> Pairing:
    """Return a pairing by its name, or by a table of its name and its settings.

    Raises:
        Mistakes: no pairing has that name, or its settings are wrong.
    """
    name, given = _name_and_settings(choice)
    if not isinstance(name, str):
        remedy = f'write "{registry.names("pairings")[0]}", or a table with a name and settings'
        raise mistake(f"{choice!r} names no pairing", where="pairing", remedy=remedy)
    law = registry.load("pairings", name)
    try:
        settings = law.Settings.model_validate(given, strict=True)
    except ValidationError as error:
        found = setting_mistakes(error, law.Settings.model_fields)
        raise Mistakes(replace(each, where=f"pairing.{each.where}".rstrip(".")) for each in found) from None
    return cast("Pairing", law(settings))


def written_out(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a choice as a table with every default, so that equal laws have equal tables in content keys.

    Raises:
        Mistakes: as `pairing_of`.
    """
    return {"name": _name_and_settings(choice)[0], **pairing_of(choice).settings.model_dump(mode="json")}


def _name_and_settings(choice: str | Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    table = {"name": choice} if isinstance(choice, str) else dict(choice)
    return table.pop("name", None), table
