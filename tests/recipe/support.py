"""Recipes written by the tests, and fingerprints that name what they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from isogloss.data.task import Task
from isogloss.errors import Mistakes
from isogloss.recipe.load import load_recipe
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.recipe.planned import Plan

START = """
name = "small"
task = "xnli"
encoder = "mini"

[languages]
source = ["en"]
auxiliary = ["el", "ur"]
target = ["fr", "el", "en"]

[[phases]]
name = "source"
on = { task = "mnli", languages = "source" }
method = "finetune"
epochs = 1
"""
SMALL = (
    START
    + """
[[phases]]
name = "meta"
after = "source"
on = { split = "validation", languages = ["source", "auxiliary"] }
method = { name = "meta_optimizer", rounds = 2 }

[[phases]]
name = "adapt"
after = "source"
on = { split = "validation", languages = ["source", "auxiliary"] }
method = "finetune"
rates = { from = "meta" }
epochs = 2

[[variants]]
name = "pooled"
skip = ["meta"]
set."phases.adapt.rates" = 1.0

[[variants]]
name = "learned"

[profiles.tiny]
max_length = 64
"""
)
SUPPORT = 'support = { split = "validation", languages = "source" }'
EPISODES = (
    START.replace('["fr", "el", "en"]', '["fr", "sw", "el"]')
    + f"""
[[phases]]
name = "meta"
after = "source"
on = {{ split = "validation", languages = "auxiliary" }}
{SUPPORT}
method = {{ name = "maml", pairing = "roles" }}
steps = 9
"""
)


class Fingerprints:
    """The names themselves; `changed` stands for data or an encoder whose content is another one now."""

    def __init__(self, changed: str = "") -> None:
        self.changed = changed

    def data(self, task: Task, language: str, split: str) -> str:
        return self._of(f"{task.name}/{language}/{split}")

    def encoder(self, name: str) -> str:
        return self._of(name)

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        return task.languages

    def precision(self, asked: str) -> str:
        return asked

    def _of(self, name: str) -> str:
        return f"{name}, changed" if name == self.changed else name


def write(folder: Path, text: str, name: str = "small.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def load(folder: Path, text: str = SMALL, *, profile: str | None = None, sets: tuple[str, ...] = ()) -> Recipe:
    return load_recipe(write(folder, text), profile=profile, sets=sets)


def plan(folder: Path, text: str = SMALL, *, sets: tuple[str, ...] = (), changed: str = "") -> Plan:
    return make_plan(load(folder, text, sets=sets), Fingerprints(changed))


def mistakes(folder: Path, text: str = SMALL, **asked: object) -> list[str]:
    """The mistakes of a recipe as lines, the folder left out."""
    with pytest.raises(Mistakes) as caught:
        load(folder, text, **asked)  # type: ignore[arg-type]
    return [str(mistake).replace(f"{folder}/", "") for mistake in caught.value.mistakes]
