"""The folder of one phase: what it was asked, its product, its log, and the checkpoint it goes on from.

```
phases/<key>/ phase.json            what was asked, and where it is carried out; written first
              log.jsonl             a line for each logged step
              checkpoint/step-…/    the newest checkpoint, until the phase is done
              weights.safetensors   the product: the tensors that moved …
              rates.json            … or the rates and their course
              done.json             the summary, written last: the phase is done once this is there
              failed.json           why it failed and where in the code, if it did
```

Writing needs the claim on the folder (`claim.claim`); reading does not.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isogloss.store.files import (
    disk_mistakes,
    plain,
    read_json,
    sweep,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)

Write = Callable[[Path], None]


@dataclass(frozen=True)
class LearnedRates:
    """The product of a phase that learns rates.

    Attributes:
        rates: layer group → rate, 0 to 1.
        course: the rates after each meta step, in order.
    """

    rates: Mapping[str, float]
    course: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is whole.

    Attributes:
        step: how many steps had been done.
        folder: what the phase wrote there.
        meta: what it wrote beside: small, JSON.
    """

    step: int
    folder: Path
    meta: Mapping[str, Any]


class PhaseFolder:
    """One phase on the disk, found by its content key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path.name

    @property
    def done(self) -> bool:
        """Whether the phase was carried out to its end. Its weights may since have been released."""
        return (self.path / "done.json").is_file()

    @property
    def usable(self) -> bool:
        """Whether the phase is done and its product is still there."""
        return self.done and (self.weights.is_file() or (self.path / "rates.json").is_file())

    @property
    def resumable(self) -> bool:
        """Whether there is a checkpoint that `resume` would go on from."""
        return any(self._checkpoints.glob("step-*/checkpoint.json"))

    @property
    def weights(self) -> Path:
        """The tensors that moved (safetensors); not there where rates are learned, or once released."""
        return self.path / "weights.safetensors"

    @property
    def spec(self) -> dict[str, Any]:
        """What was asked, as given to `begin`."""
        return dict(read_json(self.path / "phase.json"))

    @property
    def summary(self) -> dict[str, Any]:
        """What `finish` was told, with the time."""
        return dict(read_json(self.path / "done.json"))

    @property
    def error(self) -> str | None:
        """Why the phase failed, in one line, if it did."""
        failed = self.path / "failed.json"
        return str(read_json(failed)["error"]) if failed.is_file() else None

    @property
    def traceback(self) -> str:
        """Where in the code the phase failed, in lines; "" if it did not, or nobody told."""
        failed = self.path / "failed.json"
        return str(read_json(failed).get("traceback", "")) if failed.is_file() else ""

    def begin(self, spec: Mapping[str, Any]) -> None:
        """Write down what is asked. What an earlier, unfinished attempt left stays, for `resume`.

        Raises:
            Mistakes: the disk is full, read-only, or not ours to write.
        """
        with disk_mistakes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            sweep(self.path)
            (self.path / "done.json").unlink(missing_ok=True)
            (self.path / "failed.json").unlink(missing_ok=True)
        write_json(self.path / "phase.json", spec)

    def save_checkpoint(self, step: int, write: Write, meta: Mapping[str, Any]) -> None:
        """Keep the state after `step` steps, in place of any earlier one, which goes once the new one is
        whole.

        Args:
            step: how many steps have been done.
            write: fills the folder that it is given.
            meta: what else `resume` should return: small, JSON.

        Raises:
            Mistakes: the disk is full; the earlier checkpoint is still there.
        """
        new = self._checkpoints / f"step-{step:010d}"
        with whole_folder(new) as temporary:
            write(temporary)
            write_json(temporary / "checkpoint.json", {"step": step, "meta": meta})
        for old in self._checkpoints.iterdir():
            if old != new:
                shutil.rmtree(old, ignore_errors=True)

    def resume(self) -> Checkpoint | None:
        """Return the newest checkpoint, or none, and cut the log back to it.

        Rows that were logged later belong to steps that will be done again, and a line that a kill tore is
        dropped.
        """
        found = sorted(self._checkpoints.glob("step-*/checkpoint.json"))
        newest = found[-1] if found else None
        content = read_json(newest) if newest else None
        rows = [row for row in self.read_log() if content and row["step"] <= content["step"]]
        if (self.path / "log.jsonl").exists():
            write_text(self.path / "log.jsonl", "".join(_line(row) for row in rows))
        return Checkpoint(content["step"], newest.parent, content["meta"]) if newest and content else None

    def log(self, step: int, **scalars: Any) -> None:
        """Append a row to the log: what was measured after `step` steps (the first step done is 1)."""
        path = self.path / "log.jsonl"
        with disk_mistakes(path), path.open("a", encoding="utf-8") as file:
            file.write(_line({"step": step, **scalars}))

    def read_log(self) -> list[dict[str, Any]]:
        """Return the rows of the log; a last line torn by a kill is left out."""
        path = self.path / "log.jsonl"
        if not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [json.loads(line) for line in lines[:-1]]  # after the last line break: nothing, or a torn line

    def finish(self, product: Write | LearnedRates, summary: Mapping[str, Any]) -> None:
        """Keep the product and declare the phase done; the checkpoint goes.

        Args:
            product: learned rates, or what writes the weights to the path (safetensors) that it is given.
            summary: what `summary` returns: steps, examples seen, seconds, the last loss …

        Raises:
            Mistakes: the disk is full; the phase is then not done.
        """
        if isinstance(product, LearnedRates):
            write_json(self.path / "rates.json", {"rates": product.rates, "course": product.course})
        else:
            with whole_file(self.weights) as temporary:
                product(temporary)
        write_json(self.path / "done.json", {**summary, "finished": time.time()})
        (self.path / "failed.json").unlink(missing_ok=True)
        shutil.rmtree(self._checkpoints, ignore_errors=True)

    def fail(self, error: str, traceback: str = "") -> None:
        """Write down why the phase failed, in one line, and where in the code. The next attempt clears it."""
        write_json(self.path / "failed.json", {"error": error, "traceback": traceback, "time": time.time()})

    def rates(self) -> LearnedRates:
        """Return the learned rates and their course.

        Raises:
            Mistakes: this phase has none.
        """
        content = read_json(self.path / "rates.json")
        return LearnedRates(content["rates"], tuple(content["course"]))

    @property
    def _checkpoints(self) -> Path:
        return self.path / "checkpoint"


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(plain(row), ensure_ascii=False, allow_nan=False) + "\n"
