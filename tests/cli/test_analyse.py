"""`isogloss analyse distances`, as a shell would call it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused


def asked(*languages: str) -> list[str]:
    return [word for language in languages for word in ("--language", language)]


def test_distances_with_what_they_are_made_from(isogloss: Isogloss) -> None:
    said = isogloss("analyse", "distances", *asked("en", "ur", "th"), "--kind", "phonological")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "phonological"
    assert lines[2].split() == ["en", "0.00", "–", "0.39"]
    assert lines[5].strip().startswith("aggregation union, missing pairwise, metric angular; from urielplus ")
    assert lines[6].strip() == "no phonological data: ur"


def test_settings_are_passed_on_and_said(isogloss: Isogloss) -> None:
    words = ["--aggregation", "average", "--missing", "zero", "--metric", "cosine"]
    said = isogloss("analyse", "distances", *asked("en", "ur"), "--kind", "inventory", *words)
    assert "aggregation average, missing zero, metric cosine" in said.out


def test_every_kind_of_a_task(isogloss: Isogloss) -> None:
    said = isogloss("analyse", "distances", "--task", "xnli", "--from", "uriel-legacy")
    heads = [line for line in said.out.splitlines() if line and not line.startswith(" ")]
    assert heads == ["syntactic", "phonological", "inventory", "genetic", "geographic"]
    assert said.out.count("no genetic data: ar sw zh") == 1
    assert said.out.count("artefacts") == 5


def test_forms(isogloss: Isogloss, tmp_path: Path) -> None:
    words = ["analyse", "distances", *asked("en", "sw"), "--kind", "genetic"]
    said = isogloss(*words, "--format", "csv")
    rows = list(csv.DictReader(said.out.splitlines()))
    assert [(row["language"], row["second_language"]) for row in rows][1] == ("en", "sw")
    assert json.loads(isogloss(*words, "--format", "json").out)[1]["value"] == float(rows[1]["value"])
    path = tmp_path / "mine.csv"
    path.write_text(said.out)
    again = isogloss("analyse", "distances", "--from", path, "--format", "md")
    assert again.out.startswith("| mine | en | sw |\n| --- | --: | --: |\n| en | 0.00 | 1.00 |")
    assert isogloss("analyse", "distances", *asked("et"), "--format", "csv").err.count("no genetic data: et") == 1


def test_pairs_with_too_little_known(isogloss: Isogloss, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,en,de,sw\nen,0,,2\nde,1,0,1000\nsw,2,1000,0\n")
    said = isogloss("analyse", "distances", "--from", path)
    assert "undefined, with too little known for both: en-de" in said.out
    assert said.out.splitlines()[4].split() == ["sw", "2", "1000", "0"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no languages"),
        (["--language", "ara"], 'write "ar" (Arabic, arb)'),
        (["--language", "en", "--task", "xnli"], "both --language and --task"),
        (["--language", "en", "--kind", "genetics"], 'did you mean "genetic"?'),
        (["--language", "en", "--from", "uriel-legcy"], 'did you mean "uriel-legacy"?'),
        (["--language", "en", "--from", "kilometres", "--kind", "genetic"], "kilometres has no kinds"),
        (["--language", "en", "--from", "uriel-legacy", "--metric", "cosine"], "--metric: distances from uriel-legacy"),
        (["--language", "en", "--format", "cvs"], 'did you mean "csv"?'),
    ],
)
def test_mistakes_are_one_line(isogloss: Isogloss, words: list[str], said: str) -> None:
    refused(isogloss("analyse", "distances", *words), said)
