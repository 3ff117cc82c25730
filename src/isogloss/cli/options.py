"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.errors import Mistake, Mistakes, mistake, nearest

if TYPE_CHECKING:
    from isogloss.evaluation.render import Format

_RUNS = typer.Argument(
    help="NAME, NAME/VARIANT, NAME/VARIANT@SEED or a key.", metavar="RUNS", autocompletion=complete.runs
)
RunsArgument = Annotated[list[str], _RUNS]
AddressArgument = Annotated[str, _RUNS]
ModelArgument = Annotated[
    str,
    typer.Argument(
        help="A run that kept its weights; with --seed, NAME/VARIANT will do.",
        metavar="RUN",
        autocompletion=complete.runs,
    ),
]
StoreOption = Annotated[Path, typer.Option("--store", help="The folder of all runs.", metavar="DIR")]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="An overlay that the recipe names.", metavar="NAME")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change any key: phases.adapt.epochs=1. May be repeated.", metavar="KEY=VALUE"),
]
DataOption = Annotated[
    list[str] | None,
    typer.Option("--data", help="The folder of a task's files. May be repeated.", metavar="TASK=FOLDER"),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never reach for the network.")]
SeedOption = Annotated[
    str | None,
    typer.Option("--seed", help="Which seed of the variant; best: by what the recipe declares.", metavar="N|best"),
]
WithTextsOption = Annotated[
    bool, typer.Option("--with-texts", help="Show up to three labelled rows of the data on the model's card.")
]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", help="The variant to compare with; the first if not given.", metavar="VARIANT"),
]
CompareOption = Annotated[
    str | None,
    typer.Option(
        "--compare",
        help="Put a paper's printed numbers beside: xu2021-table1 …",
        metavar="REFERENCE",
        autocompletion=complete.references,
    ),
]
MetricOption = Annotated[str | None, typer.Option("--metric", help="Accuracy or F1 if not given.", metavar="METRIC")]
ProgressOption = Annotated[bool, typer.Option("--progress/--no-progress", help="Show how far it has come.")]
FORMATS: tuple[Format, ...] = ("text", "md", "csv", "latex", "json")
FormatOption = Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(FORMATS))]

DEFAULT_STORE = Path("runs")


def known_format(form: str) -> Format:
    """Return what `--format` asks for.

    Raises:
        Mistakes: there is no such format.
    """
    for known in FORMATS:
        if form == known:
            return known
    raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, FORMATS))


def folders(data: list[str] | None) -> dict[str, Path]:
    """Return `--data TASK=FOLDER` as folders by task.

    Raises:
        Mistakes: one is not written so, or its folder is not there.
    """
    found, mistakes = {}, []
    for text in data or ():
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            mistakes.append(
                Mistake(f'"{text}" names no task and folder', "--data", "write TASK=FOLDER, as xnli=data/xnli")
            )
        elif not Path(folder).is_dir():
            mistakes.append(Mistake(f'there is no folder "{folder}"', f"--data {name}", "check the path"))
        else:
            found[name] = Path(folder)
    if mistakes:
        raise Mistakes(mistakes)
    return found
