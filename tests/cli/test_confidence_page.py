"""docs/confidence.md: its commands and its Python can be given as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cli.conftest import Isogloss
from page import page

PAGE = page("confidence").text
BASH, PYTHON = page("confidence").blocks("bash"), page("confidence").blocks("python")


def given(isogloss: Isogloss, carried: Path, line: str) -> str:
    """Give a command of the page, of the runs at hand; return what it said."""
    words = [word.replace("my-recipe", "tiny") for word in shlex.split(line)]
    assert words[0] == "isogloss"
    said = isogloss(*words[1:], "--store", carried / "store", *(["--offline"] if words[1] != "analyse" else []))
    assert said.code == 0, said.err
    return said.out + said.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with messages, to stand in."""
    (tmp_path / "messages.csv").write_text("text\nw5 w6\nw30 w31\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_page_has_what_the_tests_here_try() -> None:
    assert (len(BASH), len(PYTHON), PAGE.count("```")) == (3, 2, 10)


def test_commands_about_probabilities(isogloss: Isogloss, carried: Path, folder: Path) -> None:
    lines = [line for block in BASH[:2] for line in block.splitlines()]
    said = [given(isogloss, carried, line) for line in lines]
    assert "calibrated: temperature" in said[0]
    assert "have no label: their probability is below 0.7" in said[1]
    assert "calibrated ECE" in said[2]
    assert "0.9 answered" in said[3]
    assert "fewer than 5" in said[4]
    assert (folder / "labelled.tsv").is_file()
    assert (folder / "sure.tsv").is_file()


def test_an_estimate_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PYTHON[0], "confidence.md", "exec"), {})
    found = re.fullmatch(r"(0\.\d\d) ± (0\.0\d) over 6 languages\n", capsys.readouterr().out)
    assert found is not None
    assert float(found[1]) == pytest.approx(0.66, abs=0.05)


@pytest.mark.slow
def test_commands_of_onnx_and_a_reader_without_isogloss(
    isogloss: Isogloss, carried: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [given(isogloss, carried, line) for line in BASH[2].splitlines()]
    assert "within" in said[0]
    assert "float32 and int8" in said[1]
    capsys.readouterr()
    exec(compile(PYTHON[1], "confidence.md", "exec"), {})
    assert re.fullmatch(r"\['(high|low)', '(high|low)'\]\n", capsys.readouterr().out)
