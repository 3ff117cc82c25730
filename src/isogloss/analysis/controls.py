"""What a question is controlled for beside the other distances: how much text of a language an encoder had read.

Transfer is better from and to languages of which an encoder read much, and those are often near to each other: a
distance may stand for no more than size. Size is a quantity of a language and enters twice, as that of the source and
as that of the target.
"""

from __future__ import annotations

from collections.abc import Sequence

from isogloss.analysis.pretraining import reading
from isogloss.analysis.statistics.pairs import FEWEST, Matrix, of_source, of_target
from isogloss.errors import mistake

PRETRAINING = "pretraining"
_ANOTHER = "leave the control out, or say whose sizes are to stand in their place, as --encoder xlm-roberta-base"


def pretraining_sizes(encoder: str, languages: Sequence[str], *, where: str) -> tuple[Matrix, Matrix]:
    """Return how much an encoder had read of the source and of the target, as logarithms to base 10 of GiB.

    Args:
        encoder: as in a recipe; "" where it is not known.
        languages: keys of our table.
        where: the place that a mistake names.

    Returns:
        Two matrices of one name, of the languages whose size was published. What was not read counts as `SMALLEST`.

    Raises:
        Mistakes: the encoder is not known, or the sizes of too few languages were published.
    """
    if not encoder:
        what = "it does not say with which encoder the runs were made, whose pre-training is to be controlled for"
        remedy = "name one with --encoder NAME, or keep the frame anew with `isogloss analyse transfer RUNS --keep`"
        raise mistake(what, where=where, remedy=remedy)
    found = {code: reading(encoder, code) for code in languages}
    sizes = {code: size for code, one in found.items() if (size := one.log_size) is not None}
    if len(sizes) < FEWEST:
        read = sum(one.seen == "yes" for one in found.values())
        what = (
            f"of {len(found)} languages {encoder} is known to have read {read}, "
            f"and how much of {len(sizes)}, where at least {FEWEST} are needed"
        )
        raise mistake(what, where=where, remedy=_ANOTHER)
    return of_source(PRETRAINING, sizes), of_target(PRETRAINING, sizes)
