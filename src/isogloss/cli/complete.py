"""What a shell may offer: names of recipes, tasks, methods, languages, and of the store's runs.

Each is asked for while somebody waits with a finger on the key: nothing heavy is imported, and what cannot be read
offers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def recipes(incomplete: str) -> list[str]:
    """Return shipped recipes, and TOML files that are here."""
    from isogloss.recipe.source import shipped

    return [*_beginning(shipped(), incomplete), *_files(incomplete, ".toml")]


def references(incomplete: str) -> list[str]:
    """Return the papers' tables that `table --compare` knows."""
    from isogloss.evaluation.reference import references as known

    return _beginning(known(), incomplete)


def tasks(incomplete: str) -> list[str]:
    """Return shipped tasks."""
    from isogloss.data.task import shipped_tasks

    return _beginning(shipped_tasks(), incomplete)


def languages(incomplete: str) -> list[tuple[str, str]]:
    """Return keys of languages, each with its name."""
    from isogloss.languages import languages as known

    return [(key, language.name) for key, language in known().items() if key.startswith(incomplete)]


def runs(ctx: Any, incomplete: str) -> list[str]:
    """Return addresses of the runs in the store that the command line names: as far as what is typed goes.

    First recipes; after a "/" their variants; after an "@" their seeds.
    """
    found = _runs(Path(ctx.params.get("store") or "runs"))
    if "@" in incomplete:
        addresses = [f"{recipe}/{variant}@{seed}" for recipe, variant, seed in found]
    elif "/" in incomplete:
        addresses = [f"{recipe}/{variant}" for recipe, variant, _ in found]
    else:
        addresses = [recipe for recipe, _, _ in found]
    return _beginning(dict.fromkeys(addresses), incomplete)


def anything(ctx: Any, incomplete: str) -> list[str]:
    """Return what `show` explains: recipes, tasks, methods and runs."""
    from isogloss.registry import names

    named = [*recipes(incomplete), *tasks(incomplete), *_beginning(names("methods"), incomplete)]
    return list(dict.fromkeys([*named, *runs(ctx, incomplete)]))


def listed(incomplete: str) -> list[str]:
    """Return what `list` lists."""
    return _beginning(("recipes", "tasks", "methods", "languages", "runs"), incomplete)


def _runs(store: Path) -> list[tuple[str, str, str]]:
    """Return recipe, variant and seed of each run: the names alone, read without opening the store's tables."""
    import json
    from contextlib import suppress

    found = []
    for path in sorted(store.glob("runs/*/run.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            found.append((str(content["recipe"]), str(content["variant"]), str(content["seed"])))
    return found


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _files(incomplete: str, ending: str) -> list[str]:
    folder, _, name = incomplete.rpartition("/")
    here = Path(folder or ".")
    found = sorted(path.name for path in here.glob(f"*{ending}")) if here.is_dir() else []
    return [f"{folder}/{each}" if folder else each for each in found if each.startswith(name)]
