"""Every command block of the README, run as it stands there."""

from __future__ import annotations

import re
import sysconfig
import venv
from pathlib import Path

import pytest

from isogloss.evaluation.rebuild import rebuild
from page import ROOT, Page, run

PAGE = Page(ROOT / "README.md")
README = PAGE.text
BLOCKS = PAGE.blocks("bash")
FILES = PAGE.files
LOOKING = ("isogloss --help", "isogloss list", "isogloss show")


def lines_of(block: str) -> list[str]:
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def looks_only(block: str) -> bool:
    return all(line.startswith(LOOKING) for line in lines_of(block))


def from_clone(block: str) -> bool:
    return block.startswith(("make ", "pip "))


def test_readme_has_what_the_tests_here_run() -> None:
    assert [name for name, _ in FILES] == ["freezing.toml"]
    assert sum(map(looks_only, BLOCKS)) == 1
    assert [block for block in BLOCKS if from_clone(block)] == [
        "make quickstart\n",
        "pip install ./models/isogloss-mini .\n",
    ]
    assert README.count("```") == 2 * (len(BLOCKS) + len(FILES))


def test_table_of_commands_is_that_of_the_program() -> None:
    from typer.main import get_command

    from isogloss.cli import app

    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"`isogloss ([a-z]+)", README)) == commands


def test_table_of_modules_is_that_of_the_package() -> None:
    packages = {path.parent.name for path in (ROOT / "src/isogloss").glob("*/__init__.py")}
    assert packages <= set(re.findall(r"^\| `isogloss\.(\w+)`", README, re.MULTILINE))


def test_its_table_is_that_of_the_frames_that_are_kept(tmp_path: Path) -> None:
    """Red when a number is typed."""
    copy = tmp_path / "README.md"
    copy.write_text(README, encoding="utf-8")
    assert not rebuild(copy, ROOT / "docs" / "results")
    assert "<!-- table: massive-quickstart" in README


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("line", [line for block in filter(looks_only, BLOCKS) for line in lines_of(block)])
def test_commands_that_look(line: str, tmp_path: Path) -> None:
    assert run(line, tmp_path).strip()


@pytest.mark.slow
def test_commands_that_train(tmp_path: Path) -> None:
    PAGE.save(tmp_path)
    trained = "\n".join(run(block, tmp_path) for block in BLOCKS if not (looks_only(block) or from_clone(block)))
    assert "top-half" in trained
    assert all(re.search(rf"\b{language}\b", trained) for language in ("de", "sw", "th"))


@pytest.mark.slow
def test_pip_installs_from_a_clone(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    [packages] = (tmp_path / "venv").glob("lib/*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"))  # what it needs is not fetched again
    [block] = [block for block in BLOCKS if block.startswith("pip ")]
    run(f"PATH={tmp_path}/venv/bin:$PATH\n{block}", ROOT)
    assert {path.name for path in packages.glob("isogloss*")} >= {"isogloss", "isogloss_mini"}
    assert "massive" in run(f"{tmp_path}/venv/bin/isogloss list", tmp_path)


@pytest.mark.slow
def test_make_quickstart() -> None:
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("`make test-slow` runs this, in the environment that make has installed")
    [block] = [block for block in BLOCKS if block.startswith("make ")]
    output = run(block, ROOT)
    assert all(re.search(rf"\b{language}\b", output) for language in ("en", "sw", "ur", "zh"))
