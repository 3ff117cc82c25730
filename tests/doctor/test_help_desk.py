"""One file of a help desk with six faults in it at once, from `new` to `doctor`; and its twin without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doctor import help_desk
from isogloss.cli import main

pytestmark = pytest.mark.slow


Told = dict[str, list[dict[str, Any]]]


def told(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return the findings of `doctor` in the recipe that `new` writes, by check, notes left out."""
    monkeypatch.chdir(folder)
    columns = ["--text", "message", "--label", "topic", "--language", "language"]
    assert main(["new", "desk", "--from", "messages.csv", *columns, "--source", "en"]) == 0
    capsys.readouterr()
    main(["doctor", "desk/recipe.toml", "--offline", "--no-probe", "--format", "json"])
    examinations = json.loads(capsys.readouterr().out)["examinations"]
    said = {one["check"]: [each for each in one["findings"] if each["severity"] != "note"] for one in examinations}
    return {check: findings for check, findings in said.items() if findings}


def test_nothing_is_said_of_a_clean_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    help_desk.write(tmp_path / "messages.csv", help_desk.clean())
    assert told(tmp_path, capsys, monkeypatch) == {}


def test_all_six_faults_are_told_and_nothing_besides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """French intents permuted, two names swapped in Spanish, Swahili rows in English, Turkish rows twice, Finnish
    in a wrong encoding, and Amharic, which the encoder does not cover."""
    rows, wrong = help_desk.with_faults(help_desk.clean())
    assert len(wrong) == 17
    help_desk.write(tmp_path / "messages.csv", rows)
    found = told(tmp_path, capsys, monkeypatch)
    expected = {
        "suspicious labels": r"warning: files fr train: the text of ",
        "exchanged labels": 'warning: files es: the names "news_query" and "play_music" seem exchanged',
        "language": "warning: files en train: 18 of 600 rows are in Swahili, not English",
        "duplicates": "warning: files tr all: 10 of 590 rows repeat another word for word",
        "encoding": "warning: files fi train: 358 of 580 rows are UTF-8 that was read as another encoding",
        "coverage": "error: language am: 50% of the tokens are unknown to mini: a run is refused",
        "intervals": "warning: files am train: a score will be known to ±29 points",  # true of five rows
    }
    assert set(found) == set(expected)
    for check, beginning in expected.items():
        [one] = found[check]
        assert f"{one['severity']}: {one['where']}: {one['what']}".startswith(beginning)
    [labels] = found["suspicious labels"]
    lines = (tmp_path / "messages.csv").read_text(encoding="utf-8").splitlines()
    shown = [lines[int(place.rpartition(":")[2]) - 1] for place in labels["rows"]]
    assert labels["count"] == 10  # of 17, and none of the others
    assert len(shown) == 5
    assert [line for line in shown if line not in {f"{text},{intent},fr" for text, intent in wrong}] == []
