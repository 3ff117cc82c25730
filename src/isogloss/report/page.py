"""The page: what it says and in which order, from the runs of a store."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.evidence import without_labels
from isogloss.evaluation.frame import other_metric
from isogloss.evaluation.table import of_scores
from isogloss.report.by_language import halves
from isogloss.report.drawer import Drawer
from isogloss.report.drawing import begin
from isogloss.report.hard_examples import Texts, hard_examples, shown
from isogloss.report.hard_examples import tables as hard_tables
from isogloss.report.provenance import facts, provenance
from isogloss.report.section import Section
from isogloss.report.words import lead, sentences, tested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isogloss.evaluation.tabular import Table
    from isogloss.report.drawing import Begun, Drawing
    from isogloss.report.material import Material

WITHOUT_FIGURES = "The page is without figures: pip install 'isogloss[report]' brings what draws them."


@dataclass(frozen=True)
class Page:
    """What a page says.

    Attributes:
        title: the recipes' names.
        about: what the recipes say of themselves, a line each.
        facts: what a reader must know before the first number.
        sections: in order.
        drawings: of the figures, in order.
        without_figures: why there is none; "" where there are some.
    """

    title: str
    about: tuple[str, ...]
    facts: Sequence[tuple[str, str]]
    sections: tuple[Section, ...]
    drawings: Sequence[Drawing] = ()
    without_figures: str = ""


def page(material: Material, *, compare: str | None = None, texts: bool = False) -> Page:
    """Gather what the page says.

    Args:
        material: which runs.
        compare: a printed table that stands beside.
        texts: whether the texts of the examples shown are read and shown.

    Raises:
        Mistakes: there is no such printed table, metric or variant, or the texts cannot be read.
    """
    recipes = dict.fromkeys(run.recipe for run in material.runs)
    described = {run.recipe: str(run.settings.get("description") or "") for run in material.runs}
    drawable = all(find_spec(name) for name in ("altair", "vl_convert"))
    with Drawer() if drawable else nullcontext() as drawer:
        begun = [] if drawer is None else _begun(material, drawer)
        sections = tuple(_sections(material, compare, texts=texts))
        drawings = tuple(one.finished() for one in begun)
    return Page(
        ", ".join(recipes),
        tuple(text for text in described.values() if text),
        facts(material),
        sections,
        drawings,
        "" if drawable else WITHOUT_FIGURES,
    )


def _begun(material: Material, drawer: Drawer) -> list[Begun]:
    from altair.utils.schemapi import debug_mode

    from isogloss.report.figures import figures

    with debug_mode(False):  # holds every part against Vega-Lite's schema: half of the time, and tests do it
        return [begin(figure, drawer) for figure in figures(material)]


def tables(material: Material, compare: str | None) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Return the tables of scores, and those of differences from the baseline: what `isogloss table` shows."""
    compared = material.comparisons
    scores = of_scores(
        material.scores, compared, metric=material.metric, compare=compare, settings=material.runs[0].settings
    )
    if compared is None or compared.is_empty():
        return scores, ()
    return scores, difference_tables(compared, of=other_metric(material.scores, material.metric))


def _sections(material: Material, compare: str | None, *, texts: bool) -> list[Section]:
    scores, differences = tables(material, compare)
    split = [halves(table, material.comparisons) for table in scores]
    short = tuple(parts[0] for parts in split if len(parts) == 2)
    long = tuple(parts[-1] for parts in split)
    means = tuple(table for table in differences if "language" not in [column.name for column in table.columns])
    each = tuple(table for table in differences if table not in means)
    found = [
        Section("outcome", "What came of it", lead(material), sentences(material), tested(material), (*short, *means)),
        Section("languages", "By language", tables=(*long, *each)),
    ]
    if (unmeasured := without_labels(material.store, material.runs)) is not None:
        found.append(Section("unlabelled", "Languages without labels", tables=(unmeasured,)))
    if hard := hard_tables(material):
        found.append(hard_examples(hard, _texts(material, hard) if texts else {}))
    return [*found, provenance(material)]


def _texts(material: Material, hard: Sequence[Table]) -> Texts:
    from isogloss.report.texts import texts_of

    return texts_of(material, shown(hard))
