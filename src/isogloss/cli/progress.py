"""How far a run has come, on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

import typer

from isogloss.cli.layout import duration

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.progress import Progress as Bar

    from isogloss.run.events import CellDone, Event, PhaseBegins, Watch
    from isogloss.training.progress import Progress

_LINE_SECONDS = 30.0


def watching(show: bool) -> AbstractContextManager[Watch]:
    """Give what a run should tell its events; failures and warnings are always shown, the rest if `show`."""
    if not show:
        return nullcontext(_Silent().tell)
    return _bars() if sys.stderr.isatty() else nullcontext(_Lines().tell)


class _Display(Protocol):
    def say(self, line: str) -> None: ...


class _Silent:
    """Tells only what must not be missed; the others tell more."""

    def say(self, line: str) -> None:
        typer.echo(line, err=True)

    def tell(self, event: Event) -> None:
        from isogloss.run.events import CellDone, PhaseBegins, Warned

        if isinstance(event, Warned):
            self.say(f"warning: {event.message}")
        elif isinstance(event, CellDone):
            self.cell(event)
        elif isinstance(event, PhaseBegins):
            self.begin(event)
        else:
            self.step(event)

    def cell(self, event: CellDone) -> None:
        if event.state == "failed":
            self.say(f"failed: {event.variant} {event.cell}: {event.error}")

    def begin(self, event: PhaseBegins) -> None:
        """Say nothing."""

    def step(self, event: Progress) -> None:
        """Say nothing."""


class _Lines(_Silent):
    """A line for each phase and cell, and for a long phase one every half minute."""

    def __init__(self) -> None:
        self._next = 0.0

    def cell(self, event: CellDone) -> None:
        super().cell(event)
        if event.state != "failed":
            self.say(f"[{event.position}/{event.cells}] {event.variant} {event.cell}: {event.state}")

    def begin(self, event: PhaseBegins) -> None:
        self._next = time.monotonic() + _LINE_SECONDS
        self.say(_title(event))

    def step(self, event: Progress) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_SECONDS
            self.say(f"  {event.phase}: step {event.step} of {event.steps}, {_rate(event)}")


class _Bars(_Lines):
    """One bar for the cells, one for the phase that is being trained."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar
        self._cells = bar.add_task("cells", total=None, note="")
        self._phase = bar.add_task("", total=None, note="", visible=False)

    def say(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)

    def cell(self, event: CellDone) -> None:
        _Silent.cell(self, event)
        self._bar.update(self._cells, completed=event.position, total=event.cells, note=f"{event.variant} {event.cell}")
        self._bar.update(self._phase, visible=False)

    def begin(self, event: PhaseBegins) -> None:
        self._bar.reset(self._phase, description=_title(event), total=None, note="", visible=True)

    def step(self, event: Progress) -> None:
        self._bar.update(self._phase, completed=event.step, total=event.steps, note=_rate(event))


@contextmanager
def _bars() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bars(bar).tell


def _title(event: PhaseBegins) -> str:
    languages = "+".join(event.languages) if len(event.languages) <= 4 else f"{len(event.languages)} languages"
    return f"{event.phase} on {languages}, seed {event.seed}"


def _rate(event: Progress) -> str:
    """Return speed, time left and loss: what somebody who waits wants to know."""
    if not event.seconds:
        return ""
    left = event.seconds / event.step * (event.steps - event.step)
    loss = f", loss {event.log['loss']:.3f}" if "loss" in event.log else ""
    return f"{event.examples / event.seconds:.0f} examples/s, {duration(left)} left{loss}"
