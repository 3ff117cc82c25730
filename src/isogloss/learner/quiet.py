"""Keep transformers from writing to the terminal: what Isogloss says there, it says itself."""

from __future__ import annotations

import logging as levels
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Switch the progress bars and warnings of transformers off within this block."""
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(levels.ERROR)
    _show_bar(False)
    try:
        yield
    finally:
        logging.set_verbosity(level)
        _show_bar(bar)


def _show_bar(shown: bool) -> None:
    switch: Callable[[], None] = logging.enable_progress_bar if shown else logging.disable_progress_bar
    switch()
