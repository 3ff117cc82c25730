"""The model card: what a run's model is, how it was trained, its scores, whose data it is.

What it never says: where anything lies on this machine, and, unless examples are given, any text of the data.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from isogloss.errors import mistake

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.seeds import Picked
    from isogloss.kinds.base import Kind
    from isogloss.run.tested import Example
    from isogloss.store import RunInfo, Store


def card(store: Store, picked: Picked, labels: Sequence[str], examples: Sequence[Example] = ()) -> str:
    """Return the model card of a run.

    Args:
        store: that has the run.
        picked: the run, and how it was chosen.
        labels: of the head, in its order.
        examples: rows whose texts the hub's page shows to try the model on.

    Raises:
        Mistakes: a final run of which nothing, or not every fold, was measured.
    """
    from isogloss.data.task import load_task
    from isogloss.evaluation.naming import with_cells
    from isogloss.evaluation.render import markdown_text
    from isogloss.recipe.public import without_paths
    from isogloss.recipe.resolve import kind_of_task

    run = picked.run
    settings = without_paths(run.settings)
    task = load_task(run.tested_on)
    kind = kind_of_task(task)
    final = bool(settings.get("final"))
    scores = with_cells(_cross_validated(store, run) if final else store.scores([run]))
    facts = {
        "encoder": settings["encoder"],
        "task": f"{task.name} ({task.kind})",
        "labels": ", ".join(labels),
        "settings": ", ".join(f"{name} {value}" for name, value in kind.settings.items()),
        "recipe": f"{run.recipe}, variant {run.variant}, seed {run.seed}",
        "seed": picked.how,
        **{axis: " + ".join(values) for axis, values in run.axes.items()},
        "adapters": _adapters(store, run),
        "licence of the data": task.licence,
        "data": task.citation or task.homepage,
    }
    return "\n".join(
        [
            "---",
            _metadata(kind, scores, examples),
            "---",
            f"# {markdown_text(run.recipe)}: {markdown_text(run.variant)}",
            "",
            "Trained with Isogloss on all rows of its languages; the scores are of models trained on the other folds."
            if final
            else "Trained with Isogloss and tested on every language below.",
            "",
            *(f"- **{name}**: {markdown_text(str(value))}" for name, value in facts.items() if value),
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
            json.dumps(settings, indent=1, ensure_ascii=False).replace("```", "\\u0060\\u0060\\u0060"),
            "```",
            "",
        ]
    )


def _metadata(kind: Kind, scores: pl.DataFrame, examples: Sequence[Example]) -> str:
    """Return what the hub reads of a card, as YAML."""
    from huggingface_hub import ModelCardData

    from isogloss.languages import parts

    more: dict[str, Any] = {"widget": [_widget(kind, one) for one in examples]} if examples else {}
    return ModelCardData(
        language=sorted(parts(scores["language"])),
        library_name="transformers",
        pipeline_tag=kind.pipeline_tag,
        tags=["isogloss", "cross-lingual"],
        **more,
    ).to_yaml()


def _widget(kind: Kind, example: Example) -> dict[str, str]:
    """Return an example as the hub's page takes it.

    Raises:
        Mistakes: it has more texts than the page has fields.
    """
    if len(example.texts) > len(kind.widget):
        what = f"the hub's page tries a model of kind {kind.name} on {len(kind.widget)} text, not {len(example.texts)}"
        raise mistake(what, where="--with-texts", remedy="leave it out")
    title = {"example_title": f"{example.language}: {example.label}" if example.label else example.language}
    return {**dict(zip(kind.widget, example.texts, strict=True)), **title}


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
