"""docs/doctor.md: its commands can be given, its checks are those that are made, and its extra brings what it says."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from isogloss.doctor.extras import EXTRA
from isogloss.recipe.load import load_recipe
from page import ROOT, given, page, run

PAGE, TEXT = page("doctor").text, page("doctor").commands
SIB = """
name = "sib"
task = "sib200"
encoder = "mini"
languages = { source = ["en"], target = "all" }
[[phases]]
name = "source"
method = "finetune"
epochs = 5
"""


def test_page_has_what_the_tests_here_try() -> None:
    assert len(TEXT) == 5
    assert PAGE.count("```") == 2


@pytest.mark.parametrize("line", TEXT)
def test_commands_can_be_given(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sib.toml").write_text(SIB, encoding="utf-8")
    command, words = given(line)
    assert command == "doctor"
    if words["recipe"] is None:
        return
    loaded = load_recipe(words["recipe"], profile=words["profile"])
    tasks = {text.partition("=")[0] for text in words["data"] or ()}
    assert tasks <= {loaded.task, *(phase.on.task for phase in loaded.phases)}


def test_its_checks_are_those_that_are_made() -> None:
    """Every name that a check gives itself is in the table, but that of reading the rows."""
    made = set()
    for path in (ROOT / "src/isogloss/doctor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Examination":
                made.add(ast.literal_eval(node.args[0]))
    table = set(re.findall(r"^\| ([a-z ]+) \| [a-zA-Z]", PAGE.split("## What it found")[0], re.MULTILINE)) - {"check"}
    assert made - {"rows", "installation"} == table


def test_the_extra_brings_what_the_page_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"][EXTRA]}
    assert brought == {"py3langid", "ftfy"}
    assert f"isogloss[{EXTRA}]" in PAGE
    assert [name for name in brought if f"`{name}`" not in PAGE] == []


@pytest.mark.slow
def test_commands_that_need_no_files_do_what_they_say(tmp_path: Path) -> None:
    assert "what is here" in run(TEXT[0], tmp_path)
    said = run(f"{TEXT[1]} --no-probe", tmp_path)
    assert said.splitlines()[-1].startswith("all: ")
    assert "a run would be refused" not in said
