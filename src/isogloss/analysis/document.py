"""Answers and matrices in a Markdown file, written from the frames that are kept beside it and never typed.

`<!-- transfer: NAME -->` is the matrix of NAME.transfer.csv, `<!-- correlate: NAME.RECIPE -->` what
NAME.RECIPE.answer.csv says: files that `isogloss analyse transfer | correlate --keep` left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from isogloss.analysis.correlation_table import correlation_tables
from isogloss.analysis.correlations import printed_beside, read_answer
from isogloss.analysis.kept import ANSWER, TRANSFER
from isogloss.analysis.statistics.document import fill_all
from isogloss.analysis.transfer import TransferFrames
from isogloss.analysis.transfer_table import titled, transfer_tables
from isogloss.evaluation.render import render


def rebuild(markdown: Path, results: Path) -> bool:
    """Write the marked tables of a Markdown file anew; returns whether anything changed.

    Args:
        markdown: the file; it is changed in place.
        results: the folder of the frames.

    Raises:
        Mistakes: a block has a name that is not known.
    """
    known = {"transfer": _blocks(results, TRANSFER, _matrices), "correlate": _blocks(results, ANSWER, _answer)}
    return fill_all(markdown, known)


def _blocks(results: Path, ending: str, written: Callable[[Path], str]) -> Mapping[str, Callable[[], str]]:
    return {path.name.removesuffix(ending): partial(written, path) for path in sorted(results.glob(f"*{ending}"))}


def _matrices(path: Path) -> str:
    return render(list(transfer_tables(titled(TransferFrames.read(path)))), "md")


def _answer(path: Path) -> str:
    answers = read_answer(path)
    return render(list(correlation_tables(answers, printed_beside(answers))), "md")
