"""In which numbers a learner computes. Its masters, gradients and optimizer states are float32 in any case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from isogloss.errors import mistake, nearest

Asked = Literal["auto", "fp32", "bf16", "fp64"]


@dataclass(frozen=True)
class Precision:
    """The number formats of a learner.

    Attributes:
        name: `fp32`, `bf16` or `fp64`.
        layers: the format of the matrix products within the layers: linear maps and attention. All else (embeddings,
            norms, sums with the residual, head) computes in `master`: it costs little, and a backward pass whose
            residual stream is bfloat16 is noise below the middle layers of a fine-tuned encoder (cosine with the
            float32 gradient: 0.4 in the first layer of `mini`, against 0.99).
        master: the format of parameters, hidden states and gradients.
    """

    name: str
    layers: torch.dtype
    master: torch.dtype = torch.float32


FP32 = Precision("fp32", torch.float32)
BF16 = Precision("bf16", torch.bfloat16)
FP64 = Precision("fp64", torch.float64, torch.float64)
_BY_NAME = {precision.name: precision for precision in (FP32, BF16, FP64)}


def resolve(precision: str, device: torch.device) -> Precision:
    """Return the precision that was asked for; `auto` is bf16 where the hardware multiplies it natively,
    else fp32.

    Args:
        precision: `auto`, `fp32`, `bf16`, or `fp64` for checks of exactness.
        device: where the learner will compute.

    Raises:
        Mistakes: there is no such precision.
    """
    if precision == "auto":
        return BF16 if has_bf16(device) else FP32
    if precision not in _BY_NAME:
        known = ("auto", *_BY_NAME)
        raise mistake(f'no precision is called "{precision}"', where="precision", remedy=nearest(precision, known))
    return _BY_NAME[precision]


def has_bf16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 faster than float32.

    CUDA does from capability 8, CPUs with AMX, and those with AVX512-BF16 alone, but for one sort: where AVX512-FP16 is
    there and AMX is not, the processor is one of Intel's that have AMX (Sapphire Rapids or later), on a virtual machine
    that hides it. Its products in bfloat16 take 1.7 times as long as those in float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or torch.cpu._is_amx_tile_supported():
        return device.type == "cpu"
    return torch.cpu._is_avx512_bf16_supported() and not _has_avx512_fp16()


def _has_avx512_fp16() -> bool:
    """Return whether the processor has AVX512-FP16; versions of torch that cannot tell say no."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_fp16", False))
