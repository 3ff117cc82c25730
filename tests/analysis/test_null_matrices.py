"""How often each test of two matrices finds a relation where there is none, and where one is (docs/statistics.md).

`PYTHONPATH=tests python -m analysis.test_null_matrices` simulates anew and writes `levels.csv`, in minutes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from scipy import stats

from analysis.worlds import WORLDS, Draw
from isogloss.analysis import statistics
from isogloss.analysis.statistics.correlation import COEFFICIENTS
from isogloss.analysis.statistics.frame import TAKE_CONTROLS, TESTS, Question
from isogloss.analysis.statistics.levels import LEVEL, levels, warning
from isogloss.analysis.statistics.one_source import PERMUTATION, permute_targets
from isogloss.keys import Key

KEPT = Path(statistics.__file__).with_name("levels.csv")
DRAWS = 99
SOME = 100


def rejects(answer: dict[str, object]) -> bool:
    """A p-value of at most 5 %, or an interval of 95 % without 0 where there is no p-value; not with neither."""
    if answer.get("p") is not None:
        return bool(answer["p"] <= LEVEL)
    return answer.get("low") is not None and not answer["low"] <= 0 <= answer["high"]


def simulate(world: str, n: int, simulations: int, tests: list[str] | None = None) -> pl.DataFrame:
    """Rejections of each test, as `levels()` has them; those of one source are of the first row of each matrix."""
    found: Counter[tuple[str, str]] = Counter()
    for number in range(simulations):
        key = Key(number, world, n)
        draw = WORLDS[world].draw(n, key._replace(purpose="world").generator())
        ask = Question(draw.x, draw.y, draw.cells, draw.controls, draw.tree, DRAWS, LEVEL, key)
        for test in tests or (TAKE_CONTROLS if draw.controls else TESTS):
            make, coefficients = TESTS[test]
            for coefficient in coefficients:
                found[test, coefficient] += rejects(dict(make(ask, coefficient)))
        if not (tests or draw.controls):
            found.update(one_source(draw, key))
    rows = [(world, n, test, coefficient, simulations, count) for (test, coefficient), count in found.items()]
    names = ["world", "languages", "test", "coefficient", "simulations", "rejections"]
    return pl.DataFrame(rows, schema=names, orient="row")


def one_source(draw: Draw, key: Key) -> Counter[tuple[str, str]]:
    """Whether the tests of one source reject: the first, itself among its targets where all cells are compared."""
    there, found = draw.cells[0], Counter[tuple[str, str]]()
    for coefficient in COEFFICIENTS:
        rng = key._replace(purpose=coefficient).generator()
        answer = permute_targets(draw.x[0, there], draw.y[0, there], coefficient, draws=DRAWS, rng=rng)
        found[PERMUTATION, coefficient] = int(rejects(answer._asdict()))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_the_kept_rates_are_those_of_the_code(world: str) -> None:
    """The first simulations of those that were counted; of every thousand, they must look like a random part."""
    anew, of = simulate(world, 15, SOME), ["world", "languages", "test", "coefficient"]
    both = anew.join(levels(), on=of, suffix="_kept", validate="1:1")
    assert both.height == anew.height
    for row in both.iter_rows(named=True):
        law = stats.hypergeom(row["simulations_kept"], row["rejections_kept"], SOME)
        tail = min(law.cdf(row["rejections"]), law.sf(row["rejections"] - 1))
        assert tail > 1e-5, row


def test_controls_are_needed_where_they_are_planted() -> None:
    """Red when the world of controls is one in which they do nothing, or a test forgets them."""
    found = Counter[bool]()
    for number in range(40):
        draw = WORLDS["controlled"].draw(15, Key(number, "needed").generator())
        for controls in ((), draw.controls):
            ask = Question(draw.x, draw.y, draw.cells, controls, draw.tree, DRAWS, LEVEL, Key(number, "ask"))
            found[bool(controls)] += rejects(dict(TESTS["mixed model"][0](ask, "slope")))
    assert found[False] > 30
    assert found[True] < 8


@pytest.mark.parametrize("test", TAKE_CONTROLS)
def test_what_is_lost_with_controls_is_said_with_controls(test: str) -> None:
    coefficient = TESTS[test][1][-1]
    for controlled in (False, True):
        said = warning(test, coefficient, with_same_language=False, controlled=controlled)
        assert "a family tree;" in said
        assert ("what is controlled for" in said) == controlled


def write() -> None:
    """Simulate all anew and write the table."""
    frame = pl.concat([simulate(world, n, 1_000) for world in WORLDS for n in (15, 22)])
    frame.write_csv(KEPT)


if __name__ == "__main__":
    write()
