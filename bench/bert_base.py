"""The same with a random encoder of the size of BERT-base, where there is a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import finetune, meta_step, predict
from bench.harness import Benchmark, Context, LeftOut, Measurement, Promise


def _of_its_size(promise: Promise) -> Promise:
    return replace(promise, row=f"bert-base.{promise.row}", claim=f"BERT-base's size, random, GPU: {promise.claim}")


STEP, WORK = _of_its_size(meta_step.TIME), _of_its_size(meta_step.WORK)
TRAIN, TRAIN_DEFAULTS = _of_its_size(finetune.BEST), _of_its_size(finetune.DEFAULTS)
PREDICT, PREDICT_SORTED = _of_its_size(predict.BEST), _of_its_size(predict.SORTED)
PREDICT_DEFAULTS = _of_its_size(predict.DEFAULTS)


def measure(context: Context) -> Iterator[Measurement]:
    """Write the encoder, and run the other benchmarks with it; left out where there is no GPU."""
    import torch

    if not torch.cuda.is_available():
        raise LeftOut("there is no GPU")
    large = replace(context, encoder=str(_encoder(context.scratch / "bert-base")))
    yield from meta_step.measure(large, STEP, WORK)
    yield from finetune.measure(large, TRAIN, TRAIN_DEFAULTS)
    yield from predict.measure(large, PREDICT, PREDICT_SORTED, PREDICT_DEFAULTS)


def _encoder(folder: Path) -> Path:
    """Write an encoder with random weights and mini's tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    from isogloss.learner.loading import load_tokenizer

    tokenizer = load_tokenizer("mini", offline=True)
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


ROWS = (WORK, STEP, TRAIN, TRAIN_DEFAULTS, PREDICT, PREDICT_SORTED, PREDICT_DEFAULTS)
BENCHMARK = Benchmark("bert-base", ROWS, measure, needs="a GPU")
