"""Whom to cite for a run: its recipe, methods, data, encoder and analyses; and what it took.

Tasks say it in their file (`cite`), methods, pairings, objectives and kinds in their class, encoders and recipes in
`works.toml`. Each is a key of `works.bib`, or BibTeX of its own, as a package of one's own brings it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from isogloss.data.task import Task, load_task
from isogloss.errors import Mistakes, mistake, nearest
from isogloss.registry import load

if TYPE_CHECKING:
    from isogloss.store import PhaseFolder, RunInfo, Store

ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Cited:
    """What a run is made from.

    Attributes:
        what: in words, as "method maml".
        works: whom to cite for it: keys, or BibTeX.
        otherwise: what to do where nobody is known; "" where there is nobody to cite.
    """

    what: str
    works: tuple[str, ...]
    otherwise: str = ""


@cache
def works() -> Mapping[str, str]:
    """Return all works that are known, key → BibTeX entry."""
    text = files("isogloss.evaluation").joinpath("works.bib").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in ENTRY.finditer(text)}


@cache
def tables() -> Mapping[str, Mapping[str, list[str]]]:
    """Return keys of works by name, of `encoders`, `analyses` and `recipes`."""
    return tomllib.loads(files("isogloss.evaluation").joinpath("works.toml").read_text(encoding="utf-8"))


def entry(work: str, where: str) -> str:
    """Return the BibTeX of a work.

    Args:
        work: a key, or BibTeX, which is returned as it is.
        where: what names it, for a message.

    Raises:
        Mistakes: no work has that key.
    """
    if work.lstrip().startswith("@"):
        return work.strip()
    if work not in works():
        raise mistake(
            f'no work is called "{work}"', where=where, remedy=nearest(work, works(), otherwise="give BibTeX")
        )
    return works()[work]


def cited(store: Store, runs: Sequence[RunInfo]) -> list[Cited]:
    """Return what runs are made from, each thing once, in the order in which one would tell it."""
    found: dict[str, Cited] = {}
    for run in runs:
        for part in _parts(store, run):
            found.setdefault(part.what, part)
    return list(found.values())


def bibtex(parts: Iterable[Cited]) -> str:
    """Return the works of all parts as BibTeX, each once, with a comment that says what it is cited for.

    Raises:
        Mistakes: a part names a work that is not known.
    """
    said: dict[str, list[str]] = {}
    notes = []
    for part in parts:
        for work in part.works:
            said.setdefault(entry(work, part.what), []).append(part.what)
        if not part.works and part.otherwise:
            notes.append(_comment(f"{part.what}: {part.otherwise}"))
    entries = [f"{_comment(', '.join(dict.fromkeys(whats)))}\n{text}" for text, whats in said.items()]
    return "\n\n".join([*entries, *(["\n".join(notes)] if notes else [])])


def _comment(text: str) -> str:
    """Return a line that BibTeX passes over, whatever the names in it hold."""
    return f"% {' '.join(text.split()).replace('@', '(at)')}"


def _parts(store: Store, run: RunInfo) -> Iterator[Cited]:
    settings = run.settings
    yield Cited(f"recipe {run.recipe}", tuple(tables()["recipes"].get(run.recipe, ())))
    begun = [phase for phase in map(store.phase, run.phases) if (phase.path / "phase.json").is_file()]
    for phase in begun:
        yield from _of_phase(phase)
    names = {phase.spec["name"] for phase in begun}
    asked = [run.tested_on, *(on["task"] or settings["task"] for on in _read(settings, names))]
    for reference in asked:
        yield _of_task(reference)
    if settings.get("simple") is not None:
        yield _of_class("simple model", settings["simple"], load("simple", settings["simple"]))
        if settings["simple"] != "probe":
            return
    yield _of_encoder(settings["encoder"])
    for analysis in settings.get("analyses", ()):
        yield Cited(f"analysis {analysis['name']}", tuple(tables()["analyses"].get(analysis["name"], ())))


def _read(settings: Mapping[str, Any], names: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what is read by the phases of these names; by all, for a simple model, which has none of its own."""
    for phase in settings["phases"]:
        if not names or phase["name"] in names:
            yield from (on for on in (phase["on"], phase["support"]) if on is not None)


def _of_phase(phase: PhaseFolder) -> Iterator[Cited]:
    """Yield a phase's method with its pairing, its objective and adapters."""
    spec = phase.spec
    choice = spec["settings"]["method"]
    known = load("methods", choice["name"])
    method = known(known.Settings.model_validate(choice["settings"]))
    yield _of_class("method", choice["name"], method)
    pairing = type(method.pairing).__name__.lower()
    yield _of_class(f"pairing {pairing} of", choice["name"], method.pairing)
    objective = spec["settings"]["objective"]
    yield _of_class("objective", objective, load("objectives", objective))
    yield _of_class("kind", spec["kind"], load("kinds", spec["kind"]))
    if spec.get("adapters"):
        yield Cited("low-rank adapters", ("hu2022lora",))


def _of_class(group: str, name: str, thing: object) -> Cited:
    return Cited(f"{group} {name}", tuple(getattr(thing, "cite", ())))


def _of_task(reference: Any) -> Cited:
    try:
        task: Task = load_task(reference)
    except Mistakes as lost:
        name = reference if isinstance(reference, str) else reference.get("name", "files")
        return Cited(f"data {name}", (), f"its task file cannot be read ({' '.join(str(lost).split())})")
    own = "data of your own" if task.name == "files" else f"cite {task.citation or task.homepage or 'its source'}"
    return Cited(f"data {task.name}", task.cite, own)


def _of_encoder(name: str) -> Cited:
    known = tables()["encoders"].get(name.partition("@")[0], ())
    return Cited(f"encoder {name}", tuple(known), "see its model card for whom to cite")


def compute(store: Store, runs: Sequence[RunInfo]) -> str:
    """Return a sentence on what runs took: seeds, device-hours by phase, machines.

    A phase that several runs share is counted once; of one that was interrupted, what the last attempt counted.
    """
    seconds: dict[str, float] = {}
    for phase in map(store.phase, dict.fromkeys(key for run in runs for key in run.phases)):
        if phase.done:
            name = phase.spec["name"]
            seconds[name] = seconds.get(name, 0.0) + phase.summary.get("seconds", 0.0)
    done = [store.run(run.key) for run in runs if run.state == "done"]
    seconds["evaluation"] = sum(run.summary.get("evaluation_seconds", 0.0) for run in done)
    machines = dict.fromkeys(_machine(store.run(run.key).spec.provenance) for run in runs)
    seeds = ", ".join(dict.fromkeys(run.seed for run in runs))
    parts = ", ".join(f"{name} {_hours(value)}" for name, value in seconds.items())
    return (
        f"{len(runs)} run{'s' * (len(runs) != 1)} (seed {seeds}) took {_hours(sum(seconds.values()))} device-hours "
        f"({parts}) on {' and on '.join(machines)}."
    )


def _machine(provenance: Mapping[str, Any]) -> str:
    """Return the device, with threads where it is a processor, and the versions that matter."""
    device = provenance.get("device", "an unknown device")
    if device == "cpu":
        device = f"{provenance.get('threads', '?')} threads of a {provenance.get('machine', 'unknown')} processor"
    versions = provenance.get("versions", {})
    told = ", ".join(f"{name} {versions[name]}" for name in ("isogloss", "torch") if versions.get(name))
    return f"{device} ({told})" if told else str(device)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g}"
