"""The worked method of `docs/add_a_method.md`: a package of its own that keeps what every method promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "add_a_method.md"
EXAMPLE = ROOT / "docs" / "examples" / "isogloss-reptile"


def block(language: str, number: int = 0) -> str:
    """Return a code block of the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[number]


def test_the_page_shows_the_code_that_is_there() -> None:
    code = (EXAMPLE / "src/isogloss_reptile/reptile.py").read_text("utf-8")
    shown = "".join(f"        {line}\n" for line in block("python").splitlines())
    assert shown in code
    entry_points = tomllib.loads(block("toml"))["project"]["entry-points"]
    assert tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"] == entry_points


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the example's package is installed beside this one."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, EXAMPLE], check=True)
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.slow
def test_it_keeps_what_every_method_promises(environment: dict[str, str]) -> None:
    suite = [sys.executable, "-m", "pytest", "tests/methods/test_common.py", "-p", "no:cacheprovider", "-k", "reptile"]
    done = subprocess.run(suite, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "." * 10 in done.stdout


@pytest.mark.slow
def test_a_recipe_can_name_it_and_its_mistakes_are_found(environment: dict[str, str], tmp_path: Path) -> None:
    phase = block("toml", 1).replace('after = "source"\n', "")
    head = 'name = "mine"\ntask = "massive"\n[languages]\nauxiliary = ["hi"]\n'
    (tmp_path / "mine.toml").write_text(head + phase, "utf-8")
    (tmp_path / "wrong.toml").write_text(head + phase.replace("inner_steps", "inner_step"), "utf-8")

    def show(recipe: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).with_name("isogloss"), "show", recipe]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "reptile (inner_steps 5)" in show("mine.toml").stdout
    wrong = show("wrong.toml")
    assert wrong.returncode == 2
    assert "inner_steps" in wrong.stderr
