"""Bags for schedules: of several languages, with ids that say their language or ids that all of them share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from isogloss.data.bag import Bag
from isogloss.methods.base import Schedule
from learner import tiny


def bags(**sizes: int) -> dict[str, Bag]:
    """Bags whose ids say their language; every example is a group of its own."""
    made = {}
    for number, (language, size) in enumerate(sizes.items()):
        lengths = tuple(int(n) for n in np.random.default_rng(number).integers(3, 12, size))
        bag = tiny.bag(lengths, seed=number)
        columns = replace(bag.columns, ids=np.array([f"{language}{i}" for i in range(size)]))
        made[language] = replace(bag, language=language, columns=columns)
    return made


def parallel(*languages: str, size: int, group: int = 3, split: str = "validation") -> dict[str, Bag]:
    """Bags with the same ids in every language, each in an order of its own; `group` rows share a premise."""
    made = {}
    for number, (language, bag) in enumerate(bags(**dict.fromkeys(languages, size)).items()):
        order = np.random.default_rng(100 + number).permutation(size)
        columns = replace(bag.columns, ids=np.array([f"id{i}" for i in order]), groups=order // group)
        made[language] = replace(bag, columns=columns, split=split)
    return made


def groups_of(bag: Mapping[str, Bag]) -> dict[tuple[str, str], int]:
    """Return (language, id) → group."""
    return {
        (language, id_): group
        for language, one in bag.items()
        for id_, group in zip(one.ids.tolist(), one.groups.tolist(), strict=True)
    }


def ids_of(schedule: Schedule, step: int) -> list[list[tuple[str, ...]]]:
    """Return of each episode of a step the ids of every batch of support and query."""
    return [[batch.ids for batch in (*episode.support, *episode.query)] for episode in schedule[step]]


def digest(schedule: Schedule) -> str:
    """Return a hash of every episode's batches and of where its step stands."""
    hashed = hashlib.sha256()
    for step in range(schedule.steps):
        (episode,) = schedule[step]
        for batch in (*episode.support, None, *episode.query):
            hashed.update(repr(batch and batch.ids).encode())
        hashed.update(repr(tuple(episode.extra.get(key) for key in ("step", "steps", "round_begins"))).encode())
    return hashed.hexdigest()[:16]
