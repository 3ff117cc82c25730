"""Every test of every pair of matrices, in one frame.

One row a test: outcome, explanatory, layer, with_same_language, test, coefficient, value, statistic, cells,
languages, draws, p, p_bh, low, high, dropped, note. The default test (`DEFAULT`) is the one that the others are to be
read against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from isogloss.analysis.statistics.bootstrap import Interval, bootstrap
from isogloss.analysis.statistics.correlation import COEFFICIENTS, Coefficient, correlate
from isogloss.analysis.statistics.levels import warning
from isogloss.analysis.statistics.mantel import Randomised, mantel
from isogloss.analysis.statistics.mixed import mixed_model
from isogloss.analysis.statistics.mrqap import mrqap
from isogloss.analysis.statistics.multiple import adjust
from isogloss.analysis.statistics.pairs import Bools, Floats, Matrix, align, constants
from isogloss.analysis.statistics.tree import Tree, family_tree
from isogloss.analysis.statistics.tree_null import spectral_randomisation, tree_simulation
from isogloss.errors import Mistakes, mistake, nearest
from isogloss.keys import Key

DEFAULT = "spectral randomisation"
SCHEMA: Mapping[str, Any] = {
    "outcome": pl.String,
    "explanatory": pl.String,
    "layer": pl.Int64,
    "with_same_language": pl.Boolean,
    "test": pl.String,
    "coefficient": pl.String,
    "value": pl.Float64,
    "statistic": pl.Float64,
    "cells": pl.Int64,
    "languages": pl.Int64,
    "draws": pl.Int64,
    "p": pl.Float64,
    "p_bh": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "dropped": pl.String,
    "note": pl.String,
}
_FAMILY = ("outcome", "with_same_language", "test", "coefficient")


@dataclass(frozen=True, eq=False)
class Question:
    """Two aligned matrices to be related, and all that a test may need.

    Attributes:
        x: explanatory, [n, n].
        y: outcome, [n, n].
        cells: which cells are compared, [n, n].
        controls: other explanatory matrices, [n, n] each; only MRQAP and the mixed model use them.
        tree: of the n languages.
        draws: permutations, rotations, simulations, samples.
        level: 1 − the coverage of an interval.
        key: where randomness comes from; a test adds its name.
    """

    x: Floats
    y: Floats
    cells: Bools
    controls: tuple[Floats, ...]
    tree: Tree
    draws: int
    level: float
    key: Key

    def rng(self, test: str, coefficient: str) -> np.random.Generator:
        """Return the generator of one test."""
        return self.key._replace(purpose=f"{self.key.purpose}/{test}/{coefficient}").generator()


Answer = Mapping[str, Any]
"""The columns that a test fills: value, and those of statistic, p, draws, low, high and note that it has."""


def _naive(ask: Question, coefficient: Coefficient) -> Answer:
    found = correlate(ask.x[ask.cells], ask.y[ask.cells], coefficient)
    return {"value": found.value, "statistic": found.value, "p": found.p}


def _mantel(ask: Question, coefficient: Coefficient) -> Answer:
    rng = ask.rng("Mantel", coefficient)
    return mantel(ask.x, ask.y, ask.cells, coefficient=coefficient, draws=ask.draws, rng=rng)._asdict()


def _bootstrap(ask: Question, coefficient: Coefficient) -> Answer:
    found: Interval = bootstrap(
        ask.x,
        ask.y,
        ask.cells,
        coefficient=coefficient,
        draws=ask.draws,
        level=ask.level,
        rng=ask.rng("bootstrap", coefficient),
    )
    return {"value": correlate(ask.x[ask.cells], ask.y[ask.cells], coefficient).value, **found._asdict()}


def _mrqap(ask: Question, coefficient: str) -> Answer:
    two_way = coefficient == "two-way partial"
    rng = ask.rng("MRQAP-DSP", coefficient)
    found: Randomised = mrqap(ask.x, ask.y, ask.cells, ask.controls, two_way=two_way, draws=ask.draws, rng=rng)
    return found._asdict()


def _spectral(ask: Question, coefficient: str) -> Answer:
    rank: Coefficient = "spearman" if coefficient == "two-way spearman" else "pearson"
    rng = ask.rng("spectral randomisation", coefficient)
    found = spectral_randomisation(ask.x, ask.y, ask.cells, ask.tree, coefficient=rank, draws=ask.draws, rng=rng)
    if found.p is None:
        return {"value": found.value, "note": "nearly the family tree itself, from which no rotation can tell it"}
    return found._asdict()


def _simulation(ask: Question, coefficient: str) -> Answer:
    rng = ask.rng("tree simulation", coefficient)
    return tree_simulation(ask.x, ask.y, ask.cells, ask.tree, draws=ask.draws, rng=rng)._asdict()


def _mixed(ask: Question, _: str) -> Answer:
    fit = mixed_model(ask.x, ask.y, ask.cells, ask.controls)
    low, high = fit.interval(ask.level)
    statistic = fit.slope / fit.error
    return {"value": fit.slope, "statistic": statistic, "p": fit.p, "low": low, "high": high, "note": fit.note}


TESTS: Mapping[str, tuple[Callable[[Question, Any], Answer], tuple[str, ...]]] = {
    "naive": (_naive, COEFFICIENTS),
    "bootstrap": (_bootstrap, COEFFICIENTS),
    "Mantel": (_mantel, COEFFICIENTS),
    "MRQAP-DSP": (_mrqap, ("partial", "two-way partial")),
    "mixed model": (_mixed, ("slope",)),
    "tree simulation": (_simulation, ("two-way pearson",)),
    "spectral randomisation": (_spectral, ("two-way pearson", "two-way spearman")),
}
"""Name → how it is made, and of which coefficients."""

TAKE_CONTROLS = ("MRQAP-DSP", "mixed model")


def relate(
    outcomes: Matrix | Sequence[Matrix],
    explanatory: Matrix | Sequence[Matrix],
    *,
    key: Key,
    tree: Tree | None = None,
    controls: Sequence[Matrix] = (),
    covariates: Sequence[Matrix] = (),
    tests: Sequence[str] = tuple(TESTS),
    draws: int = 9_999,
    level: float = 0.05,
) -> pl.DataFrame:
    """Relate every outcome to every explanatory matrix by every test, with and without same-language pairs.

    Args:
        outcomes: transfer, or the impact of each layer.
        explanatory: distances; or transfer, where impact is the outcome.
        key: where randomness comes from: the same key, the same frame.
        tree: the family tree; without one, families and branches of the table of languages.
        controls: what MRQAP and the mixed model control for; the explanatory matrices may be among them, since none
            is controlled for itself (by name). A language that one of them lacks is left out of every test.
        covariates: quantities of the source or the target (`pairs.of_source`, `of_target`) that those two control for,
            too. A language that one of them lacks is left out of those two tests alone.
        tests: names in `TESTS`.
        draws: how many permutations, rotations, simulations and samples of languages each.
        level: 1 − the coverage of the intervals.

    Returns:
        A row a test; `SCHEMA` names the columns. p_bh is over the layers and explanatory matrices of one outcome, test
        and coefficient. A test that does not hold its level says so in its note.

    Raises:
        Mistakes: a test is unknown, or matrices have too few languages in common.
    """
    for test in tests:
        if test not in TESTS:
            raise mistake(f'no test is called "{test}"', where="tests", remedy=nearest(test, TESTS))
    ours = [outcomes] if isinstance(outcomes, Matrix) else list(outcomes)
    theirs = [explanatory] if isinstance(explanatory, Matrix) else list(explanatory)
    rows: list[dict[str, Any]] = []
    for with_same_language in (True, False):
        for outcome in ours:
            for one in theirs:
                common = _Common(tree, key, with_same_language, draws, level)
                plain = _ask(outcome, one, controls, common)
                controlled = _ask(outcome, one, [*controls, *covariates], common) if covariates else plain
                for test in tests:
                    about, ask = controlled if test in TAKE_CONTROLS else plain
                    rows += [about | answer for answer in _answers(ask, test)]
    return as_frame(rows)


def as_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return answers as a frame, corrected over the layers and explanatory matrices of one outcome and test."""
    frame = pl.DataFrame(rows, schema={name: kind for name, kind in SCHEMA.items() if name != "p_bh"})
    return adjust(frame, _FAMILY).select(list(SCHEMA))


class _Common(NamedTuple):
    """What the questions to all pairs of matrices have in common."""

    tree: Tree | None
    key: Key
    same: bool
    draws: int
    level: float


def _ask(outcome: Matrix, one: Matrix, controls: Sequence[Matrix], common: _Common) -> tuple[dict[str, Any], Question]:
    """What a row says of its matrices, and the question that its tests answer."""
    tree, key, same, draws, level = common
    others = [control for control in controls if control.name not in (one.name, outcome.name)]
    pairs = align([one, outcome, *others], with_same_language=same)
    known = family_tree(pairs.languages) if tree is None else tree.take(pairs.languages)
    purpose = f"{key.purpose}/{outcome.name}/{outcome.layer}/{one.name}/{one.layer}/{same}"
    x, y, *rest = pairs.values
    about = {
        "outcome": outcome.name,
        "explanatory": one.name,
        "layer": outcome.layer if outcome.layer is not None else one.layer,
        "with_same_language": same,
        "cells": int(pairs.cells.sum()),
        "languages": len(pairs.languages),
        "dropped": "; ".join(f"{code}: {why}" for code, why in sorted(pairs.dropped.items())),
    }
    return about, Question(x, y, pairs.cells, tuple(rest), known, draws, level, key._replace(purpose=purpose))


def _answers(ask: Question, test: str) -> Iterator[dict[str, Any]]:
    """A row for each coefficient of a test."""
    constant = constants(("explanatory", ask.x[ask.cells]), ("outcome", ask.y[ask.cells]))
    make, coefficients = TESTS[test]
    for coefficient in coefficients:
        if constant:
            yield {"test": test, "coefficient": coefficient, "note": constant}
            continue
        try:
            answer = dict(make(ask, coefficient))
        except Mistakes as undefined:  # of one pair: the others are still to be answered
            answer = {"note": "; ".join(mistake.what for mistake in undefined.mistakes)}
        same = bool(ask.cells[0, 0])
        level = warning(test, coefficient, with_same_language=same, controlled=bool(ask.controls))
        note = "; ".join(filter(None, (answer.pop("note", ""), level)))
        yield {"test": test, "coefficient": coefficient, "note": note, **answer}
