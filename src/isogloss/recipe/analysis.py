"""What a recipe may say about an analysis, and what only its phases can show to be wrong with it."""

from __future__ import annotations

from typing import Literal

from isogloss.errors import Mistake, nearest
from isogloss.recipe.document import Document
from isogloss.recipe.phase import Name, Phase, Table

ENCODER = "encoder"
ANALYSIS_VERSIONS = {"impact": 1}  # raised when the same settings come to mean another result


class Analysis(Table):
    """An analysis of what a phase did to the languages that are tested on.

    Attributes:
        name: "impact", 1 − CKA of the hidden states before and after, by layer and language.
        of: the phase; the one whose weights are evaluated if not given.
        against: what came before: "encoder", as it was pre-trained, or a phase that `of` comes after.
        pooling: of hidden states over tokens: "first" or "mean".
    """

    name: Literal["impact"]
    of: Name | None = None
    against: Name = ENCODER
    pooling: Literal["first", "mean"] = "first"


def check_analyses(
    analyses: tuple[Analysis, ...], phases: tuple[Phase, ...], leaves_weights: set[str], document: Document
) -> list[Mistake]:
    """Return what is wrong with the phases that analyses name.

    Args:
        analyses: of one cell.
        phases: of that cell.
        leaves_weights: names of the phases that leave weights.
        document: what it was built from, for the places and the phases that a variant skips.
    """
    mistakes = []
    names = [phase.name for phase in phases]
    final = [name for name in names if name in leaves_weights][-1:]
    if analyses and ENCODER in names:
        what = f'a phase is called "{ENCODER}", which is what analyses call the encoder as it was pre-trained'
        mistakes.append(Mistake(what, document.place(("phases", ENCODER)), "give it another name"))
    for analysis in analyses:
        of = analysis.of or "".join(final)
        for key, name in (("of", analysis.of), ("against", None if analysis.against == ENCODER else analysis.against)):
            place = document.place(("analyses", key))
            if name is None or name in document.skipped:
                continue
            if name not in names:
                known = [*names, *([ENCODER] if key == "against" else [])]
                mistakes.append(Mistake(f'no phase is called "{name}"', place, nearest(name, known)))
            elif name not in leaves_weights:
                mistakes.append(Mistake(f'phase "{name}" leaves no weights', place, "name a phase that does"))
            elif key == "against" and of in names and name not in ancestors(phases, of):
                what = f'phase "{of}" does not come after "{name}"'
                mistakes.append(Mistake(what, place, f'name a phase that it comes after, or "{ENCODER}"'))
    return mistakes


def ancestors(phases: tuple[Phase, ...], name: str) -> list[str]:
    """Return the phases whose weights a phase goes back to, the latest first."""
    after = {phase.name: phase.after for phase in phases}
    found: list[str] = []
    while (before := after.get(name)) is not None and before not in found:
        found.append(before)
        name = before
    return found
