"""Methods, pairings, kinds, objectives and simple models by name: entry points, so that other packages can add theirs.

A package adds a method by declaring it in its own `pyproject.toml`:

    [project.entry-points."isogloss.methods"]
    reptile = "my_package.reptile:Reptile"

So with `isogloss.pairings`, `isogloss.kinds`, `isogloss.objectives` and `isogloss.simple`. A sixth group is read by
`isogloss.data.source` alone: `isogloss.samples`, functions that return the folder of a sample that a package brings
along, which a task names in `embedded`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

from isogloss.errors import mistake, nearest

Group = Literal["methods", "pairings", "kinds", "objectives", "simple"]


@cache
def names(group: Group) -> tuple[str, ...]:
    """Return the registered names of a group, sorted."""
    return tuple(sorted(entry_points(group=f"isogloss.{group}").names))


@cache
def load(group: Group, name: str) -> Any:
    """Return what is registered under `name`.

    Raises:
        Mistakes: nothing is registered under that name.
    """
    if name not in names(group):
        one = "simple model" if group == "simple" else group.removesuffix("s")
        raise mistake(f'no {one} is called "{name}"', where=one, remedy=nearest(name, names(group)))
    return entry_points(group=f"isogloss.{group}")[name].load()
