"""Tiny encoders, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from learner import tiny


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a random encoder of a class, without a head."""
    made: dict[str, Path] = {}

    def folder(model_type: str = "bert") -> Path:
        if model_type not in made:
            made[model_type] = tiny.save_encoder(tmp_path_factory.mktemp(model_type), model_type)
        return made[model_type]

    return folder


@pytest.fixture(params=["full", "adapters"])
def movable(request: pytest.FixtureRequest, encoder: Callable[[str], Path]) -> Callable[[str], Path | tiny.Adapted]:
    """Return where a random encoder of a class is loaded from, with all its parameters moving or with adapters."""
    return encoder if request.param == "full" else lambda model_type: tiny.Adapted(encoder(model_type))
