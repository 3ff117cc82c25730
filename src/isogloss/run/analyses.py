"""Carry a cell's analyses out, on the rows that it is tested on."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from isogloss.analysis.impact import Impact, States, evaluate_with_impact
from isogloss.errors import IsoglossWarning
from isogloss.recipe.keys import content_key
from isogloss.recipe.planned import Cell, Plan, PlannedAnalysis
from isogloss.run.learners import fresh_learner, learner_after, phase_spec
from isogloss.store.files import disk_mistakes, read_json, whole_file, write_json

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.kinds.base import Predictions
    from isogloss.learner.learner import Learner
    from isogloss.run.resources import Resources
    from isogloss.store.store import Store


class ImpactOf:
    """Impact on one language after the other, while a learner is evaluated on them.

    Args:
        analysis: which.
        before: hidden states of what it is compared with.
    """

    def __init__(self, analysis: PlannedAnalysis, before: StatesCache) -> None:
        self.analysis, self._before = analysis, before
        self._found: dict[str, Impact] = {}

    def predict(self, learner: Learner, bag: Bag) -> Predictions:
        """Return a language's predictions, and keep the impact on it.

        Args:
            learner: stands where the phase in question ended.
            bag: the language's test rows.

        Where CKA is not defined (few rows, or all hidden states alike), a warning says so, and the impact is missing.
        """
        predictions, found = evaluate_with_impact(self._before.states(bag), learner, bag)
        if found.undefined:
            warnings.warn(f"no impact on {bag.language}: {found.undefined}", IsoglossWarning, stacklevel=2)
        self._found[bag.language] = found
        return predictions

    def write(self, store: Store) -> None:
        """Keep what was found, for all languages seen."""
        of, against = self.analysis.phases
        parts = [
            pl.DataFrame(
                {
                    "phase": of,
                    "against": against,
                    "pooling": self.analysis.pooling,
                    "language": language,
                    "layer": found.layers,
                    "cka": found.cka,
                    "debiased_cka": found.debiased_cka,
                    "impact": found.impact,
                    "n": found.examples,
                }
            )
            for language, found in self._found.items()
        ]
        frame = pl.concat(parts).with_columns(pl.col("cka", "debiased_cka", "impact").fill_nan(None))
        store.analysis(self.analysis.key).write(self.analysis._asdict(), frame)


class StatesCache:
    """Hidden states of the learner before, by language, computed once and read from the disk from then on.

    Args:
        analysis: whose `against` is meant.
        cell: whose test rows these are on.
        plan: of the cell.
        store: where they are kept, below `states/`; may be deleted while nothing runs.
        resources: the data.
    """

    def __init__(self, analysis: PlannedAnalysis, cell: Cell, plan: Plan, store: Store, resources: Resources) -> None:
        self._analysis, self._cell, self._plan = analysis, cell, plan
        self._store, self._resources = store, resources
        self._learner: Learner | None = None

    def states(self, bag: Bag) -> States:
        """Return the hidden states on a bag."""
        folder = self._store.states / self._key(bag)
        ids, values = folder / "ids.json", folder / "values.npy"
        if not (values.is_file() and ids.is_file()):
            found = States.of(self._learner_before(), bag, pooling=self._analysis.pooling)
            with disk_mistakes(folder):
                folder.mkdir(parents=True, exist_ok=True)
            write_json(ids, found.ids)
            with whole_file(values) as temporary, temporary.open("wb") as file:
                np.save(file, found.values, allow_pickle=False)
        mapped = np.load(values, mmap_mode="r", allow_pickle=False)
        return States(tuple(read_json(ids)), mapped, self._analysis.pooling)

    def _key(self, bag: Bag) -> str:
        cell, first = self._cell, self._plan.phases[self._analysis.of]
        return content_key(
            {
                "before": self._analysis.against or self._resources.encoder(first.encoder),
                "max_length": first.max_length,
                "precision": cell.precision,
                "pooling": self._analysis.pooling,
                "rows": self._resources.data(cell.task, bag.language, cell.split),
                "examples": cell.examples and [cell.examples, cell.draw],
            }
        )

    def _learner_before(self) -> Learner:
        if self._learner is None:
            against, precision = self._analysis.against, self._cell.precision
            if against is not None:
                offline = self._resources.offline
                self._learner = learner_after(self._store, against, offline=offline, precision=precision)
            else:
                spec = phase_spec(self._plan.phases[self._analysis.of], self._resources.labels)
                self._learner = fresh_learner(spec | {"precision": precision}, offline=self._resources.offline)
        return self._learner
