"""What came of it, in words: what held, what did not, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from isogloss.evaluation.comparison import LEVEL, MEANS, baseline_of, decisive, finished
from isogloss.evaluation.describe import findings, method
from isogloss.evaluation.evidence import lacking_first
from isogloss.evaluation.frame import other_metric
from isogloss.evaluation.meaning import advice, caution
from isogloss.evaluation.naming import named

if TYPE_CHECKING:
    from isogloss.report.material import Material


def lead(material: Material) -> tuple[str, ...]:
    """Return what stands first: which variant to use, or why nobody can say."""
    comparisons = material.comparisons
    if comparisons is None:
        return ("Every run failed: there is nothing to compare.",)
    if comparisons.is_empty():
        return (_alone(material),)
    return (advice(decisive(comparisons, material.scores)),)


def sentences(material: Material) -> tuple[str, ...]:
    """Return what else is known: a sentence for each arm, and what all of it is conditional on."""
    comparisons = material.comparisons
    if comparisons is None or comparisons.is_empty():
        return ()
    few = caution(comparisons)
    return (*_of_tests(material, comparisons), *findings(comparisons), *([few] if few else []), *_silence(comparisons))


def tested(material: Material) -> str:
    """Return how the variants were compared; "" where nothing was."""
    comparisons = material.comparisons
    return "" if comparisons is None or comparisons.is_empty() else method(comparisons)


def _of_tests(material: Material, comparisons: pl.DataFrame) -> list[str]:
    """Say what the tests are of if another metric is shown, and which baseline stands in for the first variant."""
    other = other_metric(material.scores, material.metric)
    lines = (
        [f"Tests, and all points said here, are of {other}; the scores shown are {material.metric}."] if other else []
    )
    if first := lacking_first(material.runs):
        lines.append(
            f'"{comparisons["baseline"][0]}" is the baseline in place of "{first}", which has no finished run.'
        )
    return lines


def _alone(material: Material) -> str:
    """Say why nothing was compared, though some run is done."""
    scores = named(material.scores)
    baseline = baseline_of(scores, material.against)
    done = finished(scores)
    if baseline not in done:
        return f'No run of "{baseline}" has finished: there is nothing that others could be compared with.'
    others = list(dict.fromkeys(variant for variant in scores["variant"] if variant != baseline))
    if not others:
        return "One variant alone was run: there is nothing that it could be compared with."
    if not set(others) & set(done):
        every = ", ".join(f'"{variant}"' for variant in others)
        return f'Every run of {every} failed: there is nothing that "{baseline}" could be compared with.'
    return f'No variant shares a run with "{baseline}": the same cell, seed and test examples. Nothing was compared.'


def _silence(comparisons: pl.DataFrame) -> list[str]:
    """Say what "undecided" must not be taken for, where a mean is so."""
    means = comparisons.filter(pl.col("scope").is_in(list(MEANS)), pl.col("verdict") == "undecided")
    if means.is_empty():
        return []
    return [
        f"Undecided is no proof that two variants are alike: it says that a test at {100 * LEVEL:g} % could not tell "
        "them apart. How far apart they may still be is the interval."
    ]
