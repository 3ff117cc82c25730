"""Stores as real runs leave them, made up in a moment: no encoder, no training, every file where it belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from isogloss.evaluation.calibration import Calibration
from isogloss.evaluation.frame import score_run
from isogloss.kinds.text_classification import TextClassification
from isogloss.store import LearnedRates, RunSpec, Store

LANGUAGES = ("en", "el", "sw", "th")
MANY = (
    "ar",
    "bn",
    "de",
    "el",
    "en",
    "es",
    "fi",
    "fr",
    "hi",
    "id",
    "ja",
    "ko",
    "my",
    "ru",
    "sw",
    "ta",
    "te",
    "th",
    "tr",
    "ur",
    "vi",
    "zh",
)
GROUPS = ("embeddings", "layer.1", "layer.2", "layer.3", "head")
NAME = "made-up"
TRAINED = ("source", "auxiliary")


class MadeUp(NamedTuple):
    """What a store is made of.

    Attributes:
        languages: tested on; "en" is the source, "el" and "ur" are auxiliary, the others unseen.
        variants: name → how often it is right, 0 to 1; the first is the baseline. Languages differ in it, too.
        seeds: one number for all phases of a run.
        labels: their names.
        examples: tested on, a language; three to a group.
        steps: logged by each phase of training; 0 leaves no log.
        axes: axis → its values, each the languages of one cell.
        impacts: whether the impact on each layer was analysed.
        rates: the variants that learn rates.
        failed: (variant, seed) of runs that failed.
        ids: what examples are called, by their number.
        select: on what the steps of phases are chosen.
        recipe: its name.
        task: that it is tested on.
    """

    languages: Sequence[str] = LANGUAGES
    variants: Mapping[str, float] = {"pooled": 0.5, "meta_optimizer": 0.6}
    seeds: Sequence[int] = (0, 1)
    labels: Sequence[str] = ("high", "low", "none")
    examples: int = 60
    steps: int = 12
    axes: Mapping[str, Sequence[Sequence[str]]] = {}
    impacts: bool = False
    rates: Sequence[str] = ()
    failed: Sequence[tuple[str, int]] = ()
    ids: str = "{}"
    select: str = "last"
    recipe: str = NAME
    task: object = "made-up"


def made_up_store(root: Path, **asked: Any) -> Store:
    """Write the runs of a recipe below `root`; arguments as in `MadeUp`."""
    store, made = Store(root), MadeUp(**asked)
    for variant, seed, values in product(made.variants, made.seeds, product(*made.axes.values())):
        _carry_out(store, made, variant, seed, dict(zip(made.axes, values, strict=True)))
    return store


def roles(languages: Sequence[str], cell: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return language → role in a cell of the axes."""
    source, auxiliary = cell.get("source", ("en",)), cell.get("auxiliary", ("el", "ur"))
    known = dict.fromkeys(auxiliary, "auxiliary") | dict.fromkeys(source, "source")
    return {language: known.get(language, "unseen") for language in languages}


def predictions(made: MadeUp, variant: str, seed: int, cell: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return what a made-up run predicts: some examples are hard, the first languages easy, and seeds differ."""
    parts = [_of_language(made, variant, seed, cell, place) for place in range(len(made.languages))]
    return pl.concat(parts)


def _of_language(made: MadeUp, variant: str, seed: int, cell: Mapping[str, Sequence[str]], place: int) -> pl.DataFrame:
    n, classes = made.examples, len(made.labels)
    labels = np.arange(n) % classes
    hard = np.random.default_rng(place).random(n)  # the same for all that are tested on this language
    rng = np.random.default_rng([seed, place, int(_key(variant, cell)[:8], 16)])
    easy = made.variants[variant] - 0.3 * place / len(made.languages)
    wrong = (0.6 * hard + 0.4 * rng.random(n)) > easy
    given = np.where(wrong, (labels + 1 + (rng.random(n) < 0.3)) % classes, labels)
    probabilities = np.full((n, classes), 0.3 / max(classes - 1, 1), dtype=np.float32)
    probabilities[np.arange(n), given] = 0.7
    return pl.DataFrame(
        {
            "language": [made.languages[place]] * n,
            "id": [made.ids.format(number) for number in range(n)],
            "group": np.arange(n) // 3,
            "label": labels.astype(np.int16),
            "prediction": given.astype(np.int16),
            **{f"p{label}": probabilities[:, label] for label in range(classes)},
        }
    )


def _carry_out(store: Store, made: MadeUp, variant: str, seed: int, cell: Mapping[str, Sequence[str]]) -> None:
    names = ["source", *(["meta"] if variant in made.rates else []), "adapt"]
    keys = {name: _phase(store, made, name, variant, seed, cell) for name in names}
    key = _key("run", made.recipe, variant, seed, cell)
    seeds = dict.fromkeys(names, seed)
    spec = RunSpec(made.recipe, variant, cell, seeds, str(seed), list(keys.values()), settings(made), {"versions": {}})
    folder = store.run(key)
    folder.begin(spec)
    if (variant, seed) in made.failed:
        folder.fail("the loss is not finite", "adapt")
        return
    predicted = predictions(made, variant, seed, cell)
    facts: dict[str, object] = {
        "recipe": made.recipe,
        "variant": variant,
        **{f"axis.{axis}": "+".join(value) for axis, value in cell.items()},
        "seed": str(seed),
        **{f"seed.{name}": seed for name in names},
        "examples_seen": 960 * len(names),
        "seconds": 1.5 * len(names),
        "run": key,
    }
    known = roles(made.languages, cell)
    scores = score_run(predicted, metrics=TextClassification().metrics, roles=known, facts=facts)
    unknown = dict.fromkeys(made.languages, 0.0)
    calibration = Calibration(1.5, "", "made-up", "validation", ("en",), 60, 0.9, 0.8).plain()
    folder.finish(
        scores, predicted, {"warnings": [], "unknown": unknown, "evaluation_seconds": 2.0}, calibration=calibration
    )
    if made.impacts:
        _impact(store, made, key, seed, len(variant))


def _phase(store: Store, made: MadeUp, name: str, variant: str, seed: int, cell: Mapping[str, Sequence[str]]) -> str:
    """Write a phase; that of the source is shared by variants."""
    shared = name == "source"
    key = _key(name, made.recipe, seed, cell.get("source", "") if shared else cell, "" if shared else variant)
    folder = store.phase(key)
    if folder.done:
        return key
    product = "rates" if name == "meta" else "weights"
    known = roles(made.languages, cell)
    rows = {"task": None, "split": "train", "examples": 32 if shared else None, "share": None, "per_label": None}
    spec = {"name": name, "task": "made-up", "seed": seed, "product": product, "labels": list(made.labels)}
    spec["languages"] = [code for code, role in known.items() if role in (("source",) if shared else TRAINED)]
    method = {"name": "meta_optimizer" if name == "meta" else "finetune", "settings": {}}
    select = {"on": made.select, "every": 5, "held_out": 0.1}
    folder.begin({**spec, "settings": {"on": rows, "support": None, "method": method, "select": select}})
    rng = np.random.default_rng([seed, len(name)])
    course: list[dict[str, float]] = []
    for step in range(1, made.steps + 1):
        row: dict[str, object] = {"loss": 3 / (1 + 0.1 * step) + 0.1 * rng.standard_normal()}
        if name == "meta":
            course.append(
                {group: 0.5 + 0.1 * (place - 2) * step / made.steps for place, group in enumerate(GROUPS) if place}
            )
            row |= {"query_loss": 2.5, "surprise": "el", **{f"rate.{group}": v for group, v in course[-1].items()}}
        folder.log(step, examples=32 * step, seconds=0.5 * step, **row, scale=1.0)
    last = course[-1] if course else dict.fromkeys(GROUPS[1:], 0.5)
    rates = LearnedRates({"embeddings": 0.0, **last}, course)
    folder.finish(
        rates if name == "meta" else lambda path: path.write_bytes(b"made up"),
        {"steps": made.steps, "examples": 32 * made.steps, "seconds": 0.5 * made.steps},
    )
    return key


def _impact(store: Store, made: MadeUp, run: str, seed: int, more: int) -> None:
    rows = [
        {
            "phase": "adapt",
            "against": "source",
            "pooling": "first",
            "language": language,
            "layer": layer,
            "cka": 1 - 0.05 * layer - 0.001 * (place + seed + more),
            "debiased_cka": 1 - 0.06 * layer,
            "impact": 0.05 * layer + 0.001 * (place + seed + more),
            "n": made.examples,
        }
        for place, language in enumerate(made.languages)
        for layer in (1, 2, 3)
    ]
    key = _key("impact", run)
    store.analysis(key).write({"name": "impact"}, pl.DataFrame(rows))
    store.run(run).link([key])


def settings(made: MadeUp) -> dict[str, Any]:
    """Return the effective recipe, as far as what reads a store looks at it."""
    return {
        "name": made.recipe,
        "description": "made up",
        "task": made.task,
        "encoder": "mini",
        "seeds": {"together": len(made.seeds), "by_phase": {}},
        "draw": 0,
        "keep": "scores",
        "final": None,
        "simple": None,
        "max_length": 64,
        "precision": "fp32",
        "allow_unknown": 0.2,
        "languages": {
            "source": ["en"],
            "auxiliary": ["el", "ur"],
            "target": list(made.languages),
            "selection": [],
            "unlabelled": None,
        },
        "phases": [],
        "variants": [
            {"name": variant, "description": f"a way called {variant}", "skip": [], "set": {}, "unset": []}
            for variant in made.variants
        ],
        "axes": {axis: [list(value) for value in values] for axis, values in made.axes.items()},
        "evaluation": {"task": None, "split": "test", "examples": made.examples, "development": None},
        "analyses": [{"name": "impact"}] if made.impacts else [],
    }


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
