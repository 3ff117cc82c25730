"""`isogloss doctor`: the installation, a recipe's data and cost, in three forms; nothing is left but tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused


def examined(text: str) -> dict[str, dict[str, object]]:
    return {one["check"]: one for one in json.loads(text)["examinations"]}


def findings(text: str, check: str) -> list[dict[str, object]]:
    found = examined(text)[check]["findings"]
    assert isinstance(found, list)
    return found


def test_without_a_recipe_it_tells_what_is_installed(isogloss: Isogloss, tmp_path: Path) -> None:
    import torch

    said = isogloss("doctor", "--store", tmp_path, "--format", "json")
    assert said.code == 0
    (table,) = examined(said.out)["installation"]["tables"]  # type: ignore[misc]
    rows = {row["what"]: row["which"] for row in table["rows"]}
    assert rows["torch"] == torch.__version__
    assert {"python", "transformers", "device", "cores", "bf16", "memory", "disk free"} <= rows.keys()


def test_an_extra_that_is_missing_is_told_with_its_command(
    isogloss: Isogloss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isogloss.doctor import installed

    monkeypatch.setattr(installed, "extras", lambda: {"figures": ("altair",), "hub": ()})
    said = isogloss("doctor", "--store", tmp_path)
    assert said.code == 0
    assert '· extra figures: altair not installed; pip install "isogloss[figures]"' in said.out
    assert "all: 1 note" in said.out


def test_extras_are_those_of_the_package_and_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    from isogloss.doctor import installed

    class Metadata:
        @staticmethod
        def get_all(name: str) -> list[str]:
            return {"Provides-Extra": ["hub", "figures", "dev"]}[name]

    lines = ['numpy>=1; extra == "hub"', 'no-such-package>=2; extra == "figures"', "polars>=1", 'x; extra == "dev"']
    monkeypatch.setattr(installed, "metadata", lambda name: Metadata)
    monkeypatch.setattr(installed, "requires", lambda name: lines)
    assert installed.extras() == {"doctor": (), "figures": ("no-such-package",), "hub": ()}


def test_a_recipe_is_looked_at_and_nothing_of_it_is_trained(isogloss: Isogloss, project: Path) -> None:
    said = isogloss("doctor", "tiny.toml", "--store", "store", "--offline", "--format", "json")
    assert said.code == 0, said
    checks = examined(said.out)
    assert {"rows", "coverage", "labels", "language", "encoding", "duplicates", "intervals", "cost"} <= checks.keys()
    (table,) = checks["cost"]["tables"]  # type: ignore[misc]
    kinds = {(row["what"], row["method"]) for row in table["rows"]}
    assert {("source", "finetune"), ("meta", "meta_optimizer"), ("adapt", "finetune")} <= kinds
    assert [path.name for path in (project / "store").iterdir()] == ["bags"]
    assert isogloss("run", "tiny.toml", "--store", "store", "--offline", "--no-progress").code == 0
    again = isogloss("doctor", "tiny.toml", "--store", "store", "--offline", "--format", "json")
    assert examined(again.out)["cost"]["looked"] == "nothing: every run is finished"


def test_text_and_markdown_say_the_same(isogloss: Isogloss, project: Path) -> None:
    options = ("doctor", "tiny.toml", "--store", "store", "--offline", "--no-probe")
    told = json.loads(isogloss(*options, "--format", "json").out)
    text, markdown = (isogloss(*options, "--format", form).out for form in ("text", "md"))
    every = [finding for one in told["examinations"] for finding in one["findings"]]
    assert every
    for finding in every:
        sentence = f"{finding['where']}: {finding['what']}; {finding['remedy']}"
        assert sentence in text
        assert f"- **{finding['severity']}** {sentence}" in markdown
    assert [f"## {one['check']}" for one in told["examinations"]] == [
        line for line in markdown.splitlines() if line.startswith("## ")
    ]
    assert "cost" not in [one["check"] for one in told["examinations"]]


def test_what_a_run_would_refuse_is_an_error(isogloss: Isogloss, project: Path) -> None:
    """A language that the vocabulary lacks: all checks are made, and the exit code is a run's."""
    lines = ["text\tlabel", *(f"ሰላም ነው {row}\t{'high' if row % 2 else 'low'}" for row in range(24))]
    (project / "data" / "test-sw.jsonl").write_text(
        "\n".join(json.dumps(dict(zip(("text", "label"), line.split("\t"), strict=True))) for line in lines[1:]) + "\n"
    )
    said = isogloss("doctor", "tiny.toml", "--store", "store", "--offline", "--no-probe", "--format", "json")
    assert said.code == 2
    assert json.loads(said.out)["worst"] == "error"
    (found,) = [one for one in findings(said.out, "coverage") if one["severity"] == "error"]
    assert found["where"] == "language sw"
    assert isogloss("run", "tiny.toml", "--store", "store", "--offline", "--no-progress").code == 2
    allowed = isogloss(
        "doctor", "tiny.toml", "--set", "allow_unknown=1.0", "--store", "store", "--offline", "--no-probe"
    )
    assert allowed.code == 0
    assert "! language sw" in allowed.out


def test_rows_that_cannot_be_read_are_errors_and_the_others_are_looked_at(isogloss: Isogloss, project: Path) -> None:
    broken = project / "data" / "train-en.csv"
    broken.write_text(broken.read_text().replace("high", "hihg", 1))
    said = isogloss("doctor", "tiny.toml", "--store", "store", "--offline", "--format", "json")
    assert said.code == 2
    (found,) = findings(said.out, "rows")
    assert "train-en.csv" in str(found["where"])
    assert found["remedy"] == 'did you mean "high"?'
    assert len(examined(said.out)["intervals"]["tables"][0]["rows"]) == 3  # type: ignore[index]
    assert "cost" not in examined(said.out)


def test_mistakes_in_what_is_asked(isogloss: Isogloss, project: Path) -> None:
    refused(isogloss("doctor", "tiny.toml", "--format", "yaml"), "yaml", "--format")
    refused(isogloss("doctor", "tinny"), "tinny")
    refused(isogloss("doctor", "tiny.toml", "--set", "phases.source.epoch=1"), "epoch")
