"""Content keys: what a phase's result depends on, and nothing that it does not, as one short hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from isogloss import registry
from isogloss.data.task import Task
from isogloss.recipe.phase import On, Phase
from isogloss.recipe.resolve import kind_of_task, method_of

FORMAT = 1  # raised when the same settings come to mean another result


class Fingerprints(Protocol):
    """Where the content of data and encoders is looked up; the runner knows the folders."""

    def data(self, task: Task, language: str, split: str) -> str:
        """Return a hash of the rows of one language and split."""

    def encoder(self, name: str) -> str:
        """Return a hash of an encoder's weights, configuration and tokenizer."""

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        """Return the task's languages that its source has: an embedded sample has fewer than the task names."""

    def precision(self, asked: str) -> str:
        """Return in which numbers this machine computes where `asked` ("auto", …) is asked for."""


def content_key(content: Mapping[str, Any]) -> str:
    """Return 16 hex digits (SHA-256) of a JSON-like mapping; the order of its keys does not matter."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_content(phase: Phase) -> dict[str, Any]:
    """Return a phase's own settings with every default written out.

    Left out are names (of the phase and of those that it refers to: their keys stand elsewhere), what the
    fingerprints of the data cover, gradient checkpointing, which is exact, and what the recipe may say for all phases.
    """
    method = method_of(phase.method)
    whole = {
        "name",
        "after",
        "on",
        "support",
        "method",
        "optimizer",
        "as_long_as",
        "gradient_checkpointing",
        "adapters",
        "rates",
        "select",
        "precision",
    }
    if phase.class_weights is None:  # told only where they are given: older phases keep their keys
        whole.add("class_weights")
    optimizer = {"name": phase.optimizer.name, "learning_rate": phase.optimizer.learning_rate}
    pairing = {"pairing": method.pairing.version} if method.draws_support else {}
    # Dropout masks follow the part that an example is in, and parts were not always made so.
    parts = {"parts": "by length"} if phase.accumulation > 1 else {}
    return phase.model_dump(mode="json", exclude=whole) | {
        "method": [phase.method.name, type(method).version, method_settings(phase)],
        "objective": [phase.objective, registry.load("objectives", phase.objective).version],
        "optimizer": optimizer | phase.optimizer.arguments(),
        "rates": phase.rates.model_dump(mode="json", exclude={"taken_from"}),
        "freeze": sorted(set(phase.freeze)),
        "select": phase.select.model_dump(mode="json") if phase.select.on != "last" else "last",
        **pairing,
        **parts,
    }


def method_settings(phase: Phase) -> dict[str, Any]:
    """Return the settings of a phase's method, defaults written out."""
    settings = registry.load("methods", phase.method.name).Settings
    return dict(settings.model_validate(dict(phase.method.settings), strict=True).model_dump(mode="json"))


def task_content(task: Task) -> list[Any]:
    """Return what of a task, beside its rows, a result depends on."""
    kind = kind_of_task(task)
    settings = [dict(kind.settings)] if kind.settings else []
    return [task.name, task.version, task.kind, kind.version, *settings]


def subset_content(on: On, phase: Phase, draw: int) -> dict[str, Any] | None:
    """Return how rows of a phase are chosen; None for all of them, whatever the draw."""
    subset = on.model_dump(include={"examples", "share", "per_label"}, exclude_none=True)
    return subset | {"draw": draw} if subset or phase.select.on != "last" else None
