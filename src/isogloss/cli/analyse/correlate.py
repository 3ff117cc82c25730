"""`isogloss analyse correlate RUNS`: how transfer, impact and the distance between languages go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.analyse.observed import (
    Asked,
    DrawsOption,
    MetricOption,
    ObservedArgument,
    observe,
    question,
)
from isogloss.cli.analyse.output import kept_folder, say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, StoreOption, known_format
from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.recipe.analysis import CorrelateAnalysis


OriginOption = Annotated[
    str | None, typer.Option("--from", help="Where distances come from.", metavar="uriel|uriel-legacy|kilometres")
]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", help="Which distances; all if not given.", metavar="KIND")
]
ControlOption = Annotated[
    list[str] | None,
    typer.Option("--control", help="MRQAP and the mixed model control for it, too.", metavar="pretraining"),
]
EncoderOption = Annotated[
    str | None, typer.Option("--encoder", help="Whose pre-training; that of the runs if not given.", metavar="NAME")
]
_QUESTION = {"outcome", "explanatory", "distances", "source"}
"""What makes another question; kinds and draws do not."""
_ANSWER = {*_QUESTION, "controls", "encoder"}
"""What makes another answer: controls do, though printed coefficients, which have none, may still stand beside."""


def correlate(
    runs: ObservedArgument,
    *,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            help="Ask what this recipe asks: philippy2023-figure1 …",
            metavar="RECIPE",
            autocompletion=complete.recipes,
        ),
    ] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", metavar="transfer|impact")] = None,
    explanatory: Annotated[str | None, typer.Option("--explanatory", metavar="distance|transfer")] = None,
    origin: OriginOption = None,
    kind: KindOption = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only what was trained on this language.", metavar="L")
    ] = None,
    control: ControlOption = None,
    encoder: EncoderOption = None,
    draws: DrawsOption = None,
    printed: Annotated[
        str | None, typer.Option("--printed", help="A paper's numbers, to stand beside.", metavar="NAME")
    ] = None,
    metric: MetricOption = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Draw it: FILE.svg, .png, .pdf or .html.", metavar="FILE")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Also write the frames and the answer there.", metavar="FOLDER")
    ] = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """How transfer, impact and the distance between languages go together."""
    import polars as pl

    from isogloss.analysis.correlation_table import correlation_tables
    from isogloss.analysis.correlations import answer, printed_beside

    written = known_format(form)
    given = {
        "outcome": outcome,
        "explanatory": explanatory,
        "distances": origin,
        "kinds": tuple(kind) if kind else None,
        "source": source,
        "controls": tuple(control) if control else None,
        "encoder": encoder,
        "draws": draws,
        "printed": printed,
    }
    asked = observe(runs, store, like=like, metric=metric)
    questions = _questions(asked, {name: value for name, value in given.items() if value is not None})
    answers = [answer(one, asked.observed) for one in questions]
    theirs = [printed_beside(one) for one in answers]
    if keep is not None:
        _keep(kept_folder(keep), asked, questions, answers)
    if figure is not None:
        _draw(figure, answers, theirs)
    if written in ("csv", "json"):
        say_frame(pl.concat(answers), written)
        return
    say_tables([table for pair in zip(answers, theirs, strict=True) for table in correlation_tables(*pair)], written)


def _questions(asked: Asked, given: dict[str, object]) -> tuple[CorrelateAnalysis, ...]:
    """Return the questions of the recipe, changed by options; the options alone where it asks none.

    Printed numbers answer the recipe's question and no other; kinds are of the origin that the recipe names.
    """
    if not asked.questions:
        return (question(given),)
    return tuple(question({**_unchanged(one.model_dump(), given), **given}) for one in asked.questions)


def _unchanged(asked: dict[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """Return what a recipe asks, without what other options make meaningless."""
    differs = {name for name, value in given.items() if value != asked[name]}
    dropped = {"printed"} if differs & _QUESTION else set()
    dropped |= {"kinds"} if "distances" in differs else set()
    dropped |= {"controls", "encoder"} if "source" in differs else set()  # no test of one source takes any
    return {name: value for name, value in asked.items() if name not in dropped}


def _keep(folder: Path, asked: Asked, questions: Sequence[CorrelateAnalysis], answers: Sequence[pl.DataFrame]) -> None:
    """Write the frames, and each answer under the name of who asks; numbered where that is more than one question.

    What options have made another question of is nobody's.
    """
    from isogloss.analysis.kept import ANSWER
    from isogloss.evaluation.frame import write_frame
    from isogloss.store.files import disk_mistakes

    ours, theirs = ([one.model_dump(include=_ANSWER) for one in each] for each in (questions, asked.questions))
    asking = Path(asked.asking).name.removesuffix(".toml") if ours == theirs else ""
    name = ".".join(filter(None, (asked.observed.name, asking)))
    with disk_mistakes(folder):
        asked.observed.write(folder)
        for number, one in enumerate(answers, start=1):
            which = f".{number}" if len(answers) > 1 else ""
            write_frame(one, folder / f"{name}{which}{ANSWER}")


def _draw(file: Path, answers: Sequence[pl.DataFrame], printed: Sequence[pl.DataFrame | None]) -> None:
    from isogloss.report.figures.drawing import save
    from isogloss.report.figures.philippy2023 import correlation_figure

    if len(answers) != 1 or answers[0]["layer"].is_null().all():
        remedy = "ask for --outcome impact, or draw transfer with `isogloss analyse transfer`"
        raise mistake("there are no layers to draw", where="--figure", remedy=remedy)
    save(correlation_figure(answers[0], printed[0]), file)
