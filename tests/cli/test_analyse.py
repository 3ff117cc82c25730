"""`isogloss analyse`, as a shell would call it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused


def asked(*languages: str) -> list[str]:
    return [word for language in languages for word in ("--language", language)]


def test_distances_with_what_they_are_made_from(isogloss: Isogloss) -> None:
    said = isogloss("analyse", "distances", *asked("en", "ur", "th"), "--kind", "phonological")
    assert said.code == 0
    title, header, _, *rows, source, lacking = filter(None, said.out.splitlines())
    assert title == "phonological"
    assert header.split() == ["language", "en", "ur", "th"]
    assert rows[0].split() == ["en", "0.00", "–", "0.39"]
    assert source.startswith("aggregation union, missing pairwise, metric angular; from urielplus ")
    assert lacking == "no phonological data: ur"


def test_settings_are_passed_on_and_said(isogloss: Isogloss) -> None:
    words = ["--aggregation", "average", "--missing", "zero", "--metric", "cosine"]
    said = isogloss("analyse", "distances", *asked("en", "ur"), "--kind", "inventory", *words)
    assert "aggregation average, missing zero, metric cosine" in said.out


def test_every_kind_of_a_task(isogloss: Isogloss) -> None:
    said = isogloss("analyse", "distances", "--task", "xnli", "--from", "uriel-legacy")
    kinds = ["syntactic", "phonological", "inventory", "genetic", "geographic"]
    assert [line for line in said.out.splitlines() if line in kinds] == kinds
    assert said.out.count("no genetic data: ar sw zh") == 1
    assert said.out.count("artefacts") == 5


def test_forms(isogloss: Isogloss, tmp_path: Path) -> None:
    words = ["analyse", "distances", *asked("en", "sw"), "--kind", "genetic"]
    said = isogloss(*words, "--format", "csv")
    rows = list(csv.DictReader(said.out.splitlines()))
    assert [(row["language"], row["second_language"]) for row in rows][1] == ("en", "sw")
    assert json.loads(isogloss(*words, "--format", "json").out)[1]["value"] == float(rows[1]["value"])
    path = tmp_path / "my_own.csv"
    path.write_text(said.out)
    again = isogloss("analyse", "distances", "--from", path, "--format", "md")
    assert again.out.startswith("**my\\_own**\n\n| language | en | sw |\n|---|---:|---:|\n| en | 0.00 | 1.00 |")
    again = isogloss("analyse", "distances", "--from", path, "--format", "latex")
    assert "\nlanguage & en & sw \\\\\n\\midrule\nen & 0.00 & 1.00 \\\\\n" in again.out
    assert r"my\_own.csv" in again.out.splitlines()[-2]
    assert isogloss("analyse", "distances", *asked("et"), "--format", "csv").err.count("no genetic data: et") == 1


def test_a_wide_matrix_is_folded(isogloss: Isogloss, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when the terminal's width is not asked for, or languages are no columns to fold by."""
    monkeypatch.setenv("COLUMNS", "60")
    said = isogloss("analyse", "distances", "--task", "xnli", "--from", "kilometres")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines.count("kilometres (continued)") >= 1
    columns = [word for line in lines if line.startswith(" language") for word in line.split()[1:]]
    assert columns == [line.split()[0] for line in lines if line.startswith(" ")][2:17]
    assert [line for line in lines if line.startswith("metric")] == lines[-1:]


def test_pairs_with_too_little_known(isogloss: Isogloss, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,en,de,sw\nen,0,,2\nde,1,0,1000\nsw,2,1000,0\n")
    said = isogloss("analyse", "distances", "--from", path)
    assert "undefined, with too little known for both: en-de" in said.out
    assert re.search(r"^ sw +2 +1000 +0$", said.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no languages"),
        (["--language", "ara"], 'write "ar" (Arabic, arb)'),
        (["--language", "en", "--task", "xnli"], "both --language and --task"),
        (["--language", "en", "--kind", "genetics"], 'did you mean "genetic"?'),
        (["--language", "en", "--from", "uriel-legcy"], 'did you mean "uriel-legacy"?'),
        (["--language", "en", "--from", "kilometres", "--kind", "genetic"], "kilometres has no kinds"),
        (["--language", "en", "--from", "uriel-legacy", "--metric", "cosine"], "metric: distances from uriel-legacy"),
        (["--language", "en", "--format", "cvs"], 'did you mean "csv"?'),
    ],
)
def test_mistakes_are_one_line(isogloss: Isogloss, words: list[str], said: str) -> None:
    refused(isogloss("analyse", "distances", *words), said)


def test_impact_by_language_and_layer(isogloss: Isogloss, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")  # so that no title is broken
    said = isogloss("analyse", "impact", "tiny", "--store", made / "store")
    assert said.code == 0
    lines = [line for line in said.out.splitlines() if line]
    titles = [
        f"tiny/{variant}: impact of adapt against encoder by layer (first token; 2 seeds)"
        for variant in ("pooled", "meta_optimizer")
    ]
    assert [line for line in lines if line.startswith("tiny")] == titles
    header, _, *rows = (line.split() for line in lines[1 : lines.index(titles[1])])
    assert header == ["language", "1", "2", "3"]
    assert [row[0] for row in rows] == ["de", "en", "sw"]
    data = isogloss("analyse", "impact", "tiny/pooled", "--store", made / "store", "--format", "csv").out
    found = [row for row in csv.DictReader(data.splitlines()) if (row["language"], row["layer"]) == ("en", "3")]
    assert sorted(row["seed"] for row in found) == ["0", "1"]
    assert rows[1][3] == f"{sum(float(row['impact']) for row in found) / 2:.3f}"
    as_markdown = isogloss("analyse", "impact", "tiny/pooled", "--store", made / "store", "--format", "md").out
    assert "| language | 1 | 2 | 3 |\n|---|---:|---:|---:|\n| de | " in as_markdown
    as_latex = isogloss("analyse", "impact", "tiny/pooled", "--store", made / "store", "--format", "latex").out
    assert f"\nen & {' & '.join(rows[1][1:])} \\\\\n" in as_latex


def test_runs_without_an_impact(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "store", tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "analyses")
    refused(
        isogloss("analyse", "impact", "tiny", "--store", tmp_path / "store"),
        "no run of these has an impact",
        "[[analyses]]",
    )
    refused(isogloss("analyse", "impact", "tyni", "--store", made / "store"), "tiny")
    refused(isogloss("analyse", "impact", "tiny", "--store", made / "store", "--format", "cvs"), "csv")
