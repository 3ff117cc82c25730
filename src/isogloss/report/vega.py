"""Vega as one script that a page holds; putting it together takes seconds, so that it is kept in the user's cache."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from isogloss.errors import Mistakes
from isogloss.store.files import write_text

_NAMED = "window.vegaEmbed = vegaEmbed;"


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which sets `window.vegaEmbed`.

    It is kept in `$ISOGLOSS_CACHE` or else in the user's cache, under the version of what made it; where that cannot be
    written to, it is made each time.
    """
    kept = Path(os.environ.get("ISOGLOSS_CACHE") or user_cache_path("isogloss")) / _name()
    with suppress(OSError, UnicodeDecodeError):
        return kept.read_text(encoding="utf-8")
    made = _made()
    with suppress(OSError, Mistakes):
        write_text(kept, made)
    return made


def _name() -> str:
    return f"vega-of-vl-convert-{version('vl-convert-python')}.js"


def _made() -> str:
    """Put it together so that it can stand within a page."""
    import vl_convert

    return str(vl_convert.javascript_bundle(_NAMED)).replace("\r\n", "\n").replace("</script", r"<\/script")
