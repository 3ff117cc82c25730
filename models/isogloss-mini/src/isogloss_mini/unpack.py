"""The packed form of the weights: 4 bits a weight and a scale for every 32 of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

BLOCK = 32
ZERO = 8  # the nibble that stands for the weight 0


def dequantize(nibbles: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the float32 matrix [rows, columns] that a packed one stands for.

    In a block of 32 columns byte j holds column j in its low half and column j + 16 in its high half;
    a weight is (nibble - 8) * scale.

    Args:
        nibbles: uint8 [rows, columns / 2].
        scale: float16 [rows, columns / 32].
    """
    rows, blocks = scale.shape
    halves = nibbles.reshape(rows, blocks, BLOCK // 2)
    weights = np.empty((rows, blocks, BLOCK), np.float32)
    weights[..., : BLOCK // 2] = halves & 15
    weights[..., BLOCK // 2 :] = halves >> 4
    weights -= ZERO
    weights *= scale[..., None].astype(np.float32)
    return weights.reshape(rows, blocks * BLOCK)


def unpacked(packed: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and float32 weights of every tensor of a packed file."""
    for name, tensor in packed.items():
        base, _, part = name.rpartition(".")
        if part == "nibbles":
            continue
        if part == "scale":
            yield base, dequantize(packed[f"{base}.nibbles"], tensor)
        else:
            yield name, tensor.astype(np.float32)


def unpack(source: Path, destination: Path) -> None:
    """Write the packed weights in `source` as an ordinary safetensors file of float32 weights."""
    save_file(dict(unpacked(load_file(source))), destination, metadata={"format": "pt"})
