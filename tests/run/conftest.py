"""A task, an encoder and a recipe small enough to be carried out in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from learner import tiny

LANGUAGES = ("el", "en", "sw", "ur")

RECIPE = """
name = "small"
encoder = "{encoder}"
seeds = 2
max_length = 32
precision = "fp32"
keep = "all"
languages = {{ source = ["en"], auxiliary = ["el", "ur"], target = "all" }}

[task]
name = "files"
path = "{data}"
languages = ["el", "en", "sw", "ur"]
id = "id"
parallel = true
files = {{ train = "train-{{language}}.tsv", validation = "dev-{{language}}.tsv", test = "test-{{language}}.tsv" }}

[[phases]]
name = "source"
on = {{ split = "train", languages = "source" }}
method = "finetune"
optimizer = {{ name = "adamw", learning_rate = 5e-3 }}
batch_size = 8
epochs = 4

[[phases]]
name = "meta"
after = "source"
on = {{ split = "validation", languages = ["source", "auxiliary"] }}
method = {{ name = "meta_optimizer", rounds = 2, window = 2, query_examples = 6 }}
optimizer = {{ name = "adamw", learning_rate = 5e-3 }}
batch_size = 8

[[phases]]
name = "adapt"
after = "source"
on = {{ split = "validation", languages = ["source", "auxiliary"] }}
method = "finetune"
rates = {{ from = "meta" }}
optimizer = {{ name = "adamw", learning_rate = 5e-3 }}
batch_size = 8
epochs = 1

[[variants]]
name = "pooled"
skip = ["meta"]
set."phases.adapt.rates" = 1.0

[[variants]]
name = "meta_optimizer"
"""


def write_rows(path: Path, count: int, seed: int) -> None:
    """Rows whose label is the word that fills them, the same in all languages; ids and labels are parallel."""
    generator = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        label = int(np.random.default_rng([7, row]).integers(3))
        words = " ".join(f"w{n}" for n in generator.integers(10, tiny.VOCABULARY, generator.integers(1, 5)))
        rows.append(f"{row}\t{f'w{4 + label} ' * 6}{words}\t{'abc'[label]}")
    path.write_text("\n".join(["id\ttext\tlabel", *rows]) + "\n", encoding="utf-8")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data/`, `encoder/` and `small.toml`."""
    root = tmp_path_factory.mktemp("world")
    (root / "data").mkdir()
    for number, language in enumerate(LANGUAGES):
        for split, count in (("train", 64), ("dev", 24), ("test", 60)):
            write_rows(root / "data" / f"{split}-{language}.tsv", count, seed=100 * number + count)
    tiny.save_encoder(root / "encoder", "bert")
    (root / "small.toml").write_text(RECIPE.format(encoder=root / "encoder", data=root / "data"), encoding="utf-8")
    return root


@pytest.fixture
def recipe(world: Path) -> Callable[..., object]:
    """Load the small recipe with `--set` changes."""
    from isogloss.recipe.load import load_recipe

    return lambda *sets: load_recipe(str(world / "small.toml"), sets=sets)
