"""`fetch`: what a recipe takes from the hub is brought by the calls that `run` makes, and is then enough without it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused, write_data
from data.fake_hub import COMMIT, FakeHub, in_place_of_the_hub

SPLITS = 'splits = { train = "train", validation = "validation", test = "test" }'
TASK = f"""
name = "words"
kind = "text_classification"
languages = ["en", "de", "sw"]
texts = ["text"]
label = "label"
labels = ["high", "low"]
hub = {{ path = "owner/words", revision = "{COMMIT}", data_files = "{{language}}/{{split}}-*", {SPLITS} }}
"""
RECIPE = """
name = "far"
task = "words.toml"
encoder = "owner/tiny"
max_length = 16
precision = "fp32"
languages = { source = ["en"], target = ["en", "sw"] }
phases = [{ name = "source", epochs = 1, batch_size = 16 }]
"""


@pytest.fixture
def hub(tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub with an encoder and a data set in three languages, and a recipe that names both."""
    import datasets

    fake = in_place_of_the_hub(monkeypatch, tmp_path / "fake")
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    shutil.copytree(encoder, fake.remote / "owner" / "tiny")
    write_data(tmp_path / "data")
    card = ["---", "configs:"]
    for language in ("en", "de", "sw"):
        files = {"train": "train-{}.csv", "validation": "dev-{}.tsv", "test": "test-{}.jsonl"}
        card += [f"- config_name: {language}", "  data_files:"]
        for split, name in files.items():
            path = str(tmp_path / "data" / name.format(language))
            separator = {"delimiter": "\t"} if path.endswith(".tsv") else {}
            kind = "json" if path.endswith(".jsonl") else "csv"
            rows = datasets.Dataset.from_csv(path, **separator) if kind == "csv" else datasets.Dataset.from_json(path)
            rows.to_parquet(fake.remote / "owner" / "words" / language / f"{split}-0.parquet")
            card += [f"  - split: {split}", f"    path: {language}/{split}-*"]
    (fake.remote / "owner" / "words" / "README.md").write_text("\n".join([*card, "---", ""]))
    (tmp_path / "words.toml").write_text(TASK)
    (tmp_path / "far.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    yield fake
    if not bars:
        datasets.enable_progress_bars()


def test_what_was_fetched_is_all_that_a_run_without_a_network_needs(isogloss: Isogloss, hub: FakeHub) -> None:
    refused(isogloss("run", "far.toml", "--offline", "--no-progress"), "owner/tiny", "isogloss fetch RECIPE")
    said = isogloss("fetch", "far.toml")
    assert said.code == 0, said.err
    encoder, data, last = said.out.splitlines()
    assert re.fullmatch(r"encoder owner/tiny: \d+\.\d MiB brought", encoder)
    assert re.fullmatch(r"data set owner/words: \d+\.\d MiB brought", data)
    assert last == "now, without a network: isogloss run far.toml --offline"
    assert not list(hub.cache.rglob("de/*"))  # no language that the recipe does not read
    asked, hub.here = list(hub.asked), False
    said = isogloss("run", "far.toml", "--offline", "--no-progress")
    assert said.code == 0, said.err
    assert hub.asked == asked


def test_a_second_time_it_says_that_all_was_there(isogloss: Isogloss, hub: FakeHub) -> None:
    assert isogloss("fetch", "far.toml").code == 0
    said = isogloss("fetch", "far.toml", "--set", "seeds=2", "--store", "my runs")
    encoder, data, nothing, last = said.out.splitlines()
    assert encoder.endswith(" MiB was there")
    assert data.endswith(" MiB was there")
    assert nothing == "nothing needed to be brought"
    assert last.endswith("isogloss run far.toml --set seeds=2 --store 'my runs' --offline")


def test_rows_for_the_temperature_are_brought_too(isogloss: Isogloss, hub: FakeHub) -> None:
    """The run reads them after training, when nobody would see that they are not there."""
    assert isogloss("fetch", "far.toml").code == 0
    hub.here = False
    assert isogloss("run", "far.toml", "--offline", "--no-progress").code == 0
    assert "24 validation rows" in isogloss("show", "far/default@0").out  # too few, and not: none could be read


def test_what_cannot_be_had_is_told_in_a_line_each(isogloss: Isogloss, hub: FakeHub) -> None:
    hub.here = False
    refused(isogloss("fetch", "far.toml"), "owner/tiny", "no network")
    hub.here = True
    assert isogloss("fetch", "far.toml").code == 0
    shutil.rmtree(hub.remote / "owner" / "words" / "sw")
    for cache in (hub.cache / "datasets--owner--words", hub.cache.parent / "datasets"):
        shutil.rmtree(cache)
    refused(isogloss("fetch", "far.toml"), "owner/words")


def test_of_folders_and_of_what_comes_along_nothing_is_brought(isogloss: Isogloss, hub: FakeHub, encoder: Path) -> None:
    sets = ("--set", f'encoder="{encoder}"', "--set", 'task="massive"', "--set", 'languages.target=["en", "sw"]')
    said = isogloss("fetch", "far.toml", *sets)
    assert said.code == 0, said.err
    assert f"encoder {encoder}: on this machine, nothing to bring" in said.out
    assert "task massive: on this machine, nothing to bring" in said.out
    assert "nothing needed to be brought" in said.out
    assert hub.asked == []
