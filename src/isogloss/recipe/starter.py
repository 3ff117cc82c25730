"""A commented recipe for a file of one's own: looked at first, then written in the user's names, ready to run."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isogloss.data.collect import Collector, shown
from isogloss.data.table import Table, read_table
from isogloss.errors import mistake, nearest
from isogloss.languages import canonical

_FOLDS = 5
_UNBALANCED = 10  # the largest label has so many times the rows of the smallest


@dataclass(frozen=True)
class Columns:
    """The names of a file's columns.

    Attributes:
        texts: of the one or two texts.
        label: of the label.
        language: of the language; None where all rows are in one.
        group: of what rows share, such as a customer; None where each row stands by itself.
    """

    texts: tuple[str, ...]
    label: str
    language: str | None
    group: str | None


@dataclass(frozen=True)
class Looked:
    """What a look at a file has found.

    Attributes:
        path: of the file.
        columns: their names.
        codes: language key → what the file calls it, sorted by key; "en+sw" is of rows in both.
        labelled: language key → its rows with a label.
        unlabelled: language key → its rows, where none has a label.
        labels: label → its rows.
        source: the language that is trained on: the one with most labels, unless it was named.
    """

    path: Path
    columns: Columns
    codes: Mapping[str, str]
    labelled: Mapping[str, int]
    unlabelled: Mapping[str, int]
    labels: Mapping[str, int]
    source: str


def look(path: Path, columns: Columns, *, source: str | None = None) -> Looked:
    """Return what a file holds.

    Args:
        path: a table (see `isogloss.data.table.read_table`).
        columns: their names there.
        source: the language that is trained on; where there is no language column, the one that all rows are in.

    Raises:
        Mistakes: a column is missing, a language is none that we know, labels are missing in a language that has some,
            or there is nothing to learn.
    """
    _check(path, columns)
    table = read_table(path)
    for name in (*columns.texts, columns.label, columns.group):
        if name is not None:
            table.column(name)
    keys, codes = _languages(table, columns.language, source)
    labels = [None if value is None or not str(value).strip() else str(value) for value in table.column(columns.label)]
    labelled = Counter(key for key, label in zip(keys, labels, strict=True) if label is not None)
    unlabelled = Counter(key for key in keys if not labelled[key])
    _refuse_gaps(table, columns.label, keys, labels, labelled)
    counts = Counter(label for label in labels if label is not None)
    if len(counts) < 2:
        what = f'column "{columns.label}" has {len(counts)} different labels'
        raise mistake(what, where=str(path), remedy="at least 2 are needed to learn a difference")
    source = (_key(source) or source) if source else max(labelled, key=lambda key: (labelled[key], key))
    if source not in labelled:
        raise mistake(f'no row in "{source}" has a label', where=str(path), remedy=nearest(source, labelled))
    few = next((key for key, count in labelled.items() if count < _FOLDS), None)
    if few is not None:
        what = f'{labelled[few]} rows with a label in "{few}", fewer than the {_FOLDS} folds that they are cut into'
        remedy = "label more, or take the labels of this language out: it is then predicted and not tested"
        raise mistake(what, where=str(path), remedy=remedy)
    if labelled[source] < 2 * _FOLDS:
        what = f"{labelled[source]} rows with a label in {source}"
        raise mistake(what, where=str(path), remedy=f"label at least {2 * _FOLDS}")
    return Looked(path, columns, codes, dict(labelled), dict(unlabelled), dict(counts), source)


def _check(path: Path, columns: Columns) -> None:
    named = [*columns.texts, columns.label, *filter(None, (columns.language, columns.group))]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise mistake(f'column "{twice}" is named twice', where="new", remedy="give text, label and language one each")
    if len(columns.texts) > 2:
        raise mistake(f"{len(columns.texts)} text columns", where="--text", remedy="give one, or two for a pair")
    if set("{}\n\r") & set(path.name):
        raise mistake("braces or a line break in the file's name", where=str(path), remedy="rename the file")


def _languages(table: Table, column: str | None, source: str | None) -> tuple[list[str], dict[str, str]]:
    """Return each row's language key, and what the file calls each."""
    if column is None:
        if source is None or _key(source) is None:
            what = "nothing says which language the rows are in" if source is None else f'"{source}" is no language'
            remedy = "name its column with --language, or the one language of all rows with --source en"
            raise mistake(what, where=table.origin, remedy=remedy)
        return [str(_key(source))] * len(table), {str(_key(source)): str(_key(source))}
    mistakes, codes, keys = Collector(), dict[str, str](), []
    for row, value in enumerate(table.column(column)):
        key = _key(str(value))
        if key is None:
            what = f"{shown(str(value))} is no language that we know" if value else "says no language"
            remedy = "write a key such as en or sw (`isogloss list languages`); en+sw for a text in both"
            mistakes.add(f'column "{column}": {what}', table.place(row), remedy)
        elif codes.setdefault(key, str(value)) != value:
            what = f'column "{column}" calls {key} both {shown(codes[key])} and {shown(str(value))}'
            mistakes.add(what, table.place(row), "write it in one way")
        keys.append(str(key))
    mistakes.raise_any(table.origin)
    return keys, dict(sorted(codes.items()))


def _key(written: str) -> str | None:
    """Return the key of what a file calls a language, or two of them joined by "+"; None where we know no such one."""
    keys = [canonical(part.strip()) for part in written.split("+")]
    known = [key for key in keys if key is not None]
    return "+".join(sorted(known)) if len(known) == len(keys) == len(set(known)) else None


def _refuse_gaps(
    table: Table, column: str, keys: Sequence[str], labels: Sequence[str | None], labelled: Mapping[str, int]
) -> None:
    """Refuse rows without a label in languages where others have one."""
    mistakes = Collector()
    for row, (key, label) in enumerate(zip(keys, labels, strict=True)):
        if label is None and labelled[key]:
            what = f'no label in column "{column}", where {labelled[key]} other rows in {key} have one'
            mistakes.add(what, table.place(row), "write the label, or move the row to a file of its own")
    mistakes.raise_any(table.origin)


def starter(looked: Looked, folder: Path, name: str) -> str:
    """Return the recipe's TOML.

    Args:
        looked: what is known of the file.
        folder: where the recipe will stand: it names the file from there.
        name: of the recipe.
    """
    others = [key for key in looked.labelled if key != looked.source]
    return "\n".join(
        [
            f"# What can be learned from {looked.path.name}: labels in {_counted(looked.labelled)}.",
            "#   isogloss doctor recipe.toml     what is wrong with the data, and what the run will cost",
            "#   isogloss run recipe.toml        carries it out; a second call finds what is finished",
            f"#   isogloss table {name}     accuracy by language, with intervals and paired tests",
            f"name = {_text(name)}",
            'encoder = "mini"                 # or a name on the hub, such as "xlm-roberta-base", or a folder',
            "seeds = 1                        # more tell how much another seed would change",
            "max_length = 128                 # tokens; what is longer is cut",
            "",
            *_task(looked, folder),
            "",
            "[languages]",
            f"source = [{_text(looked.source)}]",
            f'target = "all"                   # tested on: {", ".join(looked.labelled)}',
            *_unlabelled(looked),
            "",
            "[[phases]]",
            'name = "train"',
            'on = { split = "train", languages = "source" }',
            'method = "finetune"',
            'optimizer = { name = "adamw", learning_rate = 2e-4 }   # for "mini"; 2e-5 for an encoder of usual size',
            'schedule = { name = "linear", warmup = 0.1 }',
            'freeze = ["embeddings"]',
            "batch_size = 16",
            f"epochs = {_epochs(looked)}",
            *_weights(looked),
            "",
            "# The first variant is the one that the others are compared with. A simple thing as good is better.",
            "[[variants]]",
            'name = "fine_tuned"',
            f'description = "trained on {looked.source} alone"',
            *(_pooled(others) if others else ()),
            *_simple(),
            "",
            "# Each row is tested on once, by a model that is trained on the other folds.",
            "[axes]",
            f"fold = {list(range(_FOLDS))}",
            "",
        ]
    )


def _task(looked: Looked, folder: Path) -> list[str]:
    columns, keys = looked.columns, [*looked.labelled, *looked.unlabelled]
    renamed = {key: code for key, code in looked.codes.items() if key != code}
    rule = {"pattern": looked.path.name, **({"language": columns.language} if columns.language else {})}
    return [
        "[task]",
        'name = "files"',
        f"path = {_text(os.path.relpath(looked.path.resolve().parent, folder.resolve()))}",
        f"languages = {_list(keys)}",
        f"texts = {_list(columns.texts)}",
        f"label = {_text(columns.label)}",
        f"labels = [                       # {len(looked.labels)}, with their rows",
        *(f"    {_text(label)},  # {count}" for label, count in sorted(looked.labels.items())),
        "]",
        f"files = {{ all = {_table(rule)} }}",
        f"split = {{ folds = {_FOLDS}, stratify = true }}",
        *([f"group = {_table({'column': columns.group})}            # stay in one fold"] if columns.group else []),
        *([f"codes = {_table(renamed)}"] if renamed else []),
    ]


def _unlabelled(looked: Looked) -> list[str]:
    if not looked.unlabelled:
        return []
    about = f"predicted, not measured: {_counted(looked.unlabelled)}"
    return [f"unlabelled = {_list(list(looked.unlabelled))}          # {about}"]


def _weights(looked: Looked) -> list[str]:
    most, least = max(looked.labels.values()), min(looked.labels.values())
    about = f"the largest label has {most} rows, the smallest {least}"
    if most < _UNBALANCED * least:
        return [f'# class_weights = "balanced"     # so that rare labels count as much as others ({about})']
    return [f'class_weights = "balanced"       # {about}: without, rare ones are hardly ever predicted']


def _pooled(others: Sequence[str]) -> list[str]:
    return [
        "",
        "[[variants]]",
        'name = "pooled"',
        f'description = "trained on {", ".join(others)}, too"',
        f'set."phases.train.on.languages" = {_list(["source", *others])}',
    ]


def _simple() -> list[str]:
    about = {
        "probe": "logistic regression on what the encoder makes of a text, untrained",
        "tfidf": "logistic regression on words and parts of words",
        "majority": "the most frequent label, whatever the text",
    }
    return [
        line
        for name, what in about.items()
        for line in (
            "",
            "[[variants]]",
            f"name = {_text(name)}",
            f"description = {_text(what)}",
            f"set.simple = {_text(name)}",
        )
    ]


def _epochs(looked: Looked) -> int:
    """About 300 updates: few rows need more passes."""
    steps = looked.labelled[looked.source] * (_FOLDS - 1) / _FOLDS / 16
    return max(2, min(10, round(300 / steps)))


def _counted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{key} ({count:,} rows)" for key, count in rows.items())


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _table(values: Mapping[str, str | None]) -> str:
    return f"{{ {', '.join(f'{_text(key)} = {_text(str(value))}' for key, value in values.items())} }}"
