"""docs/question_answering.md: its files load, its commands can be given, its tables are what the code does."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from isogloss.data.source import read_rows
from isogloss.data.task import load_task
from isogloss.evaluation.reference import load_reference
from isogloss.kinds.answer_rules import RULES
from isogloss.kinds.base import kind_of
from isogloss.kinds.question_answering import QuestionAnswering
from isogloss.recipe.load import load_recipe, profiles
from isogloss.recipe.resolve import evaluation_task
from isogloss.recipe.source import shipped
from page import ROOT, page, run

QUESTION_ANSWERING = page("question_answering")
PAGE, FILES, TEXT = QUESTION_ANSWERING.text, QUESTION_ANSWERING.files, QUESTION_ANSWERING.commands
TOML, BASH = QUESTION_ANSWERING.blocks("toml"), QUESTION_ANSWERING.blocks("bash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the page says to save."""
    QUESTION_ANSWERING.save(tmp_path)
    return tmp_path


def test_page_has_what_the_tests_here_try() -> None:
    assert [name for name, _ in FILES] == [
        "data/train-en.jsonl",
        "data/test-en.jsonl",
        "data/test-sw.jsonl",
        "reading.toml",
    ]
    assert (len(TOML), len(BASH), len(TEXT)) == (2, 2, 9)
    assert PAGE.count("```") == 2 * (len(FILES) + len(BASH) + 3)


def test_links_lead_somewhere_and_the_readme_leads_here() -> None:
    assert [link for link in re.findall(r"\]\(([^)#:]+)\)", PAGE) if not (ROOT / "docs" / link).exists()] == []
    assert "(docs/question_answering.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_task_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when an answer of the page is not at its place."""
    monkeypatch.chdir(folder)
    recipe = load_recipe("reading.toml")
    for language, split, count in (("en", "train", 2), ("en", "test", 1), ("sw", "test", 1)):
        assert len(read_rows(evaluation_task(recipe), language, split)) == count


def test_settings_are_shown_with_their_defaults() -> None:
    shown = dict(tomllib.loads(TOML[1])["kind"])
    assert kind_of(shown.pop("name"), shown, "page").settings == shown == QuestionAnswering().settings


@pytest.mark.parametrize("line", TEXT)
def test_commands_can_be_given(line: str) -> None:
    program, command, name, *rest = shlex.split(line)
    assert (program, command in ("run", "table", "show")) == ("isogloss", True)
    options = list(zip(rest[::2], rest[1::2], strict=True))
    if command == "show":
        assert (load_task(name).name, options) == (name, [])
        return
    assert name in shipped()
    given = dict(options)
    assert given.get("--profile", "mini") in profiles(name)
    tasks = {value.partition("=")[0] for key, value in options if key == "--data"}
    recipe = load_recipe(name)
    if command == "run":
        on = {phase.on.task for phase in recipe.phases if phase.on.task}
        assert tasks == {recipe.task, *on}
    else:
        assert name in load_reference(given["--compare"], given.get("--metric")).recipes
    assert set(given) <= {"--profile", "--data", "--compare", "--metric"}


def test_the_tables_of_rules_are_what_they_do() -> None:
    rows = re.findall(r"^\| (\S.*?) \| (\w\w) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 5
    for text, language, *said in rows:
        for rule, tokens in zip((RULES[name] for name in ("squad", "mlqa", "generic")), said, strict=True):
            known = rule.languages is None or language in rule.languages
            assert tokens == (" ".join(rule.tokens(text, language)) if known else "–")
    named = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert [name for name, _ in named] == list(RULES)
    assert dict(named)["mlqa"].split() == list(RULES["mlqa"].languages or ())


def test_what_is_said_of_the_data_is_so() -> None:
    mlqa, squad = load_task("mlqa"), load_task("squad")
    parts = {split: rule.part for split, (rule,) in mlqa.files.items()}
    shares = {split: round(100 * (part.end - part.start)) for split, part in parts.items() if part}
    assert shares == {"adapt": 35, "select": 15, "test": 50}
    assert all(part is not None and (part.column, part.of) == ("title", "en") for part in parts.values())
    assert {rule.value for rules in squad.files.values() for rule in rules if rule.column == "in_xquad"} == {"False"}
    assert {rule.pattern for rules in squad.files.values() for rule in rules if not rule.column} == {
        "train-sample.jsonl.gz"
    }
    assert "(35, 15 and 50 % of the articles or so)" in PAGE


@pytest.mark.slow
def test_commands_do_what_they_say(folder: Path) -> None:
    printed = "".join(run(block, folder) for block in BASH)
    assert "reading: generic_f1 in percent" in printed
    header, row = printed[printed.index("question\tcontext\tanswer") :].splitlines()[:2]
    found = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert found["context"][int(found["answer_start"]) : int(found["answer_end"])] == found["answer"] != ""
    (line,) = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["passage"] == "It ends in the sea."
    assert (folder / "model" / "README.md").is_file()
    assert list(csv.DictReader(io.StringIO(run("isogloss table reading --format csv", folder))))
