"""From a folder to a network with the task's head and its tokenizer."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from safetensors import SafetensorError
from torch import nn

from isogloss.errors import mistake
from isogloss.keys import Key
from isogloss.kinds.base import Kind
from isogloss.learner import attention, encoders
from isogloss.learner.groups import Anatomy, anatomy
from isogloss.learner.labels import match_labels
from isogloss.learner.quiet import quiet


class Loaded(NamedTuple):
    """An encoder with the head of a task.

    Attributes:
        network: the class's own network with its own head, in float32, in eval mode.
        tokenizer: its fast tokenizer.
        parts: where the class keeps its parts.
    """

    network: nn.Module
    tokenizer: Any
    parts: Anatomy


def load_network(encoder: str, labels: Sequence[str], kind: Kind, head_key: Key, *, offline: bool) -> Loaded:
    """Load an encoder and give it a kind's head for `labels`.

    A checkpoint that was trained for such a task keeps its head, its rows put in the order of `labels` by their
    names where there are any; any other gets the class's own head, freshly drawn (BERT's pooler too, where the
    checkpoint lacks it).

    Args:
        encoder: "mini", a folder, or a name on the hub.
        labels: the task's label names; none for a kind without labels.
        kind: the task's kind.
        head_key: names the draw of a fresh head; the same key gives the same head, to the bit.
        offline: use nothing of the hub but what is in its cache.

    Raises:
        Mistakes: the encoder is missing, incomplete, of an unknown class, has other labels, or has no fast
            tokenizer.
    """
    folder = encoders.locate(encoder, offline=offline)
    config = _config(folder, encoder)
    parts = anatomy(config.model_type, encoder)
    if kind.reads_every_token:
        parts = parts.with_token_head()
    order: list[int] | None = None
    trained_head = kind.auto_class.removeprefix("AutoModel")
    if labels and any(name.endswith(trained_head) for name in config.architectures or ()):
        order = match_labels(config.id2label, labels, where=encoder)
    config.num_labels = kind.head_size(labels)
    network = _network(folder, encoder, config, kind, parts, head_key=head_key)
    if order is not None:
        _reorder(network.get_submodule(parts.classifier), order)
    if labels:
        network.config.id2label = dict(enumerate(labels))
        network.config.label2id = {label: index for index, label in enumerate(labels)}
    return Loaded(network.eval().requires_grad_(False), _tokenizer(folder, encoder), parts)


def check_length(max_length: int, config: Any, parts: Anatomy, encoder: str) -> None:
    """Refuse a length that the encoder has no positions for.

    Raises:
        Mistakes: `max_length` is above what the encoder reads.
    """
    longest = config.max_position_embeddings - parts.position_offset
    if not 1 <= max_length <= longest:
        raise mistake(
            f"max_length = {max_length} is outside of what the encoder reads",
            where=encoder,
            remedy=f"choose 1 to {longest}",
        )


def _config(folder: Path, encoder: str) -> Any:
    path = folder / "config.json"
    try:
        model_type = json.loads(path.read_text(encoding="utf-8")).get("model_type", "")
    except (ValueError, AttributeError) as error:
        raise mistake("is not a JSON object", where=str(path), remedy="fetch the encoder again") from error
    anatomy(model_type, encoder)
    return transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _network(folder: Path, encoder: str, config: Any, kind: Kind, parts: Anatomy, *, head_key: Key) -> Any:
    attention.register()
    head_class = getattr(transformers, kind.auto_class)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(head_key.torch_seed())
        try:
            network, report = head_class.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                attn_implementation=parts.attention,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
            )
        except (OSError, RuntimeError, ValueError, SafetensorError, pickle.UnpicklingError) as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise mistake(
                f"the weights cannot be loaded ({why})",
                where=encoder,
                remedy="fetch the encoder again, as safetensors if it has them",
            ) from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(parts.head))
    if missing:
        raise mistake(
            f"the weights lack {len(missing)} tensors of the encoder, {missing[0]} among them",
            where=encoder,
            remedy="fetch the encoder again, or name one whose config.json belongs to its weights",
        )
    return network


def _reorder(classifier: Any, order: list[int]) -> None:
    """Put the rows of a linear map in another order."""
    with torch.no_grad():
        classifier.weight.copy_(classifier.weight[order])
        classifier.bias.copy_(classifier.bias[order])


def load_tokenizer(encoder: str, *, offline: bool) -> Any:
    """Return an encoder's fast tokenizer without loading its weights.

    Raises:
        Mistakes: the encoder is missing or incomplete, or has no fast tokenizer.
    """
    return _tokenizer(encoders.locate(encoder, offline=offline), encoder)


def _tokenizer(folder: Path, encoder: str) -> Any:
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, use_fast=True, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise mistake(
            f"the tokenizer cannot be loaded ({why})",
            where=encoder,
            remedy="write it anew with save_pretrained of a fast tokenizer (tokenizer.json)",
        ) from error
    if not tokenizer.is_fast:
        raise mistake(
            "the encoder has only a slow tokenizer",
            where=encoder,
            remedy="convert it to a fast one (tokenizer.json) with transformers",
        )
    return tokenizer
