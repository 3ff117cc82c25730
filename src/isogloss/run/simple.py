"""A simple model in place of trained weights: fitted on the rows that the phases would train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss import registry
from isogloss.learner.learner import Learner
from isogloss.recipe.planned import Cell
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.learners import fresh_learner, phase_spec
from isogloss.run.resources import Resources
from isogloss.run.training import phase_data

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.kinds.base import Predictions
    from isogloss.run.scoring import Predict


def fitted(cell: Cell, resources: Resources) -> tuple[Predict, int]:
    """Return what predicts as a cell's simple model does, and how many examples it has seen.

    Rows that several phases train on count once.

    Raises:
        Mistakes: the data is not what the recipe says.
    """
    assert cell.simple is not None
    kind, bags = kind_of_task(cell.task), _bags(cell, resources)
    scores = registry.load("simple", cell.simple.name)().fit(bags, _Reader(cell, resources))

    def predict(bag: Bag) -> Predictions:
        return kind.decode(bag, scores(bag))

    return predict, sum(map(len, bags))


def _bags(cell: Cell, resources: Resources) -> list[Bag]:
    """Return what is trained on, in the order of the phases; a row of two phases is in the first."""
    assert cell.simple is not None
    found: dict[tuple[str, str, str], Bag] = {}
    for phase in cell.simple.phases:
        data = phase_data(phase, resources)
        for bag in (*data.train.values(), *(data.support or {}).values()):
            found.setdefault((bag.task, bag.language, bag.split), bag)
    return list(found.values())


class _Reader:
    """The pre-trained encoder, loaded when its states are first asked for."""

    def __init__(self, cell: Cell, resources: Resources) -> None:
        self._cell, self._resources = cell, resources
        self._learner: Learner | None = None

    def __call__(self, bag: Bag) -> NDArray[np.float32]:
        if self._learner is None:
            assert self._cell.simple is not None
            spec = phase_spec(self._cell.simple.phases[0], self._resources.labels)
            self._learner = fresh_learner(spec, offline=self._resources.offline)
        found: NDArray[np.float32] | None = None
        for seen in self._learner.observe(bag, pooling="mean"):
            states = seen.states[-1].cpu().numpy()
            if found is None:
                found = np.empty((len(bag), states.shape[1]), dtype=np.float32)
            found[seen.positions] = states
        assert found is not None, "a bag has an example"
        return found
