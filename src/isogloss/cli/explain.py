"""What `isogloss show` says about recipes, tasks, methods and languages."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from isogloss.cli.layout import grid

if TYPE_CHECKING:
    from isogloss.data.task import Task
    from isogloss.recipe.model import Recipe
    from isogloss.recipe.phase import On, Phase


def recipe(name: str, profile: str | None, runs: str) -> str:
    """Explain a recipe: its phases, variants, axes and settings.

    Args:
        name: of a shipped recipe, or a file.
        profile: an overlay.
        runs: a line about its runs, or nothing.
    """
    from isogloss.recipe.load import load_recipe, profiles

    loaded = load_recipe(name, profile=profile)
    known = profiles(name)
    parts = [
        f"{loaded.name}: {loaded.description}" if loaded.description else loaded.name,
        grid(_settings(loaded, known, profile), indent="  "),
        "phases\n" + _definitions([(phase.name, _phase(phase)) for phase in loaded.phases]),
        "variants (the first is the baseline)\n" + grid(map(_variant_row, loaded.variants), indent="  "),
    ]
    if loaded.axes:
        axes = ((axis, "  ".join("+".join(value) for value in values)) for axis, values in loaded.axes.items())
        parts.append("repeated over\n" + grid(axes, indent="  "))
    option = f" --profile {profile}" if profile else ""
    change = f"to change it: isogloss show {name}{option} --toml > my-recipe.toml"
    parts.append(runs or f"to run it: isogloss run {name}{option}\n{change}")
    return "\n\n".join(parts)


def recipe_toml(name: str, profile: str | None) -> str:
    """Return a recipe, its profile worked in, as TOML."""
    from isogloss.recipe.load import load_recipe

    return load_recipe(name, profile=profile).to_toml().rstrip("\n")


def _settings(loaded: Recipe, profiles: tuple[str, ...], profile: str | None) -> list[tuple[str, str]]:
    seeds = loaded.seeds
    by_phase = ", ".join(f"{phase} {count}" for phase, count in seeds.by_phase.items())
    rows = [
        ("task", _task_name(loaded.task)),
        ("encoder", loaded.encoder),
        ("source", " ".join(loaded.languages.source)),
        ("auxiliary", " ".join(loaded.languages.auxiliary)),
        ("target", " ".join(loaded.languages.target)),
        ("seeds", by_phase or str(seeds.together)),
        ("tested on", loaded.evaluation.split + _share(loaded.evaluation.examples)),
        ("precision", loaded.precision),
        ("adapters", str(loaded.adapters or "")),
        ("keeps", _KEEPS[loaded.keep]),
        ("profiles", " ".join(f"[{name}]" if name == profile else name for name in profiles)),
    ]
    return [(key, value) for key, value in rows if value]


_KEEPS = {"scores": "scores only", "shared": "weights that others start from", "all": "all weights"}


def _rows(on: On) -> str:
    """Return where rows are from: task, split, languages, and how many of them."""
    task = f"{_task_name(on.task)} " if on.task else ""
    amount = f", {on.share:.0%}" if on.share else f", {on.per_label} a label" if on.per_label else ""
    return f"{task}{on.split}, {'+'.join(on.languages)}{_share(on.examples)}{amount}"


def _phase(phase: Phase) -> str:
    """Return what a phase does, in one sentence after another."""
    settings = ", ".join(f"{key} {value}" for key, value in phase.method.settings.items())
    parts = [
        phase.method.name + (f" ({settings})" if settings else ""),
        f"on {_rows(phase.on)}",
        *([f"support from {_rows(phase.support)}"] if phase.support else []),
        *([f"after {phase.after}"] if phase.after else []),
        _length(phase),
        f"{phase.optimizer.name} at {phase.optimizer.learning_rate:g}, {phase.schedule.name}",
        f"batches of {phase.batch_size}",
        *([str(phase.adapters)] if phase.adapters else []),
        *_rates(phase),
    ]
    return "; ".join(part for part in parts if part)


def _length(phase: Phase) -> str:
    if phase.as_long_as:
        return f"as long as {'+'.join(phase.as_long_as)}"
    return f"{phase.length[1]:g} {phase.length[0]}" if phase.length else ""


def _rates(phase: Phase) -> list[str]:
    rates, parts = phase.rates, []
    if rates.taken_from:
        parts.append(f"rates: {'the mean of ' if rates.reduce else ''}those of {rates.taken_from}")
    elif rates.groups:
        parts.append("rates: " + " ".join(f"{group} {value:g}" for group, value in rates.groups.items()))
    elif rates.value != 1:
        parts.append(f"rate {rates.value:g}")
    parts += [f"frozen: {' '.join(phase.freeze)}"] if phase.freeze else []
    parts += [f"bottom {phase.freeze_bottom} frozen"] if phase.freeze_bottom is not None else []
    parts += [f"layer-wise decay {phase.layer_decay:g}"] if phase.layer_decay is not None else []
    return parts


def _variant_row(variant: Any) -> tuple[str, str]:
    changes = [f"without {' '.join(variant.skip)}"] if variant.skip else []
    changes += [f"{key} = {value}" for key, value in variant.set.items()]
    changes += [f"no {key}" for key in variant.unset]
    return variant.name, variant.description or "; ".join(changes)


def _task_name(task: Any) -> str:
    return task if isinstance(task, str) else str(task.get("name", "files"))


def _share(examples: int | None) -> str:
    return f", about {examples:,} examples a language" if examples else ""


def task(name: str) -> str:
    """Explain a task: columns, labels, languages, where its rows come from, whose they are."""
    from isogloss.data.task import load_task

    found = load_task(name)
    sources = [f"the hub ({found.hub.path})"] if found.hub else []
    sources += ["a sample that comes with isogloss"] if found.embedded else []
    sources += [f"files: isogloss run RECIPE --data {name}=FOLDER"] if found.files else []
    settings = ", ".join(f"{key} {value}" for key, value in found.settings.items())
    rows = [
        ("kind", found.kind + (f" ({settings})" if settings else "")),
        ("texts", " ".join(found.texts)),
        ("labels", f"{len(found.labels)}: {' '.join(found.labels)}" if found.labels else ""),
        ("answers", found.answers or ""),
        ("languages", f"{len(found.languages)}: {' '.join(found.languages)}"),
        ("or two", "the language of the context and that of the question, as de/en" if found.second else ""),
        ("splits", " ".join(found.splits)),
        ("in a folder", _cut(found)),
        ("rows", "the same in every language" if found.parallel else "each language its own"),
        ("from", "; ".join(sources)),
        ("licence", found.licence),
        ("home", found.homepage),
        ("cite", found.citation),
    ]
    return f"{name}\n" + _definitions([(key, value) for key, value in rows if value])


def _cut(found: Task) -> str:
    """Return which splits are shares of a file, so that none is taken for a published one of its name."""
    shares = [
        f"{split} is {rule.part.start:g} to {rule.part.end:g} of {rule.pattern} by {rule.part.column}"
        for split, rules in found.files.items()
        for rule in rules
        if rule.part is not None
    ]
    return "; ".join(shares)


def method(name: str) -> str:
    """Explain a method: what it does, from which paper, and its settings."""
    from isogloss.registry import load

    found = load("methods", name)
    settings = inspect.cleandoc(found.Settings.__doc__ or "")
    rows = [
        (
            key,
            inspect.formatannotation(field.annotation).replace("typing.", ""),
            _default(field),
        )
        for key, field in found.Settings.model_fields.items()
    ]
    parts = [f"{name}: {inspect.cleandoc(found.__doc__ or '')}", settings]
    if rows:
        parts.append(grid(rows, header=("setting", "type", "default"), indent="  "))
    return "\n\n".join(parts)


def _default(field: Any) -> str:
    return "(must be given)" if field.is_required() else repr(field.default)


def language(code: str) -> str:
    """Explain a language: names, codes, family, script, place."""
    from isogloss.languages import languages

    found = languages()[code]
    also = f" (also {' '.join(found.also)})" if found.also else ""
    rows = [
        ("ISO 639-3", found.iso639_3 + also),
        ("Glottolog", found.glottocode),
        ("family", f"{found.family}, {found.branch}".rstrip(", ")),
        ("script", found.script),
        ("place", f"{found.latitude:.1f}, {found.longitude:.1f}"),
        ("tasks", " ".join(_tasks_with(code))),
    ]
    return f"{code}: {found.name}\n" + _definitions([(key, value) for key, value in rows if value])


def _tasks_with(code: str) -> list[str]:
    from isogloss.data.task import load_task, shipped_tasks

    return [name for name in shipped_tasks() if code in load_task(name).languages]


def _definitions(rows: list[tuple[str, str]]) -> str:
    """Return terms and what is said of them, long ones folded below themselves."""
    indent = 4 + max(len(term) for term, _ in rows)
    lines = []
    for term, text in rows:
        first = f"  {term}".ljust(indent)
        lines.append(
            textwrap.fill(text, 110, initial_indent=first, subsequent_indent=" " * indent, break_on_hyphens=False)
        )
    return "\n".join(lines)
