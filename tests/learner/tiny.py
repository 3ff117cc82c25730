"""Random tiny encoders of every supported class, written to folders; and batches and bags for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from isogloss.data.bag import Bag, Columns
from isogloss.data.batch import Batch
from isogloss.keys import Key
from isogloss.kinds.text_classification import TextClassification
from isogloss.learner.adapters import Adapters
from isogloss.learner.learner import Learner
from isogloss.objectives.cross_entropy import CrossEntropy

LABELS = ("entailment", "neutral", "contradiction")
KIND = TextClassification()
OBJECTIVE = CrossEntropy(KIND)
VOCABULARY = 40
N_LAYERS = 3

_SIZE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 42,
    "pad_token_id": 1,
    "initializer_range": 0.3,
}
CONFIGS: dict[str, Any] = {
    "bert": lambda: transformers.BertConfig(**_SIZE),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**_SIZE, type_vocab_size=1),
    "modernbert": lambda: transformers.ModernBertConfig(
        **_SIZE,
        local_attention=6,
        global_attn_every_n_layers=2,
        attention_dropout=0.1,
        mlp_dropout=0.1,
        classifier_dropout=0.1,
        bos_token_id=0,
        cls_token_id=0,
        eos_token_id=2,
        sep_token_id=2,
    ),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=VOCABULARY,
        dim=16,
        n_layers=N_LAYERS,
        n_heads=2,
        hidden_dim=24,
        max_position_embeddings=42,
        pad_token_id=1,
        initializer_range=0.3,
    ),
    "deberta-v2": lambda: transformers.DebertaV2Config(
        **_SIZE,
        relative_attention=True,
        position_buckets=4,
        max_relative_positions=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        conv_kernel_size=3,
        conv_act="gelu",
    ),
}
CLASSES = tuple(CONFIGS)


def save_tokenizer(folder: Path) -> None:
    """Write a fast tokenizer that knows the words w4 … w39."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = [f"w{number}" for number in range(len(special), VOCABULARY)]
    backend = Tokenizer(WordLevel({word: n for n, word in enumerate([*special, *words])}, unk_token="<unk>"))
    backend.pre_tokenizer = Whitespace()
    backend.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", cls_token="<s>", sep_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


def save_encoder(folder: Path, model_type: str = "bert", **config: Any) -> Path:
    """Write a random encoder without a head (and, for BERT, without a pooler)."""
    settings = CONFIGS[model_type]()
    for name, value in config.items():
        setattr(settings, name, value)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        pooler = {"add_pooling_layer": False} if model_type in ("bert", "xlm-roberta") else {}
        transformers.AutoModel.from_config(settings, **pooler).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_classifier(folder: Path, labels: tuple[str, ...] | None, model_type: str = "bert") -> Path:
    """Write a random encoder with a trained head, whose labels have names or none."""
    settings = CONFIGS[model_type]()
    settings.num_labels = len(labels or LABELS)
    if labels:
        settings.id2label = dict(enumerate(labels))
        settings.label2id = {label: index for index, label in enumerate(labels)}
    with torch.random.fork_rng():
        torch.manual_seed(7)
        transformers.AutoModelForSequenceClassification.from_config(settings).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


class Adapted(NamedTuple):
    """An encoder's folder, to be loaded with adapters that have moved already."""

    folder: Path
    adapters: Adapters = Adapters(rank=3, alpha=5.0, dropout=0.25)


def load(encoder: Path | Adapted, **settings: Any) -> Learner:
    given = {"labels": LABELS, "kind": KIND, "head_key": Key(0, purpose="head"), "max_length": 32, "precision": "fp64"}
    folder = encoder.folder if isinstance(encoder, Adapted) else encoder
    learner = Learner.load(str(folder), device=torch.device("cpu"), **(given | settings))
    if isinstance(encoder, Adapted):
        learner.adapt(encoder.adapters, Key(0, purpose="adapters"))
        move_adapters(learner)
    return learner


def move_adapters(learner: Learner, seed: int = 5) -> None:
    """Give every B, which starts at 0, random entries."""
    generator = torch.Generator().manual_seed(seed)
    names = [name for name in learner.params if ".lora_B." in name]
    learner.update({name: 0.3 * torch.randn(learner.params[name].shape, generator=generator) for name in names})


def batch(size: int = 5, length: int = 9, *, padded: bool = True, seed: int = 0) -> Batch:
    """Return a random batch; with padding, every second example is 3 tokens shorter."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(4, VOCABULARY, (size, length), generator=generator)
    mask = torch.ones_like(tokens)
    if padded:
        mask[1::2, -3:] = 0
        tokens[1::2, -3:] = 1
    labels = torch.randint(0, len(LABELS), (size,), generator=generator)
    ids = tuple(f"{seed}-{row}" for row in range(size))
    inputs = {"input_ids": tokens, "attention_mask": mask}
    return Batch(inputs, {"labels": labels}, torch.arange(size), ids, ("en",) * size)


def everything(learner: Learner) -> dict[str, torch.Tensor]:
    """Return the masters of all groups, as what moves."""
    return learner.moving(dict.fromkeys(learner.groups.names, 1.0))


def of_labels(*, targets: NDArray[np.int64], offsets: NDArray[np.int64], **columns: Any) -> Columns:
    """Return the columns of examples with one window and one label each."""
    one = {"windows": np.arange(len(offsets)), "targets": {"labels": targets}, "aside": {}, "texts": {}}
    return Columns(offsets=offsets, **one, **columns)


def bag(lengths: tuple[int, ...] = (5, 12, 3, 9, 30, 7, 4), seed: int = 0) -> Bag:
    """Return a bag of random examples of these lengths."""
    generator = np.random.default_rng(seed)
    count = len(lengths)
    tokens: NDArray[np.int32] = generator.integers(4, VOCABULARY, sum(lengths)).astype(np.int32)
    columns = of_labels(
        ids=np.array([f"e{row}" for row in range(count)]),
        groups=np.arange(count),
        targets=generator.integers(0, len(LABELS), count),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        inputs={"input_ids": tokens},
        content=np.array(lengths, dtype=np.int32),
        unknown=np.zeros(count, dtype=np.int32),
        words=np.array(lengths, dtype=np.int32),
    )
    return Bag("t", "en", "test", LABELS, {"input_ids": 1}, columns, np.arange(count))


def assert_close(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor], bound: float) -> None:
    """Assert that two gradients differ by less than `bound`, relative to the largest entry of each tensor.

    Of tensors whose gradient is zero but for rounding (biases of attention keys), relative to all the tensors.
    """
    assert left.keys() == right.keys()
    largest = max(float(value.abs().max()) for value in right.values())
    for name, value in left.items():
        scale = max(float(right[name].abs().max()), 1e-3 * largest)
        assert float((value - right[name]).abs().max()) <= bound * scale, name
