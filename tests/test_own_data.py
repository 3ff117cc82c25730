"""docs/own_data.md: the walk from a table to a model, block by block, as it stands there."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from isogloss.recipe.load import load_recipe
from isogloss.store import Store
from page import ROOT, in_python, page, run

OWN_DATA = page("own_data")
PAGE, FILES = OWN_DATA.text, OWN_DATA.files
BASH, PYTHON = OWN_DATA.blocks("bash"), OWN_DATA.blocks("python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the first two blocks were carried out."""
    root = tmp_path_factory.mktemp("own")
    OWN_DATA.save(root)
    for block in BASH[:2]:
        run(block, root)
    return root


def test_page_has_what_the_tests_here_try() -> None:
    assert [name for name, _ in FILES] == ["make.py"]
    assert (len(BASH), len(PYTHON)) == (4, 3)
    assert PAGE.count("```text\n") == 3  # they need a network, or settings that the walk has not
    assert PAGE.count("```") == 2 * (len(BASH) + len(PYTHON) + 3)
    assert "(docs/own_data.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_file_is_as_the_page_says(folder: Path) -> None:
    with (folder / "messages.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["language"] for row in rows) == {"en": 600, "sw": 50, "en+sw": 12, "id": 150, "am": 4}
    labels = Counter(row["topic"] for row in rows if row["topic"])
    assert len(labels) == 12
    assert max(labels.values()) > 10 * min(labels.values())


def test_the_recipe_is_in_the_users_names(folder: Path) -> None:
    recipe = load_recipe(folder / "helpdesk" / "recipe.toml")
    assert recipe.languages.unlabelled == ("id", "am") or recipe.languages.unlabelled == ("am", "id")
    assert [variant.name for variant in recipe.variants] == ["fine_tuned", "pooled", "probe", "tfidf", "majority"]
    for key in re.findall(r"^\| `(\w+) =", PAGE, re.MULTILINE):
        text = (folder / "helpdesk" / "recipe.toml").read_text(encoding="utf-8")
        assert key in ("codes", "group") or re.search(rf"^{key} =", text, re.MULTILINE), key


@pytest.mark.slow
def test_the_rest_of_the_walk(folder: Path) -> None:
    """With one pass over the rows in place of ten."""
    shorter = [block.replace("recipe.toml", "recipe.toml --set phases.train.epochs=1") for block in BASH[2:]]
    table = run(shorter[0], folder)
    for variant in ("fine_tuned", "pooled", "probe", "tfidf", "majority"):
        assert re.search(rf"^ {variant} ", table, re.MULTILINE)
    predicted = run(shorter[1], folder).splitlines()[-1].split("\t")
    assert predicted[0] == "niamshe saa kumi na mbili asubuhi"
    (final, _) = Store(folder / "runs").resolve("helpdesk.final")
    assert final.settings["final"]
    shorter_run = 'run(recipe("helpdesk/recipe.toml", sets=["phases.train.epochs=1"])'
    block = PYTHON[1].replace('run("helpdesk/recipe.toml"', shorter_run)
    shown = in_python(block.replace("import load", "import recipe, load"), folder)
    assert "probe" in shown
    label = in_python(PYTHON[2], folder)
    assert f"'label': '{predicted[1]}'" in label
