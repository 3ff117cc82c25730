"""The folder of one analysis: `analysis.json`, what it is, and `frame.parquet`, what was found, written last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isogloss.store.files import disk_mistakes, write_json, write_parquet

if TYPE_CHECKING:
    import polars as pl


class AnalysisFolder:
    """One analysis on the disk, found by its content key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path.name

    @property
    def done(self) -> bool:
        """Whether the frame is there, whole."""
        return (self.path / "frame.parquet").is_file()

    def frame(self) -> pl.DataFrame:
        """Return what was found."""
        import polars as pl

        return pl.read_parquet(self.path / "frame.parquet", glob=False)

    def write(self, spec: Mapping[str, Any], frame: pl.DataFrame) -> None:
        """Keep what the analysis is and what was found. Two that write the same do no harm.

        Raises:
            Mistakes: the disk is full, read-only, or not ours to write.
        """
        with disk_mistakes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "analysis.json", spec)
        write_parquet(self.path / "frame.parquet", frame)
