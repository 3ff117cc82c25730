"""Rows on which something may be chosen: scored after training, and kept from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isogloss.keys import Key

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.recipe.planned import DevelopmentRows
    from isogloss.run.resources import Resources


def development_bags(rows: DevelopmentRows, resources: Resources) -> dict[str, Bag]:
    """Return the development rows by language; the same groups (premises) in every language of a parallel task."""
    key = Key(rows.draw, "", purpose="development")
    whole = {language: resources.bag(rows.task, language, rows.split) for language in rows.languages}
    return {language: bag.split_by_group(rows.share, key)[0] for language, bag in whole.items()}
