"""The other side: `transformers.Trainer`, at its best and at its defaults."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import now

if TYPE_CHECKING:
    from isogloss.learner.learner import Learner

Rows = list[dict[str, Any]]


class Model:
    """A network of transformers that begins where a learner stands.

    Args:
        learner: whose weights and head it gets, by way of an ordinary folder.
        folder: where that is written.
    """

    def __init__(self, learner: Learner, folder: Path) -> None:
        learner.export(folder, card="A benchmark's.\n")
        self.folder = folder
        self.frozen = frozenset(learner.groups.members("embeddings"))

    def fresh(self, *, freeze: bool = True) -> Any:
        """Load it, in float32, with the embeddings frozen if asked."""
        import torch
        from transformers import AutoModelForSequenceClassification

        _quiet()
        model = AutoModelForSequenceClassification.from_pretrained(self.folder, dtype=torch.float32)
        for name, value in model.named_parameters():
            value.requires_grad_(not freeze or name not in self.frozen)
        return model


def best(batch_size: int) -> dict[str, Any]:
    """Return the settings that a user who knows the Trainer well would choose: grouping by length, bf16 autocast."""
    return {
        "per_device_train_batch_size": batch_size,
        "num_train_epochs": 1,
        "train_sampling_strategy": "group_by_length",
        "bf16": True,
    }


def defaults(batch_size: int) -> dict[str, Any]:
    """Return the settings of a user who gives batch size and length alone: random order, float32."""
    return {"per_device_train_batch_size": batch_size, "num_train_epochs": 1}


def make(model: Any, settings: Mapping[str, Any], folder: Path, tokenizer: Any, rows: Rows | None = None) -> Any:
    """Return a Trainer that reports and saves nothing.

    Args:
        model: the network.
        settings: of `TrainingArguments`.
        folder: its output folder; nothing is written there.
        tokenizer: pads each batch to its longest example, where examples are not padded already.
        rows: what it trains on.
    """
    import torch
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments

    _quiet()
    quiet = {"save_strategy": "no", "report_to": "none", "disable_tqdm": True, "logging_strategy": "no"}
    arguments = TrainingArguments(str(folder), **(quiet | dict(settings)), use_cpu=not torch.cuda.is_available())
    collator = DataCollatorWithPadding(tokenizer)
    made = Trainer(model, arguments, data_collator=collator, train_dataset=_Rows(rows) if rows else None)
    made.remove_callback(PrinterCallback)
    return made


class _Rows:
    """A map-style data set over rows; of all, the one that costs the Trainer the least."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._rows[index]


def data_set(rows: Rows) -> Any:
    """Return rows as a data set that `predict` takes."""
    return _Rows(rows)


def train_seconds(trainer: Any) -> float:
    """Train, and return the seconds of its steps alone: what it prepares before the first is not counted.

    Raises:
        RuntimeError: it did not go through its rows exactly once.
    """
    from transformers import TrainerCallback

    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_args: Any, **_kwargs: Any) -> None:
            marks.append(now())

        def on_train_end(self, *_args: Any, **_kwargs: Any) -> None:
            marks.append(now())

    trainer.add_callback(Clock())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    steps = -(-len(trainer.train_dataset) // trainer.args.per_device_train_batch_size)
    if trainer.state.global_step != steps:
        raise RuntimeError(f"the Trainer made {trainer.state.global_step} steps, not the {steps} of one pass")
    return marks[1] - marks[0]


def _quiet() -> None:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
