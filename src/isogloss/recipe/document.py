"""A recipe before it is checked: tables from several places, each key with the place it came from."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from isogloss.errors import Mistake, Mistakes, nearest
from isogloss.recipe.toml import Path, dotted, dump, parse_path

NAMED = ("phases", "variants")  # lists of tables with names
NUMBERS = {"draw": "draw", "fold": "task.fold"}  # axes of numbers, and the key that each sets
WHOLE = ("task", "rates", "seeds")  # given anew, they replace what was there
SHORT = {"method": "name", "optimizer": "name", "schedule": "name", "task": "name", "select": "on"}
ROWS = ("on", "support")  # tables of a phase
RIVALS = (
    {"epochs", "steps", "examples", "as_long_as"},
    {"examples", "share", "per_label"},
)  # of a phase, of its rows


@dataclass(frozen=True)
class Document:
    """Tables, with `phases` and `variants` keyed by name, in order.

    Attributes:
        tables: never changed in place.
        origins: where the value at a path came from; the longest path counts.
        skipped: phases that the variant skips.
    """

    tables: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[Path, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()

    def place(self, path: Path) -> str:
        """Return where a reader finds the key at `path`, or the nearest thing that exists."""
        for length in range(len(path), 0, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                rest = dotted(path[length:])
                return f"{origin}.{rest}" if rest else origin
        return f"{self.origins.get((), 'recipe')}: {dotted(path)}".removesuffix(": ")

    def names(self, section: str) -> tuple[str, ...]:
        """Return the names in "phases" or "variants"."""
        found = self.tables.get(section)
        return tuple(found) if isinstance(found, Mapping) else ()

    def at(self, path: Path) -> Any:
        """Return the value at a path; None if there is none."""
        value: Any = self.tables
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def without(self, path: Path) -> Document:
        """Return the document without the key at `path`."""
        tables = copy.deepcopy(dict(self.tables))
        parent: Any = tables
        for part in path[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent.pop(path[-1], None)
        return replace(self, tables=tables)

    def merged(self, overlay: Mapping[str, Any], origin: str) -> Document:
        """Return the document with an overlay (a file over what it extends, a profile) on top.

        Tables are merged; other values replace. A list of named tables says which stay and in what
        order, and each inherits what was there under its name; a name alone stands for all that was there.

        Args:
            overlay: tables; named lists keyed by name.
            origin: what comes before the dotted path in a place, as `recipe.toml: profiles.mini.`.
        """
        tables = {key: value for key, value in overlay.items() if key not in ("set", "unset")}
        origins = {path: f"{origin}{dotted(path)}" for path in _paths(tables)}
        return replace(self, tables=_merge(self.tables, tables, ()), origins={**self.origins, **origins})

    def with_settings(
        self, settings: Mapping[str, Any], origin: str, unset: Sequence[str] = ()
    ) -> tuple[Document, list[Mistake]]:
        """Return the document with single keys changed, and what could not be changed.

        Args:
            settings: dotted path to value. A new length or subset takes the place of the one that was there.
            origin: what comes before the path in a place, as `recipe.toml: variants.pooled.set.`.
            unset: dotted paths of keys to remove.
        """
        draft = _Draft(copy.deepcopy(dict(self.tables)), dict(self.origins))
        for text in unset:
            draft.remove(text, origin.removesuffix("set.") + "unset")
        paths = {text: parse_path(text) for text in settings}
        for path in paths.values():
            draft.drop_rivals(path or (), keep=set(paths.values()))
        for text, path in paths.items():
            draft.put(path, settings[text], f'{origin}"{text}"' if origin.endswith("set.") else f"{origin}{text}")
        return replace(self, tables=draft.tables, origins=draft.origins), draft.mistakes

    def with_overlay(self, overlay: Mapping[str, Any], origin: str) -> tuple[Document, list[Mistake]]:
        """Return the document with an overlay's tables merged, then its `set` and `unset` carried out."""
        settings, unset = overlay.get("set", {}), overlay.get("unset", ())
        merged = self.merged(overlay, origin)
        if not isinstance(settings, Mapping) or not isinstance(unset, list | tuple):
            key = "unset" if isinstance(settings, Mapping) else "set"
            remedy = 'write set."phases.adapt.epochs" = 1, and unset = ["phases.adapt.epochs"]'
            return merged, [Mistake(f"{overlay[key]!r} will not do", f"{origin}{key}", remedy)]
        return merged.with_settings(settings, f"{origin}set.", unset)

    def variant(self, name: str) -> tuple[Document, list[Mistake]]:
        """Return the document as a variant changes it, without the phases that it skips."""
        table = self.at(("variants", name)) or {}
        place = f"{self.place(('variants', name))}."
        known = {key: table[key] for key in ("set", "unset") if key in table}
        changed, mistakes = self.with_overlay(known, place)
        skip = table.get("skip", ())
        skip = (skip,) if isinstance(skip, str) else tuple(skip) if isinstance(skip, list | tuple) else ()
        for phase in skip:
            if phase not in self.names("phases"):
                remedy = nearest(str(phase), self.names("phases"))
                mistakes.append(Mistake(f"no phase is called {phase!r}", f"{place}skip", remedy))
        return changed._skip(frozenset(map(str, skip))), mistakes

    def for_cell(self, variant: str | None, axes: Mapping[str, tuple[str, ...]]) -> Document:
        """Return the document with a value of every axis and a variant's changes in place.

        Raises:
            Mistakes: the variant is unknown, or sets what is not there.
        """
        if variant is not None and variant not in (*self.names("variants"), "default"):
            remedy = nearest(variant, self.names("variants"))
            raise Mistakes([Mistake(f"no variant is called {variant!r}", self.place(("variants",)), remedy)])
        document: Document = self.with_axes(axes)
        mistakes: list[Mistake] = []
        if variant is not None:
            document, mistakes = document.variant(variant)
        if mistakes:
            raise Mistakes(mistakes)
        return document.settled(variant or "default")

    def with_axes(self, axes: Mapping[str, tuple[str, ...]]) -> Document:
        """Return the document with one value of every axis in place."""
        settings = {}
        for axis, value in axes.items():
            path, new = (NUMBERS[axis], int(value[0])) if axis in NUMBERS else (f"languages.{axis}", list(value))
            settings[axis] = path, new
        tables = copy.deepcopy(dict(self.tables))
        draft = _Draft(tables, dict(self.origins))
        for axis, (path, new) in settings.items():
            draft.put(parse_path(path), new, self.place(("axes", axis)))
        return replace(self, tables=draft.tables, origins=draft.origins)

    def settled(self, variant: str) -> Document:
        """Return the document as that of a single cell: no axes, and one variant without changes."""
        tables = {key: value for key, value in self.tables.items() if key != "axes"}
        return replace(self, tables=tables | {"variants": {variant: {"name": variant}}})

    def plain(self) -> dict[str, Any]:
        """Return the tables as the model validates them: named tables as a list again, lists as tuples."""
        return {key: _frozen(_listed(key, value)) for key, value in self.tables.items()}

    def _skip(self, names: frozenset[str]) -> Document:
        phases = self.tables.get("phases")
        if not names or not isinstance(phases, Mapping):
            return self
        kept = {name: dict(phase) for name, phase in phases.items() if name not in names}
        for phase in kept.values():
            while phase.get("after") in names and phase["after"] in phases:
                phase["after"] = phases[phase["after"]].get("after")
            if phase.get("after") is None:
                phase.pop("after", None)
        tables = {**self.tables, "phases": kept}
        if isinstance(tables.get("seeds"), Mapping):
            tables["seeds"] = {phase: n for phase, n in tables["seeds"].items() if phase not in names}
        return replace(self, tables=tables, skipped=names)


@dataclass
class _Draft:
    """Tables while single keys are changed, and the mistakes met on the way."""

    tables: dict[str, Any]
    origins: dict[Path, str]
    mistakes: list[Mistake] = field(default_factory=list)

    def drop_rivals(self, path: Path, keep: set[Path | None]) -> None:
        """Remove the other lengths of a phase when one is set, and the other subsets of its rows."""
        if len(path) < 3 or path[0] != "phases":
            return
        rivals = RIVALS[path[-2] in ROWS]
        parent = self._parent(path)
        for key in rivals if path[-1] in rivals and (len(path) == 3 or path[-2] in ROWS) else ():
            if isinstance(parent, dict) and (*path[:-1], key) not in keep:
                parent.pop(key, None)

    def put(self, path: Path | None, value: Any, place: str) -> None:
        """Set a value, making tables and writing short forms out where needed."""
        if path is None:
            self._refuse(
                "this is no dotted path",
                place,
                "write a path as phases.adapt.epochs; parts with dots in quotes",
            )
        elif path[0] in NAMED and not self._known(path, value, place):
            return
        elif self._put(path, value, place):
            self.origins = {p: origin for p, origin in self.origins.items() if p[: len(path)] != path}
            self.origins[path] = place

    def remove(self, text: str, place: str) -> None:
        """Remove a key that is there."""
        path = parse_path(text) if isinstance(text, str) else None
        parent = self._parent(path) if path else None
        if path is None or not isinstance(parent, dict) or path[-1] not in parent:
            known = map(dotted, _paths(self.tables))
            self._refuse(
                f"there is no key {text!r} to unset",
                place,
                nearest(str(text), known, otherwise="leave it out"),
            )
        else:
            del parent[path[-1]]

    def _known(self, path: Path, value: Any, place: str) -> bool:
        """Whether a path below phases or variants names one that exists."""
        section, names = path[0], self.tables.get(path[0])
        if len(path) < 3:
            remedy = f'quote the whole path and name one key, as "{section}.NAME.KEY"'
            self._refuse(f"{dotted(path)} cannot be set to {value!r}", place, remedy)
            return False
        if not isinstance(names, dict) or path[1] not in names:
            remedy = nearest(path[1], names or ())
            self._refuse(f'no {section.removesuffix("s")} is called "{path[1]}"', place, remedy)
            return False
        return True

    def _put(self, path: Path, value: Any, place: str) -> bool:
        parent: dict[str, Any] = self.tables
        for part in path[:-1]:
            child = parent.get(part, {})
            if part in SHORT and isinstance(child, str):
                child = {SHORT[part]: child}
            if not isinstance(child, dict):
                self._refuse(f"{part} is {child!r}, which has no keys", place, f"set {part} itself to a table")
                return False
            parent[part] = parent = child
        parent[path[-1]] = copy.deepcopy(value)
        return True

    def _parent(self, path: Path) -> Any:
        parent: Any = self.tables
        for part in path[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        return parent

    def _refuse(self, what: str, place: str, remedy: str) -> None:
        self.mistakes.append(Mistake(what, place, remedy))


def to_toml(document: Document) -> str:
    """Return a document as TOML."""
    return dump({key: _listed(key, value) for key, value in document.tables.items()})


def _merge(base: Any, overlay: Mapping[str, Any], path: Path) -> dict[str, Any]:
    merged = dict(base)
    if path[:1] == ("phases",):
        rivals = RIVALS[path[-1] in ROWS]
        for key in rivals & merged.keys() if rivals & overlay.keys() else ():
            del merged[key]
    for key, new in overlay.items():
        old = merged.get(key)
        if not path and key in NAMED and isinstance(new, Mapping):
            old = old if isinstance(old, Mapping) else {}
            merged[key] = {name: _merge(old.get(name, {}), table, (key, name)) for name, table in new.items()}
        elif isinstance(old, Mapping) and isinstance(new, Mapping) and _alike(key, old, new):
            merged[key] = _merge(old, new, (*path, key))
        else:
            merged[key] = new
    return merged


def _alike(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a table goes on top of another: not where it names another method, another optimizer."""
    return key not in WHOLE and ("name" not in new or new["name"] == old.get("name"))


def _paths(tables: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(tables, Mapping):
        for key, value in tables.items():
            yield (*path, key)
            yield from _paths(value, (*path, key))


def _listed(section: str, value: Any) -> Any:
    return list(value.values()) if section in NAMED and isinstance(value, Mapping) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
