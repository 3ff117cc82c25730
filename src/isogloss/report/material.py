"""What a page and its figures are made of: everything that a store holds of some runs, each thing read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from isogloss.evaluation.evidence import evidence

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.outcomes import Outcomes
    from isogloss.store import RunInfo, Store


@dataclass(frozen=True)
class Material:
    """Some runs of a store; frames are read when they are first asked for.

    Attributes:
        store: where the runs are.
        runs: which, as `isogloss.evaluation.evidence.chosen` returns them.
        against: the variant that others are compared with; the first if not given.
        metric: what is shown of a run; its primary metric if not given.
    """

    store: Store
    runs: Sequence[RunInfo]
    against: str | None = None
    metric: str | None = None

    @cached_property
    def _evidence(self) -> tuple[pl.DataFrame, Outcomes | None]:
        return evidence(self.store, self.runs)

    @property
    def scores(self) -> pl.DataFrame:
        """The score frame (`isogloss.evaluation.frame`), with a row for each failed run."""
        return self._evidence[0]

    @property
    def outcomes(self) -> Outcomes | None:
        """What each run got right, example by example; None where every run failed."""
        return self._evidence[1]

    @cached_property
    def comparisons(self) -> pl.DataFrame | None:
        """Paired comparisons with the baseline, corrected over languages; None where every run failed."""
        from isogloss.evaluation.comparison import compare

        return None if self.outcomes is None else compare(self.scores, self.outcomes, baseline=self.against)

    @cached_property
    def done(self) -> tuple[RunInfo, ...]:
        """The runs that are done."""
        return tuple(run for run in self.runs if run.state == "done")
