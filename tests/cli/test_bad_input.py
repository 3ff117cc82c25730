"""Whatever is wrong with what was asked ends in one line and exit code 2, with nothing half-written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused

RUN = ("run", "tiny.toml", "--offline", "--no-progress")


def untouched(project: Path) -> bool:
    """Return whether nothing was trained or scored."""
    return not [*project.glob("runs/phases/*"), *project.glob("runs/runs/*")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("runn",), ["'runn'", "'run'"]),
        (("run", "x.toml", "--profle", "mini"), ["--profle", "--profile"]),
        (("run",), ["RECIPE"]),
        (("table", "tiny", "--format", "xls"), ["xls", "latex"]),
        (("list", "recipe"), ['"recipe"', '"recipes"']),
        (("show", "massiv"), ['"massiv"', '"massive"']),
        (("show", "deu"), ['"deu"', '"de"']),
        (("show", "massive", "--toml"), ["no recipe"]),
        (("table", "tiny"), ["no run is here yet", "isogloss run"]),
        (("run", "none.toml"), ["none.toml"]),
        (("run", "xu2021-tabel1"), ["xu2021-tabel1", "xu2021-table1"]),
        (("run", "massive-quickstart", "--data", "massive"), ["--data", "TASK=FOLDER"]),
        (("run", "massive-quickstart", "--data", "massive=nowhere"), ["nowhere"]),
        (("run", "massive-quickstart", "--profile", "huge"), ["huge"]),
        (("run", "massive-quickstart", "--set", "phases.adopt.epochs=1"), ["phases.adopt"]),
        (("run", "massive-quickstart", "--set", "phases.adapt.epochs=many"), ["many"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_was_asked(
    isogloss: Isogloss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(isogloss(*arguments), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('method = "finetune"', 'metod = "finetune"', ["tiny.toml", "metod", '"method"']),
        ("epochs = 1", 'epochs = "one"', ["tiny.toml", "epochs", "one"]),
        ('after = "source"', 'after = "sauce"', ["tiny.toml", "sauce", '"source"']),
        ('target = ["en", "de", "sw"]', 'target = ["en", "swa"]', ["tiny.toml", "swa", '"sw"']),
        ("max_length = 16", "max_length = 16 =", ["tiny.toml:7", "Expected newline"]),
        ("window = 2", "windows = 2", ["tiny.toml", "windows", '"window"']),
    ],
)
def test_what_a_recipe_says(isogloss: Isogloss, project: Path, old: str, new: str, words: list[str]) -> None:
    text = (project / "tiny.toml").read_text()
    assert old in text
    (project / "tiny.toml").write_text(text.replace(old, new, 1))
    refused(isogloss(*RUN), *words)
    assert not (project / "runs").exists()


def test_all_that_is_wrong_with_a_recipe_at_once_a_line_each(isogloss: Isogloss, project: Path) -> None:
    text = (project / "tiny.toml").read_text()
    text = text.replace("seeds = 2", "seeds = 0").replace('after = "source"', 'after = "sauce"', 1)
    (project / "tiny.toml").write_text(text)
    said = isogloss(*RUN)
    assert said.code == 2
    assert len(said.err.splitlines()) == 2
    assert all("tiny.toml: " in line for line in said.err.splitlines())


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("train-en.csv", None, ["train-en.csv"]),
        ("train-en.csv", "text,label\nw5,low\nw6,\n", ["train-en.csv:3", "label"]),
        ("train-en.csv", "text,label\nw5,low\nw6,hihg\n", ["train-en.csv:3", "hihg", '"high"']),
        ("train-en.csv", "text,label\nw5,low,extra\n", ["train-en.csv:2", "3 columns"]),
        ("train-en.csv", "body,label\nw5,low\n", ["train-en.csv", '"text"']),
        ("train-en.csv", "text,label\n", ["train-en.csv", "no rows"]),
        ("dev-de.tsv", "", ["dev-de.tsv", "empty"]),
        ("test-sw.jsonl", '{"text": "w5", "label": "low"}\n{"text": \n', ["test-sw.jsonl:2", "JSON"]),
    ],
)
def test_what_the_data_holds(
    isogloss: Isogloss, project: Path, file: str, content: str | None, words: list[str]
) -> None:
    if content is None:
        (project / "data" / file).unlink()
    else:
        (project / "data" / file).write_text(content)
    refused(isogloss(*RUN), *words)
    assert untouched(project)


def test_an_encoder_that_hardly_knows_the_language(isogloss: Isogloss, project: Path) -> None:
    (project / "data" / "test-sw.jsonl").write_text('{"text": "habari gani w5", "label": "low"}\n')
    refused(isogloss(*RUN), "sw", "unknown")
    assert untouched(project)


def test_a_checkpoint_with_other_labels(isogloss: Isogloss, project: Path) -> None:
    from learner import tiny

    (project / "trained").mkdir()
    tiny.save_classifier(project / "trained", ("yes", "no"))
    said = isogloss(*RUN, "--set", 'encoder="trained"', "--set", 'variants=["pooled"]', "--set", "seeds=1")
    assert said.code == 2
    assert "yes" in said.err + said.out
    assert "Traceback" not in said.err
    assert not list(project.glob("runs/phases/*/weights.safetensors"))


def test_a_folder_that_is_no_checkpoint(isogloss: Isogloss, project: Path) -> None:
    (project / "nothing").mkdir()
    said = isogloss(*RUN, "--set", 'encoder="./nothing"')
    assert said.code == 2
    assert "config.json" in said.err
    assert all(line.startswith("./nothing: ") for line in said.err.splitlines())  # a line for each file that it lacks
    assert untouched(project)


def test_no_network(isogloss: Isogloss, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(isogloss(*RUN, "--set", 'encoder="nobody/nothing-of-the-kind"'), "nobody/nothing-of-the-kind")
    assert untouched(project)


def test_a_hub_out_of_reach(isogloss: Isogloss, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    said = isogloss("run", "tiny.toml", "--no-progress", "--set", 'encoder="nobody/nothing-of-the-kind"')
    refused(said, "nobody/nothing-of-the-kind", "refused", "check name and network")
    assert untouched(project)


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only")])
def test_a_disk_that_takes_nothing(
    isogloss: Isogloss, project: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    said = isogloss(*RUN, "--set", "seeds=1")
    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err
    assert not [*project.glob("runs/**/done.json"), *project.glob("runs/**/.tmp-*")]


def test_a_store_that_is_a_file(isogloss: Isogloss, project: Path) -> None:
    (project / "runs").touch()
    refused(isogloss(*RUN), "runs", "Not a directory")
