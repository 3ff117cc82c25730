"""What a run would do, and on what: sizes of phases, and how the encoder reads the languages; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from isogloss.data.bag import Bag, Coverage
from isogloss.recipe.plan import make_plan
from isogloss.recipe.rehearsal import RehearsalRow
from isogloss.recipe.rehearsal import rehearse as rehearse_plan
from isogloss.run.preparation import checked, is_missing, once, wanted
from isogloss.run.resources import Resources
from isogloss.store.store import Store

if TYPE_CHECKING:
    from isogloss.recipe.model import Recipe


class LanguageRow(NamedTuple):
    """What the encoder makes of a language: of all its rows that the runs to come read, in any task and split.

    Attributes:
        language: its key.
        rows: how many; one that is in several folds counts once.
        unknown_share: unknown tokens among those that are not special, 0 to 1.
        tokens_per_word: NaN where every text was cut (see `Coverage` for what it can be compared with).
    """

    language: str
    rows: int
    unknown_share: float
    tokens_per_word: float


class Rehearsal(NamedTuple):
    """What a run would do.

    Attributes:
        phases: those that it would train; none where all is finished.
        languages: those that it would read.
        cells: how many it would test.
        begun: whether the store has a run of it, finished or not.
    """

    phases: list[RehearsalRow]
    languages: list[LanguageRow]
    cells: int
    begun: bool


def rehearse(
    recipe: Recipe, store: Store, *, offline: bool = False, data: Mapping[str, Path] | None = None
) -> Rehearsal:
    """Return what `run` would do, with sizes, after every check that needs no training.

    Raises:
        Mistakes: as `run`.
    """
    resources = Resources(recipe, store.bags, data or {}, offline=offline)
    plan = make_plan(recipe, resources)
    missing = [cell for cell in plan.cells if is_missing(cell, plan, store)]
    trainer = checked(plan, missing, store, resources, lambda event: None)
    rows = rehearse_plan(plan, trainer.size)
    needed = {key for cell in missing for key in cell.phases}
    phases = [row for row in rows if row.key in needed and not store.phase(row.key).usable]
    bags: dict[str, list[Bag]] = {}
    for task, language, split in once(wanted(plan, missing)):
        bags.setdefault(language, []).append(resources.bag(task, language, split))
    begun = any(store.run(cell.key).path.is_dir() for cell in plan.cells)
    languages = [_language_row(language, bags[language]) for language in sorted(bags)]
    return Rehearsal(phases, languages, len(missing), begun)


def _language_row(language: str, bags: Sequence[Bag]) -> LanguageRow:
    read = [bag.coverage for bag in bags]
    whole = Coverage(*map(sum, zip(*read, strict=True)))
    return LanguageRow(language, sum(map(len, bags)), whole.unknown_share, whole.tokens_per_word)
