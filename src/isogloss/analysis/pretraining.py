"""Which languages an encoder had read before it was trained, and how much of each, where that was published.

The table is `pretraining.tsv`, with its sources. What is not in it is unknown, which is not the same as unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from isogloss.languages import get

SMALLEST = 0.1
"""GiB: what is not read, or less than the smallest size that was published, counts as this."""

_NAMES = {  # names on the hub → column of the table
    "bert-base-multilingual-cased": "bert-base-multilingual-cased",
    "google-bert/bert-base-multilingual-cased": "bert-base-multilingual-cased",
    "xlm-roberta-base": "xlm-roberta",
    "FacebookAI/xlm-roberta-base": "xlm-roberta",
    "xlm-roberta-large": "xlm-roberta",
    "FacebookAI/xlm-roberta-large": "xlm-roberta",
    "mini": "mini",
}


class Reading(NamedTuple):
    """What an encoder had read of a language.

    Attributes:
        seen: "yes", "no", or "unknown".
        gibibytes: of text; None where no size was published.
    """

    seen: Literal["yes", "no", "unknown"]
    gibibytes: float | None = None

    @property
    def log_size(self) -> float | None:
        """The logarithm to base 10 of the GiB; None where no size was published, which is not the same as not read."""
        size = 0.0 if self.seen == "no" else self.gibibytes
        return None if size is None else float(np.log10(max(size, SMALLEST)))


def known_encoders() -> tuple[str, ...]:
    """Return the names of the encoders that the table tells something of."""
    return tuple(_NAMES)


def reading(encoder: str, language: str) -> Reading:
    """Return what an encoder had read of a language before it was trained.

    Args:
        encoder: as in a recipe; a revision after "@" is left aside.
        language: a key of our table.

    Returns:
        Unknown for an encoder that is not in the table.

    Raises:
        Mistakes: there is no such language.
    """
    key = get(language).code
    column = _NAMES.get(encoder.partition("@")[0])
    return Reading("unknown") if column is None else _table()[column][key]


@cache
def _table() -> Mapping[str, Mapping[str, Reading]]:
    """Return column → language → what was read."""
    text = (files("isogloss.analysis") / "pretraining.tsv").read_text(encoding="utf-8")
    header, *lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return MappingProxyType(
        {name: {line[0]: _parse(line[column]) for line in lines} for column, name in enumerate(header) if column}
    )


def _parse(cell: str) -> Reading:
    if cell in ("yes", "no"):
        return Reading(cell)  # type: ignore[arg-type]
    return Reading("yes", float(cell)) if cell else Reading("unknown")
