"""Carry what a language model learned in one language into others, and tell how well it arrived and why."""

from importlib.metadata import version

from isogloss.errors import Interrupted, IsoglossError, Mistake, Mistakes

__all__ = ["Interrupted", "IsoglossError", "Mistake", "Mistakes", "__version__"]

__version__ = version("isogloss")
