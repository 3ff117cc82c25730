"""Label names: those of a checkpoint's trained head against those of the task. Names count, never numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from isogloss.errors import mistake

_UNNAMED = re.compile(r"LABEL_\d+")


def match_labels(checkpoint: Mapping[int, str], labels: Sequence[str], *, where: str) -> list[int]:
    """Return, for each of the task's labels, the row of the checkpoint's classifier that stands for it.

    Upper and lower case are not told apart; nothing else is guessed.

    Args:
        checkpoint: the checkpoint's `id2label`.
        labels: the task's label names.
        where: the checkpoint, for the message.

    Raises:
        Mistakes: the checkpoint's labels have no names, or not the task's names.
    """
    names = [checkpoint[index] for index in sorted(checkpoint)]
    if any(_UNNAMED.fullmatch(name) for name in names):
        raise mistake(
            f"the checkpoint's trained head does not name its labels ({', '.join(names)})",
            where=where,
            remedy='write their names into "id2label" of its config.json, or take a checkpoint without a head',
        )
    rows = {name.casefold(): row for row, name in enumerate(names)}
    if len(rows) < len(names) or set(rows) != {label.casefold() for label in labels}:
        raise mistake(
            f"the checkpoint's labels ({', '.join(names)}) are not the task's ({', '.join(labels)})",
            where=where,
            remedy="name a checkpoint that was trained for this task's labels, or one without a head",
        )
    return [rows[label.casefold()] for label in labels]
