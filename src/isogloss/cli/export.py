"""`isogloss export RUN FOLDER`: take a run's model away as an ordinary Hugging Face folder, or as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isogloss.cli.options import (
    DEFAULT_STORE,
    DataOption,
    ModelArgument,
    OfflineOption,
    SeedOption,
    StoreOption,
    WithTextsOption,
    folders,
)
from isogloss.errors import mistake, nearest

_FORMATS = ("transformers", "onnx")


def export(
    run: ModelArgument,
    folder: Annotated[Path, typer.Argument(help="Where to; must not exist yet.", metavar="FOLDER")],
    *,
    seed: SeedOption = None,
    form: Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(_FORMATS))] = _FORMATS[0],
    int8: Annotated[
        bool, typer.Option("--int8", help="With --format onnx: weights of 8 bits; says what that costs.")
    ] = False,
    rows: Annotated[
        int, typer.Option("--rows", help="With --format onnx: test rows a language to compare on.", min=1)
    ] = 200,
    with_texts: WithTextsOption = False,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
    offline: OfflineOption = False,
) -> None:
    """Write a run's model as a Hugging Face folder, or as ONNX."""
    from isogloss.cli.model_folder import Taken
    from isogloss.evaluation.seeds import pick
    from isogloss.store import Store

    if form not in _FORMATS:
        raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, _FORMATS))
    if int8 and form != "onnx":
        raise mistake("only ONNX is written so", where="--int8", remedy="add --format onnx")
    if form == "onnx":
        from isogloss.learner.onnx import require_onnx

        require_onnx()
    if folder.exists():
        raise mistake("exists already", where=str(folder), remedy="name a folder that does not exist yet")
    opened = Store(store)
    taken = Taken(opened, pick(opened, run, seed), folders(data), with_texts=with_texts, offline=offline)
    if taken.picked.how:
        typer.echo(f"took {taken.picked.run.address}: {taken.picked.how}")
    if form == "onnx":
        from isogloss.cli.export_onnx import export_onnx

        export_onnx(taken, folder, int8=int8, most=rows)
        return
    learner = taken.write(folder)
    typer.echo(f"wrote {folder}: {learner.kind.auto_class}.from_pretrained loads it")
