"""Commands called as a shell would call them, and one small recipe carried out for real."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from isogloss.cli import main

RECIPE = """
name = "tiny"
description = "a random encoder on made-up words"
encoder = "{encoder}"
seeds = 2
keep = "all"
max_length = 16
precision = "fp32"
languages = {{ source = ["en"], auxiliary = ["de"], target = ["en", "de", "sw"] }}

[task]
name = "files"
path = "data"
texts = ["text"]
label = "label"
labels = ["high", "low"]
languages = ["en", "de", "sw"]
files = {{ train = "train-{{language}}.csv", validation = "dev-{{language}}.tsv", test = "test-{{language}}.jsonl" }}

[[phases]]
name = "source"
method = "finetune"
epochs = 1
batch_size = 16

[[phases]]
name = "meta"
after = "source"
on = {{ split = "validation", languages = ["source", "auxiliary"] }}
method = {{ name = "meta_optimizer", rounds = 2, window = 2 }}
batch_size = 8

[[phases]]
name = "adapt"
after = "source"
on = {{ split = "validation", languages = ["source", "auxiliary"] }}
method = "finetune"
rates = {{ from = "meta" }}
epochs = 1
batch_size = 16

[[variants]]
name = "pooled"
skip = ["meta"]
set."phases.adapt.rates" = 1.0

[[variants]]
name = "meta_optimizer"

[[analyses]]
name = "impact"
"""


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Isogloss = Callable[..., Said]


@pytest.fixture
def isogloss(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Isogloss:
    """Return a function that calls a command and says its exit code, stdout and stderr."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # `main` puts its own in place

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return call


def refused(said: Said, *words: str) -> str:
    """Assert that a command was refused in one line with these words, and return the line."""
    assert said.code == 2, said
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "Traceback" not in line
    assert [word for word in words if word not in line] == [], line
    return line


def write_data(folder: Path) -> None:
    """Write labelled rows in three languages: the label says whether the first word has a high number."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for language in ("en", "de", "sw"):
        for split, count in (("train", 32), ("dev", 24), ("test", 30)):
            words = generator.integers(4, 40, (count, 3))
            rows = [(" ".join(f"w{word}" for word in row), "high" if row[0] > 21 else "low") for row in words]
            _write(folder, split, language, rows)


def _write(folder: Path, split: str, language: str, rows: list[tuple[str, str]]) -> None:
    if split == "test":
        lines = [f'{{"text": "{text}", "label": "{label}"}}' for text, label in rows]
        (folder / f"test-{language}.jsonl").write_text("\n".join(lines) + "\n")
        return
    ending, separator = ("csv", ",") if split == "train" else ("tsv", "\t")
    lines = [separator.join(row) for row in [("text", "label"), *rows]]
    (folder / f"{split}-{language}.{ending}").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random encoder."""
    from learner import tiny

    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Iterator[Path]:
    """Return a folder with data, a recipe, and a store in which it has been carried out. Not to be changed."""
    import torch

    folder = tmp_path_factory.mktemp("made")
    write_data(folder / "data")
    (folder / "tiny.toml").write_text(RECIPE.format(encoder=encoder))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    show = warnings.showwarning
    code = main(["run", str(folder / "tiny.toml"), "--store", str(folder / "store"), "--offline", "--no-progress"])
    warnings.showwarning = show
    assert code == 0
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def carried(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Iterator[Path]:
    """A folder with a store in which a recipe with development rows to spare has been carried out."""
    import torch

    from isogloss.recipe.load import load_recipe
    from isogloss.run import run
    from isogloss.store import Store

    folder = tmp_path_factory.mktemp("carried")
    write_data(folder / "data")
    generator = np.random.default_rng(1)
    words = generator.integers(4, 40, (90, 3))
    rows = [f"{' '.join(f'w{word}' for word in row)}\t{'high' if row[0] > 21 else 'low'}" for row in words]
    (folder / "data" / "dev-en.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n")
    text = RECIPE.format(encoder=encoder).replace('path = "data"', f'path = "{folder / "data"}"')
    (folder / "tiny.toml").write_text(text)
    recipe = load_recipe(
        str(folder / "tiny.toml"), sets=("phases.adapt.on.languages=auxiliary", 'variants=["pooled"]', "seeds=2")
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert run(recipe, Store(folder / "store"), offline=True).failed == []
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def project(tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with data and a recipe that may be broken, and stand in it."""
    write_data(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(encoder=encoder))
    monkeypatch.chdir(tmp_path)
    return tmp_path
