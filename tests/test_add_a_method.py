"""The worked method of `docs/add_a_method.md`: a package of its own that keeps what every method promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import check_page, installed
from page import ROOT, page

PAGE = page("add_a_method")


def test_the_page_shows_the_code_that_is_there() -> None:
    check_page(PAGE, "reptile")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the example's package is installed beside this one."""
    return {**os.environ, **installed("reptile", tmp_path_factory.mktemp("installed"))}


@pytest.mark.slow
def test_it_keeps_what_every_method_promises(environment: dict[str, str]) -> None:
    suite = [sys.executable, "-m", "pytest", "tests/methods/test_common.py", "-p", "no:cacheprovider", "-k", "reptile"]
    done = subprocess.run(suite, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "." * 10 in done.stdout


@pytest.mark.slow
def test_a_recipe_can_name_it_and_its_mistakes_are_found(environment: dict[str, str], tmp_path: Path) -> None:
    phase = PAGE.blocks("toml")[1].replace('after = "source"\n', "")
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
