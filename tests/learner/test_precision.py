"""Which numbers a learner computes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.learner import precision
from learner import tiny

CPU = torch.device("cpu")


def test_auto_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    assert precision.resolve("auto", CPU) == precision.BF16
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert precision.resolve("auto", CPU) == precision.FP32


@pytest.mark.parametrize(
    ("amx", "avx512_bf16", "avx512_fp16", "faster"),
    [(True, True, True, True), (False, True, False, True), (False, True, True, False), (False, False, False, False)],
)
def test_bfloat16_is_for_processors_that_gain_by_it(
    monkeypatch: pytest.MonkeyPatch, amx: bool, avx512_bf16: bool, avx512_fp16: bool, faster: bool
) -> None:
    """AVX512-BF16 counts, but where AVX512-FP16 tells of an AMX that is hidden: there it is slower than float32."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_fp16": avx512_fp16}, raising=False)
    assert precision.has_bf16(CPU) == faster


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(Mistakes, match=r'"bf61".*did you mean "bf16"'):
        precision.resolve("bf61", CPU)


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_products_are_bfloat16_and_all_else_float32(encoder: Callable[[str], Path], model_type: str) -> None:
    """The residual stream stays float32: its gradient is a sum of large terms that nearly cancel."""
    learner = tiny.load(encoder(model_type), precision="bf16")
    between: set[torch.dtype] = set()
    products: set[torch.dtype] = set()
    norms: set[torch.dtype] = set()
    for layer in learner._network.layers:
        layer.register_forward_hook(lambda _m, _i, output: between.add(_first(output).dtype))
        for module in layer.modules():
            if isinstance(module, torch.nn.Linear):
                module.register_forward_hook(lambda _m, _i, output: products.add(output.dtype))
            elif isinstance(module, torch.nn.LayerNorm):
                module.register_forward_hook(lambda _m, _i, output: norms.add(output.dtype))
    learner.gradient(tiny.everything(learner), [tiny.batch()], tiny.OBJECTIVE, Key(0))
    assert between == norms == {torch.float32}
    assert products == {torch.bfloat16}
    assert {value.dtype for value in learner.params.values()} == {torch.float32}
    assert learner.predict(tiny.bag()).logits.dtype == "float32"


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_gradients_in_bfloat16_are_near_those_in_float32(encoder: Callable[[str], Path], model_type: str) -> None:
    batch = tiny.batch(12, 9)
    one, other = (tiny.load(encoder(model_type), precision=name) for name in ("bf16", "fp32"))
    narrow, wide = (
        learner.gradient(tiny.everything(learner), [batch], tiny.OBJECTIVE, Key(0), train=False).values
        for learner in (one, other)
    )
    for group in other.groups.names:
        ours, theirs = (torch.cat([g[name].flatten() for name in other.groups.members(group)]) for g in (narrow, wide))
        assert torch.cosine_similarity(ours, theirs, 0) > 0.98, group


def _first(output: object) -> torch.Tensor:
    return output[0] if isinstance(output, tuple) else output  # type: ignore[return-value]


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_padding_beyond_any_window_leaves_finite_logits(encoder: Callable[[str], Path], model_type: str) -> None:
    """Texts of 3 and of 30 tokens in a batch: with a sliding window, padding there sees nothing but padding."""
    exact, quick = (tiny.load(encoder(model_type), precision=name).predict(tiny.bag()) for name in ("fp32", "bf16"))
    torch.testing.assert_close(torch.from_numpy(quick.logits), torch.from_numpy(exact.logits), rtol=0.05, atol=0.1)
