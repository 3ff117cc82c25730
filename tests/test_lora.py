"""docs/lora.md: its recipe loads and runs, its tables are what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from safetensors.torch import load_file

from isogloss.learner.adapters import Adapters
from isogloss.learner.groups import ANATOMIES
from isogloss.recipe.load import load_recipe
from isogloss.recipe.plan import make_plan
from isogloss.run.resources import Resources
from isogloss.store import Store
from page import page, run

LORA = page("lora")
PAGE, FILES, BASH = LORA.text, LORA.files, LORA.blocks("bash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    LORA.save(tmp_path)
    return tmp_path


def test_page_has_what_the_tests_here_try() -> None:
    assert [name for name, _ in FILES] == ["lora.toml"]
    assert PAGE.count("```") == 2 * (len(FILES) + len(BASH)) == 4


def test_its_variants_are_what_it_says_of_them(folder: Path) -> None:
    recipe = load_recipe(folder / "lora.toml")
    plan = make_plan(recipe, Resources(recipe, folder / "bags", {}, offline=True))
    adapters = {cell.variant: [plan.phases[key].adapters for key in cell.phases] for cell in plan.cells}
    given = Adapters(rank=8, alpha=16)
    assert adapters == {"full": [None, None], "lora": [None, given], "lora_everywhere": [given, given]}
    full, lora, everywhere = (cell.phases for cell in plan.cells)
    assert full[0] == lora[0] != everywhere[0]


def test_settings_are_shown_with_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \| [^|]+ \|$", PAGE.partition("|---|")[2], re.MULTILINE))
    assert list(rows) == list(Adapters.model_fields)
    defaults = Adapters()
    assert {name: float(value) for name, value in rows.items() if name != "modules"} == {
        "rank": defaults.rank,
        "alpha": defaults.alpha,
        "dropout": defaults.dropout,
    }


def test_the_table_of_modules_is_that_of_the_library() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| ((?:`\w+` ?)+)[^|`]*\|$", PAGE, re.MULTILINE)
    shown = {name: tuple(re.findall(r"`(\w+)`", modules)) for name, modules in rows}
    assert shown == {name: parts.queries_and_values for name, parts in ANATOMIES.items()}


@pytest.mark.slow
def test_commands_do_what_they_say(folder: Path) -> None:
    printed = "".join(run(block, folder) for block in BASH)
    assert re.search(r"^ lora_everywhere ", printed, re.MULTILINE)
    assert "merged into the weights" in (folder / "model" / "README.md").read_text(encoding="utf-8")
    store = Store(folder / "runs")
    sizes = {}
    for variant in ("full", "lora"):
        (info,) = store.resolve(f"lora-massive/{variant}")
        kept = load_file(store.phase(info.phases[-1]).weights)
        sizes[variant] = sum(value.nbytes for value in kept.values()) / 1e6
    assert {name: round(size, 0 if size > 10 else 1) for name, size in sizes.items()} == {"full": 86, "lora": 1.3}
