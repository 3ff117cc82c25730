"""Small predictions and scores for the tests: a few variants and languages, premises with three rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from isogloss.evaluation.frame import failed_run, score_run, stack

LANGUAGES = ("en", "el", "sw", "th")
ROLES = {"en": "source", "el": "auxiliary", "sw": "unseen", "th": "unseen"}


def accuracy(outcome: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {"accuracy": 100 * float((outcome["label"] == outcome["prediction"]).mean())}


def facts(variant: str, seed: int | str, **more: object) -> dict[str, object]:
    return {
        "recipe": "toy",
        "variant": variant,
        "seed": str(seed),
        "examples_seen": 640,
        "seconds": 1.5,
        "run": f"{variant}-{seed}",
        **more,
    }


def predictions(
    right: Mapping[str, float],
    *,
    seeds: Sequence[int | str] = (0, 1, 2),
    languages: Sequence[str] = LANGUAGES,
    premises: int = 60,
    noise: int = 0,
    **more: object,
) -> pl.DataFrame:
    """Predictions of variants that are right with the probabilities in `right`; ids in a shuffled order."""
    frames = []
    for variant, probability in right.items():
        for number, seed in enumerate(seeds):
            for language in languages:
                rng = np.random.default_rng([noise, *map(ord, variant + language), number])
                n = 3 * premises
                labels = np.arange(n) % 3
                wrong = rng.random(n) > probability
                frame = pl.DataFrame(
                    {
                        "language": [language] * n,
                        "id": [f"{i:04d}" for i in range(n)],
                        "group": np.arange(n) // 3,
                        "label": labels.astype(np.int16),
                        "prediction": ((labels + wrong) % 3).astype(np.int16),
                    }
                )
                about = {key: value for key, value in facts(variant, seed, **more).items() if key != "seconds"}
                frames.append(frame.sample(fraction=1, shuffle=True, seed=number).with_columns(**_literals(about)))
    return pl.concat(frames)


def _literals(about: Mapping[str, object]) -> dict[str, pl.Expr]:
    return {key: pl.lit(value) for key, value in about.items()}


def scores(
    predicted: pl.DataFrame,
    *,
    roles: Mapping[str, str] = ROLES,
    failed: Sequence[tuple[str, int]] = (),
    **more: object,
) -> pl.DataFrame:
    """The score frame of those predictions, with failed runs in it."""
    parts = [
        score_run(part, metrics=accuracy, roles=roles, facts=facts(str(variant), str(seed), **more))
        for (variant, seed), part in predicted.group_by(["variant", "seed"], maintain_order=True)
    ]
    return stack([*parts, *[failed_run(facts(variant, seed, **more)) for variant, seed in failed]])
