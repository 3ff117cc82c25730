"""Completion, asked for as a shell would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "import sys; from isogloss.cli import main; sys.exit(main())"


def asked(line: str, folder: Path, *, shell: str = "bash") -> subprocess.CompletedProcess[str]:
    """What a shell is told that stands after `line`, whose last word is not finished yet."""
    words = line.split(" ")
    said = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
    }[shell]
    environment = {**os.environ, **said, "_ISOGLOSS_COMPLETE": f"complete_{shell}"}
    command = [sys.executable, "-X", "importtime", "-c", CODE]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def offered(line: str, folder: Path) -> list[str]:
    done = asked(line, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recipe, and a store in which four runs have begun and one cannot be read."""
    for number, (variant, seed) in enumerate([("pooled", 0), ("pooled", 1), ("probe", 0), ("probe", 1)]):
        run = tmp_path / "runs" / "runs" / f"{number:016x}"
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps({"recipe": "mine", "variant": variant, "seed": str(seed)}))
    broken = tmp_path / "runs" / "runs" / ("f" * 16)
    broken.mkdir()
    (broken / "run.json").write_text("{")
    (tmp_path / "xu-mine.toml").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("isogloss qui", ["quickstart"]),
        ("isogloss run xu", ["xu2021-table1", "xu2021-table2", "xu-mine.toml"]),
        ("isogloss doctor more/", ["more/other.toml"]),
        ("isogloss table m", ["mine"]),
        ("isogloss table mine/", ["mine/pooled", "mine/probe"]),
        ("isogloss export mine/pooled@", ["mine/pooled@0", "mine/pooled@1"]),
        ("isogloss cite --store elsewhere m", []),
        ("isogloss show metao", []),
        ("isogloss show meta", ["meta_optimizer"]),
        ("isogloss list la", ["languages"]),
        ("isogloss analyse distances --task xn", ["xnli"]),
        ("isogloss analyse distances --language zh", ["zh", "zh-Hant"]),
        ("isogloss table mine --compare xu", ["xu2021-table1", "xu2021-table2"]),
    ],
)
def test_what_is_offered(line: str, words: list[str], folder: Path) -> None:
    assert offered(line, folder) == words


def test_nothing_heavy_is_imported_and_nothing_is_written(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    for line in ("isogloss run x", "isogloss table m", "isogloss analyse distances --language s"):
        done = asked(line, folder)
        assert done.stdout
        imported = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
        assert "isogloss.cli" in imported
        assert imported & {"torch", "transformers", "datasets", "duckdb", "polars", "rich"} == set(), line
    assert sorted(folder.rglob("*")) == before


def test_zsh_is_told_what_a_language_is_called(folder: Path) -> None:
    assert '"sw":"Swahili"' in asked("isogloss analyse distances --language sw", folder, shell="zsh").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str) -> None:
    environment = {**os.environ, "_ISOGLOSS_COMPLETE": f"source_{shell}"}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"_ISOGLOSS_COMPLETE=complete_{shell}" in done.stdout
