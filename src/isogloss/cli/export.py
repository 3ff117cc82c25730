"""`isogloss export RUN FOLDER`: take a run's model away as an ordinary Hugging Face folder, or as ONNX."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.options import DEFAULT_STORE, DataOption, OfflineOption, StoreOption, folders
from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    import polars as pl

    from isogloss.store import RunInfo, Store

_FORMATS = ("transformers", "onnx")


def export(
    run: Annotated[
        str, typer.Argument(help="A run that kept its weights.", metavar="RUN", autocompletion=complete.runs)
    ],
    folder: Annotated[Path, typer.Argument(help="Where to; must not exist yet.", metavar="FOLDER")],
    *,
    form: Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(_FORMATS))] = _FORMATS[0],
    int8: Annotated[
        bool, typer.Option("--int8", help="With --format onnx: weights of 8 bits; says what that costs.")
    ] = False,
    rows: Annotated[
        int, typer.Option("--rows", help="With --format onnx: test rows a language to compare on.", min=1)
    ] = 200,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
    offline: OfflineOption = False,
) -> None:
    """Write a run's model as a Hugging Face folder, or as ONNX."""
    from isogloss.run import load_learner
    from isogloss.store import Store

    if form not in _FORMATS:
        raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, _FORMATS))
    if int8 and form != "onnx":
        raise mistake("only ONNX is written so", where="--int8", remedy="add --format onnx")
    if form == "onnx":
        from isogloss.cli.export_onnx import export_onnx

        export_onnx(run, folder, Store(store), folders(data), int8=int8, most=rows, offline=offline)
        return
    if folder.exists():
        raise mistake("exists already", where=str(folder), remedy="name a folder that does not exist yet")
    opened = Store(store)
    found = opened.resolve_one(run)
    learner = load_learner(opened, found, offline=offline)
    learner.export(folder, card=card(opened, found, learner.labels))
    typer.echo(f"wrote {folder}: {learner.kind.auto_class}.from_pretrained loads it")


def card(store: Store, run: RunInfo, labels: Sequence[str]) -> str:
    """Return the model card of a run: what it is, how it was trained, its scores, whose data it is."""
    from isogloss.data.task import load_task
    from isogloss.evaluation.naming import with_cells
    from isogloss.languages import parts
    from isogloss.recipe.resolve import kind_of_task

    settings = run.settings
    task = load_task(run.tested_on)
    kind = kind_of_task(task)
    final = bool(settings.get("final"))
    scores = with_cells(_cross_validated(store, run) if final else store.scores([run]))
    languages = sorted(parts(scores["language"]))
    metadata = [
        "---",
        "library_name: transformers",
        f"pipeline_tag: {kind.pipeline_tag}",
        "tags: [isogloss, cross-lingual]",
    ]
    metadata += [f"language: [{', '.join(map(_quoted, languages))}]", "---"]
    facts = {
        "encoder": settings["encoder"],
        "task": f"{task.name} ({task.kind})",
        "labels": ", ".join(labels),
        "settings": ", ".join(f"{name} {value}" for name, value in kind.settings.items()),
        "recipe": f"{run.recipe}, variant {run.variant}, seed {run.seed}",
        **{axis: " + ".join(values) for axis, values in run.axes.items()},
        "adapters": _adapters(store, run),
        "licence of the data": task.licence,
        "data": task.citation or task.homepage,
    }
    return "\n".join(
        [
            *metadata,
            f"# {run.recipe}: {run.variant}",
            "",
            "Trained with Isogloss on all rows of its languages; the scores are of models trained on the other folds."
            if final
            else "Trained with Isogloss and tested on every language below.",
            "",
            *(f"- **{name}**: {value}" for name, value in facts.items() if value),
            "",
            "## Scores",
            "",
            *_score_lines(scores),
            "",
            "Source and auxiliary languages were trained on. Another seed would give other numbers.",
            "",
            "## Recipe",
            "",
            "```json",
            json.dumps(settings, indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )


def _adapters(store: Store, run: RunInfo) -> str:
    """Say which phases moved adapters only, and that these are no part of the model's form; "" where none did."""
    from isogloss.learner.adapters import Adapters

    specs = [store.phase(key).spec for key in run.phases]
    given = {spec["name"]: Adapters.read(spec.get("adapters")) for spec in specs}
    said = "; ".join(f"{adapters} in phase {name}" for name, adapters in given.items() if adapters)
    return f"{said}; merged into the weights" if said else ""


def _cross_validated(store: Store, run: RunInfo) -> pl.DataFrame:
    """Return the scores of a final run's recipe and variant over its folds, with the same settings else.

    Raises:
        Mistakes: there are none: a model leaves with what is known of it.
    """
    from isogloss.evaluation.evidence import evidence

    runs = run.folds(store.runs())
    if not runs:
        remedy = "carry out the same recipe without --final first: the card says how well such models did"
        raise mistake("nothing was measured", where=f"{run.measured_as}/{run.variant}", remedy=remedy)
    asked = {str(fold[0]) for fold in runs[0].settings["axes"]["fold"]}
    if missing := sorted(asked - {other.axes["fold"][0] for other in runs}):
        what = f"fold {', '.join(missing)} is not done, and its rows are not measured"
        raise mistake(
            what, where=f"{run.measured_as}/{run.variant}", remedy="carry out the same recipe without --final"
        )
    return evidence(store, runs)[0]


def _score_lines(scores: pl.DataFrame) -> list[str]:
    metrics = scores["metric"].unique(maintain_order=True).to_list()
    value: dict[tuple[str, str], str] = {}
    for (language, metric), part in scores.group_by("language", "metric"):
        value[str(language), str(metric)] = (
            f"{statistics.fmean(part['value']):.2f}"  # over seeds, where there are several
        )
    lines = [
        f"| language | role | examples | {' | '.join(metrics)} |",
        "|---|---|---:|" + "---:|" * len(metrics),
    ]
    rows = scores.select("language", "role", "n").unique(subset="language", maintain_order=True)
    for language, role, n in rows.iter_rows():
        numbers = " | ".join(value.get((language, metric), "–") for metric in metrics)
        lines.append(f"| {language} | {role} | {n} | {numbers} |")
    return lines


def _quoted(language: str) -> str:
    return f'"{language}"'  # "no" alone would be false in YAML
