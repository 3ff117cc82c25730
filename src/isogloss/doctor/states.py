"""Hidden states of rows, as the encoder has them before any training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss.doctor.columns import Column
from isogloss.keys import Key
from isogloss.recipe.resolve import evaluation_task, kind_of_task

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.recipe.model import Recipe
    from isogloss.run.resources import Resources


def mean_states(recipe: Recipe, resources: Resources) -> Callable[[Column, NDArray[np.int64]], NDArray[np.float32]]:
    """Return what gives rows of a column as the means over tokens of the encoder's last states, [N, H].

    The encoder is loaded when it is first asked.
    """
    learner = None

    def states(column: Column, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        nonlocal learner
        if learner is None:
            from isogloss.learner.learner import Learner

            learner = Learner.load(
                recipe.encoder,
                labels=resources.labels,
                kind=kind_of_task(evaluation_task(recipe)),
                head_key=Key(0, "doctor"),
                max_length=recipe.max_length,
                precision=recipe.precision,
                offline=resources.offline,
            )
        bag: Bag = resources.bag(column.task, column.language, column.split)
        bag = bag.subset(ids=bag.ids[rows].tolist())
        found: NDArray[np.float32] | None = None
        for seen in learner.observe(bag, pooling="mean"):
            last = seen.states[-1].cpu().numpy()
            if found is None:
                found = np.empty((len(bag), last.shape[-1]), np.float32)
            found[seen.positions] = last
        assert found is not None, "rows are asked for"
        return found

    return states
