"""Where recipes come from: shipped, or a file of the user's; with what they extend below them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.recipe.document import NAMED, ROWS, Document
from isogloss.recipe.toml import parse, parse_path

Overlays: TypeAlias = tuple[tuple[str, Mapping[str, Any]], ...]
FOLDER = files("isogloss") / "recipes"


@dataclass(frozen=True)
class Source:
    """A recipe file with everything that it extends worked in.

    Attributes:
        document: before any profile.
        profiles: overlays by name, each with the place it stands at, oldest first.
        mistakes: what is wrong with the form of the files.
    """

    document: Document
    profiles: Mapping[str, Overlays]
    mistakes: tuple[Mistake, ...]


def shipped() -> tuple[str, ...]:
    """Return the names of the recipes that come with the package, sorted."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml")))


def read(name_or_path: str | Path, *, asked_in: str = "recipe", chain: tuple[str, ...] = ()) -> Source:
    """Return a recipe by the name of a shipped one or by the path of a file.

    Args:
        name_or_path: what has a folder or the ending .toml is a path.
        asked_in: the place that names it, for messages.
        chain: files that extend this one, outermost first.

    Raises:
        Mistakes: there is no such recipe, it cannot be read, its TOML is broken, or it extends itself.
    """
    text, label, folder = _text(str(name_or_path), asked_in)
    if label in chain:
        remedy = "take one `extends` out"
        raise mistake(f"it extends itself: {' → '.join((*chain, label))}", where=f"{label}: extends", remedy=remedy)
    tables = parse(text, label)
    below = Source(Document(), {}, ())
    extends = tables.pop("extends", None)
    if extends is not None:
        if not isinstance(extends, str):
            raise mistake(
                f"{extends!r} is no recipe",
                where=f"{label}: extends",
                remedy="write a name or a path, in quotes",
            )
        extends = str(folder / extends) if _is_path(extends) else extends
        below = read(extends, asked_in=f"{label}: extends", chain=(*chain, label))
    return _on_top(below, tables, label, folder)


def _on_top(below: Source, tables: dict[str, Any], label: str, folder: Path) -> Source:
    tables.setdefault("name", Path(label).name.removesuffix(".toml"))
    profiles = tables.pop("profiles", {})
    mistakes = list(below.mistakes)
    if not isinstance(profiles, dict) or not all(isinstance(profile, dict) for profile in profiles.values()):
        mistakes.append(Mistake(f"{profiles!r} will not do", f"{label}: profiles", "write a table [profiles.NAME]"))
        profiles = {}
    overlay = _named(tables, below.document, f"{label}: ", mistakes)
    document, more = below.document.with_overlay(_anchored(overlay, folder), f"{label}: ")
    document = Document(document.tables, {**document.origins, (): label})
    known = {name: _still_meant(overlays, below.document, document) for name, overlays in below.profiles.items()}
    for name, profile in profiles.items():
        origin = f"{label}: profiles.{name}."
        overlay = _anchored(_named(profile, document, origin, mistakes), folder)
        known[name] = (*known.get(name, ()), (origin, overlay))
    return Source(document, known, tuple(mistakes + more))


def _still_meant(overlays: Overlays, before: Document, after: Document) -> Overlays:
    """Overlays without settings for phases and variants that this file leaves out."""
    gone = {(section, name) for section in NAMED for name in set(before.names(section)) - set(after.names(section))}
    meant = []
    for origin, overlay in overlays:
        settings = overlay.get("set", {})
        kept = {text: value for text, value in settings.items() if (parse_path(text) or ())[:2] not in gone}
        meant.append((origin, {**overlay, "set": kept} if settings else overlay))
    return tuple(meant)


def _text(name: str, asked_in: str) -> tuple[str, str, Path]:
    """The text, the label that messages use, and the folder that relative paths start from."""
    if not _is_path(name):
        if name not in shipped():
            remedy = nearest(name, shipped()) + " (a file of your own needs its ending .toml)"
            raise mistake(f'no recipe is called "{name}"', where=asked_in, remedy=remedy)
        return (FOLDER / f"{name}.toml").read_text("utf-8"), f"{name}.toml", Path.cwd()
    path = Path(name).expanduser()
    try:
        return path.read_text("utf-8"), str(path), path.resolve().parent
    except (FileNotFoundError, NotADirectoryError):
        beside = [entry.name for entry in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        remedy = nearest(path.name, {*beside, *shipped()}) if beside or shipped() else "check the path"
        raise mistake(f'there is no file "{path}"', where=asked_in, remedy=remedy) from None
    except UnicodeDecodeError as error:
        raise mistake(f"byte {error.start} is not UTF-8", where=str(path), remedy="save the file as UTF-8") from None
    except OSError as error:
        raise mistake(
            f"it cannot be read: {error.strerror}", where=str(path), remedy="give the path of a TOML file"
        ) from None


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name or "\\" in name


def _named(tables: dict[str, Any], below: Document, origin: str, mistakes: list[Mistake]) -> dict[str, Any]:
    """The tables with `phases` and `variants` keyed by name; a text stands for the table of that name."""
    keyed = dict(tables)
    for section in NAMED:
        if isinstance(tables.get(section), list):
            keyed[section] = _by_name(tables[section], section, below.names(section), origin, mistakes)
    return keyed


def _by_name(
    entries: list[Any], section: str, below: tuple[str, ...], origin: str, mistakes: list[Mistake]
) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for position, entry in enumerate(entries, start=1):
        table = {"name": entry} if isinstance(entry, str) else entry
        name = table.get("name") if isinstance(table, dict) else None
        place = f"{origin}{section}[{position}]"
        if not isinstance(name, str):
            mistakes.append(Mistake("it has no name", place, f'write [[{section}]] with name = "…"'))
        elif name in known:
            mistakes.append(Mistake(f'"{name}" is already the name of another', place, "give it another name"))
        elif isinstance(entry, str) and name not in below:
            what = f'no {section.removesuffix("s")} is called "{name}"'
            mistakes.append(Mistake(what, place, nearest(name, below, otherwise=f"write [[{section}]] tables")))
        else:
            known[name] = table
    return known


def _anchored(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The tables with relative paths (data, tasks, an encoder with a leading dot or that is there) from `folder`."""
    anchored = _anchored_task(tables, folder)
    if isinstance(tables.get("data"), dict):
        anchored["data"] = {task: _absolute(path, folder) for task, path in tables["data"].items()}
    encoder = str(tables.get("encoder", ""))
    if encoder.startswith((".", "~")) or ("/" in encoder and (folder / encoder).is_dir()):
        anchored["encoder"] = _absolute(encoder, folder)
    if isinstance(tables.get("evaluation"), dict):
        anchored["evaluation"] = _anchored_task(tables["evaluation"], folder)
    if isinstance(tables.get("phases"), dict):
        anchored["phases"] = {name: _anchored_rows(phase, folder) for name, phase in tables["phases"].items()}
    return anchored


def _anchored_rows(phase: dict[str, Any], folder: Path) -> dict[str, Any]:
    return phase | {key: _anchored_task(phase[key], folder) for key in ROWS if isinstance(phase.get(key), dict)}


def _anchored_task(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    task = table.get("task")
    if isinstance(task, dict) and "path" in task:
        return {**table, "task": {**task, "path": _absolute(task["path"], folder)}}
    if isinstance(task, str) and task.endswith(".toml"):
        return {**table, "task": _absolute(task, folder)}
    return dict(table)


def _absolute(path: Any, folder: Path) -> Any:
    if not isinstance(path, str):
        return path
    return os.path.normpath(folder / Path(path).expanduser())  # messages name it: without "helpdesk/.."


def with_profile(source: Source, profile: str | None) -> tuple[Document, list[Mistake]]:
    """Return the document with a profile on top, and what of it could not be set.

    Raises:
        Mistakes: there is no such profile.
    """
    document, mistakes = source.document, []
    if profile is not None and profile not in source.profiles:
        label = source.document.place(())
        otherwise = "" if source.profiles else "this recipe has none: leave --profile out"
        remedy = nearest(profile, source.profiles, otherwise=otherwise)
        raise Mistakes([Mistake(f'no profile is called "{profile}"', f"{label}: profiles", remedy)])
    for origin, overlay in source.profiles.get(profile or "", ()):
        document, more = document.with_overlay(overlay, origin)
        mistakes += more
    return document, mistakes
