"""All that the library writes into the pages of docs/, from the frames that are kept beside them.

| block | what stands in it |
|---|---|
| `table: NAME …` | scores and comparisons (`isogloss.evaluation.rebuild`) |
| `transfer: NAME` | the matrix of NAME.transfer.csv, which `isogloss analyse transfer --keep` left |
| `correlate: NAME.RECIPE` | what NAME.RECIPE.answer.csv says, which `isogloss analyse correlate --keep` left |
| `statistics: NAME` | a table of docs/statistics.md |
| `calibration: NAME`, `at-coverage: NAME` | what `isogloss analyse calibration --keep` and `coverage` left |
| `estimates: NAME` | the errors of NAME.estimates.csv, which `isogloss analyse estimate --keep` left |
| `claims: PAPER` | what a paper claims and what kept frames say of it (`isogloss.analysis.claims`) |
| `auxiliary: NAME.comparison`, `auxiliary: NAME.coverage` | how rankings of auxiliary languages do |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from isogloss.analysis import claims
from isogloss.analysis.correlation_table import correlation_tables
from isogloss.analysis.correlations import printed_beside, read_answer
from isogloss.analysis.kept import ANSWER, TRANSFER
from isogloss.analysis.selection import document as selection
from isogloss.analysis.statistics import document as statistics
from isogloss.analysis.transfer import TransferFrames
from isogloss.analysis.transfer_table import titled, transfer_tables
from isogloss.evaluation.blocks import by_name, fill
from isogloss.evaluation.confidence import calibration_tables, coverage_tables, read_percents
from isogloss.evaluation.estimates import estimate_tables
from isogloss.evaluation.rebuild import block_text
from isogloss.evaluation.render import render
from isogloss.evaluation.tabular import Table


def rebuild(markdown: Path, results: Path) -> bool:
    """Write the marked blocks of a page anew; returns whether anything changed.

    Args:
        markdown: the file; it is changed in place.
        results: the folder of the frames.

    Raises:
        Mistakes: a block has a name that is not known, or no end.
    """
    named = {
        "transfer": _blocks(results, TRANSFER, _matrices),
        "correlate": _blocks(results, ANSWER, _answer),
        "calibration": _blocks(results, ".calibration.csv", _percents(calibration_tables)),
        "at-coverage": _blocks(results, ".at-coverage.csv", _percents(coverage_tables)),
        "estimates": _blocks(results, ".estimates.csv", _percents(lambda frame: list(estimate_tables(frame))[-1:])),
        "claims": claims.blocks(results),
        "statistics": statistics.blocks(results),
        "auxiliary": selection.blocks(results),
    }
    writers = {tag: by_name(known, markdown) for tag, known in named.items()}
    return fill(markdown, {"table": partial(block_text, results=results), **writers})


def _blocks(results: Path, ending: str, written: Callable[[Path], str]) -> Mapping[str, Callable[[], str]]:
    return {path.name.removesuffix(ending): partial(written, path) for path in sorted(results.glob(f"*{ending}"))}


def _percents(tables: Callable[[pl.DataFrame], Iterable[Table]]) -> Callable[[Path], str]:
    return lambda path: render(list(tables(read_percents(path))), "md")


def _matrices(path: Path) -> str:
    return render(list(transfer_tables(titled(TransferFrames.read(path)))), "md")


def _answer(path: Path) -> str:
    answers = read_answer(path)
    return render(list(correlation_tables(answers, printed_beside(answers))), "md")
