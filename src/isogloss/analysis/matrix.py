"""Distances between languages, with what they were made from. Wherever they come from, they have this form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss.errors import Mistake, Mistakes, mistake
from isogloss.languages import get

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class DistanceMatrix:
    """Distances of one kind between some languages.

    Attributes:
        kind: "syntactic", "genetic" … , or the name of a user's file.
        languages: keys, n of them, in the order of rows and columns.
        values: float64 [n, n]; row is the first language and column the second. NaN where nothing is known: never 0,
            never 1. Not all are symmetric, see `notes`.
        settings: how the values were made from the data: name → choice.
        source: of the data, with its version.
        coverage: int64 [n, n], the number of features known for both languages; None where there are no features.
        without_data: the languages of which the source knows nothing of this kind.
        notes: what a reader should know, a sentence each.
    """

    kind: str
    languages: tuple[str, ...]
    values: NDArray[np.float64]
    settings: Mapping[str, str]
    source: str
    coverage: NDArray[np.int64] | None = None
    without_data: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def among(self, languages: Sequence[str]) -> DistanceMatrix:
        """Return the distances between some of the languages, in the order given.

        Raises:
            Mistakes: the matrix lacks one of them.
        """
        lacking = [name for name in checked(languages) if name not in self.languages]
        if lacking:
            raise mistake(
                f"no distances of {', '.join(lacking)}", where=self.source, remedy=f"has: {', '.join(self.languages)}"
            )
        chosen = np.array([self.languages.index(name) for name in languages])
        coverage = None if self.coverage is None else self.coverage[np.ix_(chosen, chosen)]
        return replace(
            self,
            languages=tuple(languages),
            values=self.values[np.ix_(chosen, chosen)],
            coverage=coverage,
            without_data=tuple(name for name in self.without_data if name in languages),
        )

    def frame(self) -> pl.DataFrame:
        """Return the distances in long form, n² rows in the order of the matrix.

        Returns:
            Columns language, second_language, kind, value (null where undefined), features (known for both; null where
            there are none to count), settings, source.
        """
        import polars as pl

        n = len(self.languages)
        shared = [None] * n**2 if self.coverage is None else self.coverage.ravel().tolist()
        columns = {
            "language": np.repeat(self.languages, n).tolist(),
            "second_language": list(self.languages) * n,
            "kind": [self.kind] * n**2,
            "value": self.values.ravel().tolist(),
            "features": shared,
            "settings": ["; ".join(f"{name}={choice}" for name, choice in self.settings.items())] * n**2,
            "source": [self.source] * n**2,
        }
        types = {"value": pl.Float64, "features": pl.Int64}
        frame = pl.DataFrame(columns, schema={name: types.get(name, pl.String) for name in columns})
        return frame.with_columns(pl.col("value").fill_nan(None))


def checked(languages: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of languages, all of which are in our table and none of which is there twice.

    Raises:
        Mistakes: there are none, or some are unknown or named again; all of it at once.
    """
    if not languages:
        raise mistake("no languages", where="languages", remedy="name some, as en sw th")
    found: list[Mistake] = []
    for position, name in enumerate(languages):
        try:
            get(name)
        except Mistakes as unknown:
            found += unknown.mistakes
        if name in languages[:position]:
            found.append(Mistake(f'"{name}" is there twice', "languages", "name it once"))
    if found:
        raise Mistakes(found)
    return tuple(languages)
