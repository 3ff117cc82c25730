"""Which printed figures behind correlations there are. They are no scores, so that `--compare` does not know them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def printed_tables() -> Mapping[str, Mapping[str, Any]]:
    """Return name → citation, what the figures are, and whether same-language pairs are in them, where that is said."""
    text = (files(__package__) / "reference" / "correlations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
