"""Great-circle distances between the places where languages are at home."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isogloss.analysis.matrix import DistanceMatrix, checked
from isogloss.analysis.uriel import refuse_macrolanguages
from isogloss.languages import languages as table

_EARTH_RADIUS_KM = 6371.0088  # the mean radius R₁ of the IUGG


def great_circle(languages: Sequence[str]) -> DistanceMatrix:
    """Return kilometres between languages, by the haversine formula from the coordinates of our table.

    A language's point is Glottolog's: where it is at home, which is not where most of its speakers live. Not to be
    confused with the geographic distance of URIEL, which has no unit.

    Args:
        languages: keys of our table.

    Raises:
        Mistakes: one is unknown.
    """
    refuse_macrolanguages(languages)
    keys = checked(languages)
    places = np.radians([(table()[key].latitude, table()[key].longitude) for key in keys])
    latitude, longitude = places[:, :1], places[:, 1:]
    haversine = np.sin((latitude - latitude.T) / 2) ** 2
    haversine = haversine + np.cos(latitude) * np.cos(latitude.T) * np.sin((longitude - longitude.T) / 2) ** 2
    kilometres = 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(haversine, 0.0, 1.0)))
    settings = {"metric": "great circle", "unit": "km"}
    return DistanceMatrix("kilometres", keys, kilometres, settings, source="Glottolog's coordinates")
