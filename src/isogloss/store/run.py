"""The folder of one run: one cell of a recipe with its seeds, its scores and all its predictions.

```
runs/<key>/ run.json              recipe, variant, axes, seeds, phases, settings, provenance; written first
            scores.parquet        its rows of the score frame
            predictions.parquet   language, id, group, label, prediction, p0 … of every example
            development.parquet   the same of the development rows, if the recipe has any
            unlabelled.parquet    the same without labels of rows that have none, if the recipe names any
            calibration.json      the temperature of its probabilities, or why it has none; older runs lack it
            done.json             written last: the run is done once this is there
            failed.json           why, in which phase and where in the code it failed, if it did
```
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isogloss.store.files import disk_mistakes, read_json, sweep, write_json, write_parquet
from isogloss.store.runs import change, edition

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class RunSpec:
    """What a run is.

    Attributes:
        recipe: the recipe's name.
        variant: the variant's name.
        axes: axis → the languages (or draw) of this cell.
        seeds: phase → seed.
        seed: the seeds in short, as tables print them: "0", or "source=0,adapt=3".
        phases: the keys of its phases, in order.
        settings: the whole effective recipe, JSON. Its seeds, axes, variants, `keep` and description aside,
            it tells runs of the same recipe with other settings apart.
        provenance: versions, threads, machine: recorded, never compared.
    """

    recipe: str
    variant: str
    axes: Mapping[str, Sequence[str]]
    seeds: Mapping[str, int]
    seed: str
    phases: Sequence[str]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)


class RunFolder:
    """One run on the disk, found by its content key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path.name

    @property
    def done(self) -> bool:
        """Whether scores and predictions are there, whole."""
        return (self.path / "done.json").is_file()

    @property
    def spec(self) -> RunSpec:
        """What the run is, as given to `begin`."""
        content = read_json(self.path / "run.json")
        return RunSpec(**{name: content[name] for name in RunSpec.__dataclass_fields__})

    @property
    def summary(self) -> dict[str, Any]:
        """What `finish` was told, with the time."""
        return dict(read_json(self.path / "done.json"))

    @property
    def traceback(self) -> str:
        """Where in the code the run failed, in lines; "" if it did not, or nobody told."""
        failed = self.path / "failed.json"
        return str(read_json(failed).get("traceback", "")) if failed.is_file() else ""

    def begin(self, spec: RunSpec) -> None:
        """Write down what the run is.

        Raises:
            Mistakes: the disk is full, read-only, or not ours to write.
        """
        with disk_mistakes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            sweep(self.path)
        write_json(self.path / "run.json", {**asdict(spec), "begun": time.time()})

    def finish(
        self,
        scores: pl.DataFrame,
        predictions: pl.DataFrame,
        summary: Mapping[str, Any],
        *,
        development: pl.DataFrame | None = None,
        unlabelled: pl.DataFrame | None = None,
        calibration: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep scores, predictions and calibration, the key as column `run`; the run is done, its failures forgotten.

        Raises:
            Mistakes: the disk is full; the run is then not done.
        """
        import polars as pl

        frames = {"scores": scores, "predictions": predictions}
        frames |= {} if development is None else {"development": development}
        frames |= {} if unlabelled is None else {"unlabelled": unlabelled}
        for name, frame in frames.items():
            write_parquet(self.path / f"{name}.parquet", frame.with_columns(run=pl.lit(self.key)))
        if calibration is not None:
            write_json(self.path / "calibration.json", calibration)
        write_json(self.path / "done.json", {**summary, "finished": time.time()})
        (self.path / "failed.json").unlink(missing_ok=True)

    @property
    def calibration(self) -> dict[str, Any] | None:
        """What `finish` was told of the probabilities' calibration; None for a run from before there was any."""
        path = self.path / "calibration.json"
        return dict(read_json(path)) if path.is_file() else None

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Write down that the run is one of a recipe with other settings, too, which are nothing to it.

        So a table of that recipe has it: a variant that skips a phase is found again when that phase changes.
        """
        spec, others = self.spec, self.others

        def place(known: Mapping[str, Any]) -> tuple[str, str]:
            return edition(known), change(known, spec.variant)

        if place(settings) not in map(place, (spec.settings, *(other["settings"] for other in others))):
            write_json(self.path / "others.json", [*others, {"settings": settings, "begun": time.time()}])

    @property
    def others(self) -> list[dict[str, Any]]:
        """Other settings under which the run was found, and when first."""
        path = self.path / "others.json"
        return list(read_json(path)) if path.is_file() else []

    def link(self, analyses: Sequence[str]) -> None:
        """Write down the keys of analyses that are of this run, beside those that are known."""
        known = self.analyses
        if new := [key for key in analyses if key not in known]:
            write_json(self.path / "analyses.json", [*known, *new])

    @property
    def analyses(self) -> tuple[str, ...]:
        """The keys of the run's analyses."""
        path = self.path / "analyses.json"
        return tuple(read_json(path)) if path.is_file() else ()

    def fail(self, error: str, phase: str, traceback: str = "") -> None:
        """Write down in one line why the run failed, in which phase ("" if in none), and where in the code."""
        content = {"error": error, "phase": phase, "traceback": traceback, "time": time.time()}
        write_json(self.path / "failed.json", content)
