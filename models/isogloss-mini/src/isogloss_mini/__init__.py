"""The embedded default of Isogloss: a multilingual encoder in 32 MB and a sample of MASSIVE."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from isogloss_mini.cache import encoder_folder

__all__ = ["__version__", "encoder_folder", "massive_folder"]

__version__ = version("isogloss-mini")


def massive_folder() -> Path:
    """Return the folder of the sample of MASSIVE (CC BY 4.0, see NOTICE).

    It holds `index.tsv.gz` (tab-separated, header `id partition scenario intent`) and `utt/<locale>.txt.gz`,
    whose line k is the utterance of row k of the index. An empty line says that the sample does not ship this
    row in that locale: English has the rows of all three partitions, the other locales those of `dev` and
    `test`.
    """
    return Path(__file__).parent / "massive"
