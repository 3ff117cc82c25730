"""Libraries that single checks need, and that come with an extra."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = "doctor"
MISSING = f'pip install "isogloss[{EXTRA}]"'
"""What is said where a check cannot be made for lack of a library."""


def missing(*modules: str) -> tuple[str, ...]:
    """Return the modules that are not installed."""
    return tuple(name for name in modules if find_spec(name) is None)
