"""A run's model as the folder that `export` writes and `push` uploads: weights, tokenizer, and a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isogloss.evaluation.seeds import Picked
    from isogloss.learner.learner import Learner
    from isogloss.store import Store

_EXAMPLES = 3


@dataclass(frozen=True)
class Taken:
    """A run that is taken away.

    Attributes:
        store: that has it.
        picked: the run, and how it was chosen.
        data: folder of a task's files, by task name.
        with_texts: whether its card shows some rows of the data.
        offline: never reach for the hub.
    """

    store: Store
    picked: Picked
    data: Mapping[str, Path]
    with_texts: bool
    offline: bool

    @cached_property
    def learner(self) -> Learner:
        """The learner that the run ended with."""
        from isogloss.run import load_learner

        return load_learner(self.store, self.picked.run, offline=self.offline)

    def write(self, folder: Path) -> Learner:
        """Write the folder, whole or not at all, and return the learner.

        Raises:
            Mistakes: the weights were not kept, nothing is known of the model's scores, or the disk is full.
        """
        from isogloss.cli.card import card
        from isogloss.run.tested import example_rows

        learner, run, examples = self.learner, self.picked.run, []
        if self.with_texts:
            examples = example_rows(self.store, run, learner, most=_EXAMPLES, data=self.data, offline=self.offline)
        learner.export(folder, card=card(self.store, self.picked, learner.labels, examples))
        return learner
