"""What a recipe may say about an analysis, and what only its phases can show to be wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from isogloss import languages
from isogloss.errors import Mistake, Mistakes, nearest
from isogloss.evaluation.printed import printed_tables
from isogloss.recipe.document import Document
from isogloss.recipe.phase import Count, Name, Phase, Table
from isogloss.wording import refusal, refusals

ENCODER = "encoder"
DISTANCE_KINDS: Mapping[str, tuple[str, ...]] = {
    "uriel": ("syntactic", "phonological", "inventory", "featural", "genetic", "geographic"),
    "uriel-legacy": ("syntactic", "phonological", "inventory", "genetic", "geographic"),
    "kilometres": (),
}
"""Where distances come from, and which there are."""
CONTROLS = ("pretraining",)
"""What may be controlled for beside the other distances."""
SIZED_ENCODERS = (
    "xlm-roberta-base",
    "FacebookAI/xlm-roberta-base",
    "xlm-roberta-large",
    "FacebookAI/xlm-roberta-large",
)
"""Encoders of which it was published how much of each language they had read (`analysis/pretraining.tsv`)."""
ANALYSIS_VERSIONS = {"impact": 1}  # raised when the same settings come to mean another result


def _of(key: str, what: str, remedy: str) -> PydanticCustomError:
    """A refusal of a key for what only the others beside it show."""
    return refusals([Mistake(what, key, remedy)])


class ImpactAnalysis(Table):
    """What a phase did to the languages that are tested on; carried out with every run.

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


class CorrelateAnalysis(Table):
    """A question to all runs of a recipe together, answered from what is stored of them; it trains nothing.

    Attributes:
        name: "correlate".
        outcome: "transfer", scores over sources × targets, or "impact", layer by layer.
        explanatory: "distance" between languages, or "transfer", where impact is the outcome.
        distances: where they come from: "uriel", "uriel-legacy" or "kilometres".
        kinds: which of them; all that there are if empty.
        source: only the runs that were trained on this language; all of them if not given.
        controls: what MRQAP and the mixed model control for beside the other distances: "pretraining", how much of
            source and target the encoder had read.
        encoder: whose pre-training that is; that of the runs if not given.
        draws: permutations, rotations and samples of each test.
        printed: a paper's numbers to stand beside, by the name of their table.
    """

    name: Literal["correlate"]
    outcome: Literal["transfer", "impact"] = "transfer"
    explanatory: Literal["distance", "transfer"] = "distance"
    distances: Literal["uriel", "uriel-legacy", "kilometres"] = "uriel"
    kinds: tuple[str, ...] = ()
    source: Name | None = None
    controls: tuple[str, ...] = ()
    encoder: str | None = None
    draws: Count = 9_999
    printed: str | None = None

    @field_validator("source")
    @classmethod
    def _known_language(cls, source: str | None) -> str | None:
        try:
            return None if source is None else languages.get(source).code
        except Mistakes as unknown:
            raise refusal(unknown.mistakes[0].what, unknown.mistakes[0].remedy) from unknown

    @field_validator("controls")
    @classmethod
    def _known_controls(cls, controls: tuple[str, ...]) -> tuple[str, ...]:
        for control in controls:
            if control not in CONTROLS:
                raise refusal(f'no control is called "{control}"', nearest(control, CONTROLS))
            if controls.count(control) > 1:
                raise refusal(f"{control} is named twice", "name it once")
        return controls

    @field_validator("encoder")
    @classmethod
    def _known_sizes(cls, encoder: str | None) -> str | None:
        if encoder is not None and encoder.partition("@")[0] not in SIZED_ENCODERS:
            what = f'how much of each language "{encoder}" had read is not known'
            raise refusal(what, f"known of: {', '.join(SIZED_ENCODERS)}")
        return encoder

    @field_validator("printed")
    @classmethod
    def _known_table(cls, printed: str | None) -> str | None:
        if printed is not None and printed not in printed_tables():
            raise refusal(f'no printed correlations called "{printed}"', nearest(printed, printed_tables()))
        return printed

    @model_validator(mode="after")
    def _two_different(self) -> CorrelateAnalysis:
        if self.outcome == self.explanatory:
            raise refusal("transfer is what is to be explained", 'write explanatory = "distance" or outcome = "impact"')
        return self

    @model_validator(mode="after")
    def _known_kinds(self) -> CorrelateAnalysis:
        known = DISTANCE_KINDS[self.distances]
        for kind in self.kinds:
            if not known:
                raise _of("kinds", f"{self.distances} has no kinds", "leave them out, or take them from uriel")
            if kind not in known:
                raise _of("kinds", f'no kind of distance is called "{kind}"', nearest(kind, known))
            if self.kinds.count(kind) > 1:
                remedy = "name it once: what is asked twice is corrected for twice"
                raise _of("kinds", f"{kind} is named twice", remedy)
        return self

    @model_validator(mode="after")
    def _controls_have_a_test(self) -> CorrelateAnalysis:
        if self.controls and self.source is not None:
            remedy = "leave the controls out, or the source"
            raise _of("controls", "no test of a single source takes any", remedy)
        if self.encoder is not None and not self.controls:
            what = f"pre-training, whether of {self.encoder} or another, is not controlled for"
            remedy = 'write controls = ["pretraining"] (--control pretraining), or leave the encoder out'
            raise _of("encoder", what, remedy)
        return self


Analysis = Annotated[ImpactAnalysis | CorrelateAnalysis, Field(discriminator="name")]
ANALYSIS_NAMES = tuple(
    name for one in (ImpactAnalysis, CorrelateAnalysis) for name in get_args(one.model_fields["name"].annotation)
)


def check_analyses(
    analyses: tuple[ImpactAnalysis | CorrelateAnalysis, ...],
    phases: tuple[Phase, ...],
    leaves_weights: set[str],
    document: Document,
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
    impacts = [analysis for analysis in analyses if isinstance(analysis, ImpactAnalysis)]
    for analysis in analyses:
        if isinstance(analysis, CorrelateAnalysis) and analysis.outcome == "impact" and not impacts:
            what = "no run of it has an impact that could be correlated"
            mistakes.append(Mistake(what, document.place(("analyses",)), 'add an analysis with name = "impact"'))
    for analysis in impacts:
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


def check_sources(
    analyses: tuple[ImpactAnalysis | CorrelateAnalysis, ...], sources: Collection[str], document: Document
) -> list[Mistake]:
    """Return which questions are about a source that nothing is trained on.

    Args:
        analyses: of a recipe.
        sources: the source languages of all its cells.
        document: what it was built from, for the places.
    """
    asked = [one.source for one in analyses if isinstance(one, CorrelateAnalysis) and one.source is not None]
    place = document.place(("analyses", "source"))
    return [
        Mistake(f'no run is trained on "{source}"', place, nearest(source, sources))
        for source in dict.fromkeys(asked)
        if source not in sources
    ]


def ancestors(phases: tuple[Phase, ...], name: str) -> list[str]:
    """Return the phases whose weights a phase goes back to, the latest first."""
    after = {phase.name: phase.after for phase in phases}
    found: list[str] = []
    while (before := after.get(name)) is not None and before not in found:
        found.append(before)
        name = before
    return found
