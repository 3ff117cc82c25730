"""Distances between languages by the name of where they come from, as recipes and commands have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    from isogloss.analysis.matrix import DistanceMatrix

ORIGINS = ("uriel", "uriel-legacy", "kilometres")


def distances_from(
    origin: str, languages: Sequence[str], kinds: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> list[DistanceMatrix]:
    """Return distances of one origin.

    Args:
        origin: one of `ORIGINS`.
        languages: keys of our table.
        kinds: which; all that the origin has if empty.
        settings: aggregation, missing and metric, for "uriel" alone.

    Raises:
        Mistakes: there is no such origin or kind, settings are given where there is nothing to set, a language is
            unknown, or the arrays are not installed.
    """
    if origin not in ORIGINS:
        raise mistake(f'no distances are called "{origin}"', where="distances", remedy=nearest(origin, ORIGINS))
    if settings and origin != "uriel":
        remedy = "leave it out, or take the distances from uriel"
        raise mistake(f"distances from {origin} are what they are", where=next(iter(settings)), remedy=remedy)
    if origin == "kilometres":
        if kinds:
            raise mistake("kilometres has no kinds", where="kind", remedy="leave it out, or take them from uriel")
        from isogloss.analysis.kilometres import great_circle

        return [great_circle(languages)]
    if origin == "uriel-legacy":
        from isogloss.analysis.legacy import LEGACY_KINDS, legacy_distances

        return [legacy_distances(languages, kind) for kind in kinds or LEGACY_KINDS]
    from isogloss.analysis.typology import distances
    from isogloss.analysis.uriel import KINDS

    return [distances(languages, kind, **(settings or {})) for kind in kinds or KINDS]  # type: ignore[arg-type]
