"""The quickstart, on a recipe that takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.cli import quickstart
from isogloss.cli.estimate import Expected, Speed
from isogloss.recipe.load import load_recipe
from isogloss.report import page


@pytest.fixture
def tiny(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quickstart, "RECIPE", "tiny.toml")
    return project


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what draws figures be not installed: it takes seconds, and has tests of its own."""
    monkeypatch.setattr(page, "find_spec", lambda name: None)


def test_it_estimates_compares_says_what_it_means_and_what_is_next(isogloss: Isogloss, tiny: Path) -> None:
    said = isogloss("quickstart", "--no-progress")
    assert said.code == 0
    assert "8 phases of training, about" in said.err
    for words in (
        "4 runs done",
        "learned by",
        "meta_optimizer",
        "†",
        "isogloss table tiny --store",
        "the page of all of it, for a browser: wrote isogloss-quickstart/report.html",
        "isogloss run my-project/recipe.toml",
    ):
        assert words in said.out
    assert (tiny / "isogloss-quickstart" / "runs").is_dir()
    assert "What came of it" in (tiny / "isogloss-quickstart" / "report.html").read_text(encoding="utf-8")
    again = isogloss("quickstart", "--no-progress")
    assert (again.code, again.err) == (0, "")
    assert "4 found finished" in again.out


def test_where_it_would_take_long_it_is_smaller(
    isogloss: Isogloss, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object, speed: Speed | None = None) -> Expected:
        return Expected(7, 100.0 if speed else 1000.0, Speed(1.0, 1.0))

    monkeypatch.setattr("isogloss.cli.estimate.estimate", slow)
    monkeypatch.setattr(quickstart, "_SMALLER", ("seeds=1",))
    said = isogloss("quickstart", "--no-progress")
    assert said.err.splitlines()[0] == "at full size about 16 min 40 s on this machine; so a smaller size"
    assert "2 runs done" in said.out


def test_the_smaller_size_is_one_that_the_recipe_has() -> None:
    full, smaller = load_recipe(quickstart.RECIPE), load_recipe(quickstart.RECIPE, sets=quickstart._SMALLER)
    assert full.seeds == smaller.seeds
    assert len(full.languages.target) == 22
    assert (full.seeds.together or 0) >= 2
    assert full.model_dump() != smaller.model_dump()


def test_the_commands_that_come_next_work_to_the_letter(isogloss: Isogloss, project: Path) -> None:
    """Somebody follows the last lines, with the names that they use."""
    told = [line.strip() for line in quickstart._NEXT.splitlines()]
    rows = [f"call {number} people,{'ab'[number % 2]},{language}" for number in range(24) for language in ("en", "sw")]
    (project / "messages.csv").write_text("\n".join(["text,label,language", *rows]) + "\n")
    for line in told[-2:]:
        said = isogloss(*line.split()[1:], *(["--offline"] if "run" in line else []))
        assert (said.code, said.err) == (0, "")
    assert "en+sw" in said.out
