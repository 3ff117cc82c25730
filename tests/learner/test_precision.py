"""Which numbers a learner computes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from isogloss.errors import Mistakes
from isogloss.learner import precision
from learner import tiny

CPU = torch.device("cpu")


def test_auto_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    assert precision.resolve("auto", CPU) == precision.BF16
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert precision.resolve("auto", CPU) == precision.FP32


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(Mistakes, match=r'"bf61".*did you mean "bf16"'):
        precision.resolve("bf61", CPU)


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_masters_and_head_are_float32_and_layers_bfloat16(encoder: Callable[[str], Path], model_type: str) -> None:
    learner = tiny.load(encoder(model_type), precision="bf16")
    seen: dict[str, torch.dtype] = {}
    for group, layer in enumerate(learner._network.layers):
        layer.register_forward_hook(
            lambda _module, _inputs, output, group=group: seen.update(
                {f"layer.{group + 1}": (output[0] if isinstance(output, tuple) else output).dtype}
            )
        )
    learner.predict(tiny.bag())
    assert seen == dict.fromkeys(("layer.1", "layer.2", "layer.3"), torch.bfloat16)
    assert {value.dtype for value in learner.params.values()} == {torch.float32}
    assert learner.predict(tiny.bag()).logits.dtype == "float32"
