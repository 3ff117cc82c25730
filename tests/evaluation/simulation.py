"""Two variants, equally good or apart by a given amount, with every source of noise that real ones have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from isogloss.evaluation.paired import Contributions, LanguageDifferences, contributions


@dataclass(frozen=True)
class World:
    """A probit model of correct answers: seeds and premises are drawn anew in each simulation.

    `seed_sd` is that of a variant's accuracy over seeds, in points, and `shared` the part of its variance
    that all languages share. `premise_sd` is how much a variant's probit differs from one premise to the
    next, beyond the premise's own difficulty. `steady` is the share of the rest that an example keeps from
    one run to the next.
    """

    seeds: int = 3
    seed_sd: float = 1.0
    shared: float = 0.6
    premise_sd: float = 0.4
    steady: float = 0.7
    languages: int = 15
    premises: int = 334
    apart: float = 0.0

    def draw(self, rng: np.random.Generator) -> Contributions:
        """Simulate one comparison: a test for each language and one for the mean over all but the first."""
        groups = np.repeat(np.arange(self.premises), 3)
        n, shape = groups.size, (2, self.seeds, self.languages)
        # Accuracies from 50 to 75 %; the density of the probit there turns points into probit units.
        base = stats.norm.ppf(np.linspace(0.5, 0.75, self.languages)) * np.sqrt(2)
        points = 100 * stats.norm.pdf(base / np.sqrt(2)) / np.sqrt(2)
        seed = np.sqrt(self.shared) * rng.normal(size=(*shape[:2], 1))
        seed = seed + np.sqrt(1 - self.shared) * rng.normal(size=shape)
        probit = base + self.seed_sd * seed / points
        probit[0] += self.apart / points
        difficulty = rng.normal(size=self.premises)
        premise = self.premise_sd * rng.normal(size=(2, 1, 1, self.premises))
        correct = rng.standard_normal((*shape, n), dtype=np.float32)
        correct *= np.float32(np.sqrt(1 - self.steady))
        correct += np.float32(np.sqrt(self.steady)) * rng.standard_normal((self.languages, n), dtype=np.float32)
        correct += (difficulty + premise)[..., groups].astype(np.float32)
        right = correct > -probit[..., None].astype(np.float32)
        values = 100.0 * (right[0].astype(np.float32) - right[1])
        languages = [LanguageDifferences(values[:, i].astype(float), groups) for i in range(self.languages)]
        return contributions(languages, [range(1, self.languages)])
