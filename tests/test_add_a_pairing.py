"""The worked pairing of `docs/add_a_pairing.md`: its pairs are what it says, and a recipe carries it out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import check_page, installed, loaded
from isogloss.errors import Mistakes
from isogloss.keys import Key
from page import ROOT, page

PAGE = page("add_a_pairing")
FAMILIES = loaded("families").Families
KEY = Key(seed=1, phase="0.weights")


def pairs(support: str, query: str, *, same: bool = False) -> list[str]:
    law = FAMILIES(FAMILIES.Settings(same=same))
    return [str(pair) for pair in law.cycle(support.split(), query.split(), KEY)]


def test_the_page_shows_the_code_that_is_there() -> None:
    check_page(PAGE, "families")


def test_pairs_are_of_different_families_or_of_one() -> None:
    """German and Hindi are Indo-European, Turkish is Turkic."""
    assert pairs("de hi tr", "de hi tr") == ["de→tr", "hi→tr", "tr→de", "tr→hi"]
    assert pairs("de hi tr", "de hi tr", same=True) == ["de→hi", "hi→de"]


@pytest.mark.parametrize(("same", "said"), [(False, "of different families"), (True, "of one family")])
def test_languages_that_cannot_be_paired_are_refused(same: bool, said: str) -> None:
    with pytest.raises(Mistakes, match=said):
        pairs("de", "tr" if same else "hi", same=same)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return installed("families", tmp_path_factory.mktemp("installed"))


@pytest.mark.slow
def test_it_keeps_what_every_pairing_promises(environment: dict[str, str]) -> None:
    suite = [sys.executable, "-m", "pytest", "tests/methods/test_pairings.py", "-p", "no:cacheprovider"]
    command = [*suite, "-k", "families"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "..." in done.stdout


@pytest.mark.slow
def test_its_commands_do_what_they_say(environment: dict[str, str], tmp_path: Path) -> None:
    smaller = {
        "examples = 2000": "examples = 100",
        "examples = 300": "examples = 40",
        "epochs = 3": "epochs = 1",
        "steps = 40": "steps = 4",
    }
    assert " all-pairs " in PAGE.carry_out(tmp_path, smaller, python=False, **environment)
