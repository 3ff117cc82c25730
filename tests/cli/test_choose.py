"""`table --choose`: from the store to a table, its kept frames, and one-line refusals."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cli.conftest import Isogloss, refused
from evaluation.test_choice import KNOWN, scores
from isogloss.evaluation.evidence import Choosing, evidence
from isogloss.evaluation.rebuild import rebuild
from isogloss.store import RunSpec, Store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A run for each candidate and seed, with scores and a few predictions."""
    found = scores()
    for number, ((candidate, seed), own) in enumerate(found.group_by(["axis.auxiliary", "seed"], maintain_order=True)):
        run = Store(tmp_path / "store").run(f"aaaa{number}bbbb")
        settings = {"name": "toy", "variants": [{"name": "maml"}]}
        run.begin(
            RunSpec("toy", "maml", {"auxiliary": [str(candidate)]}, {"meta": int(str(seed))}, str(seed), [], settings)
        )
        predictions = pl.concat(
            pl.DataFrame(
                {"language": language, "id": ["a", "b"], "group": [0, 1], "label": [0, 1], "prediction": [0, 0]}
            )
            for language in KNOWN["el"]
        )
        run.finish(own.drop("run"), predictions, {})
    return tmp_path / "store"


def test_chosen_and_oracle_stand_in_one_table(isogloss: Isogloss, store: Path, tmp_path: Path) -> None:
    said = isogloss("table", "toy", "--store", store, "--choose", "auxiliary", "--oracle", "--keep", tmp_path / "kept")
    assert (said.code, said.err) == (0, "")
    assert "maml (auxiliary chosen): el for hi; hi for sw, th, ur, el." in said.out
    assert "oracle‡" in said.out
    assert "Chosen on each target's own test scores, and so not tested:" in said.out
    page = tmp_path / "page.md"
    page.write_text("<!-- table: toy.chosen show=scores -->\n<!-- /table -->\n", encoding="utf-8")
    assert rebuild(page, tmp_path / "kept")
    assert "maml (auxiliary chosen): el for hi; hi for sw, th, ur, el." in page.read_text(encoding="utf-8")


def test_an_oracle_is_not_tested(store: Path) -> None:
    """It was chosen on the very rows that the test would look at."""
    opened = Store(store)
    scored, outcomes = evidence(opened, opened.runs(), Choosing("auxiliary", "accuracy", oracle=True))
    assert set(scored["axis.auxiliary"]) == {"chosen", "oracle"}
    assert outcomes is not None
    assert {dict(arm.cell)["auxiliary"] for arm in outcomes.by_arm} == {"chosen"}


def test_what_cannot_be_chosen_is_said_in_a_line(isogloss: Isogloss, store: Path) -> None:
    refused(isogloss("table", "toy", "--store", store, "--choose", "auxilary"), "auxilary", '"auxiliary"')
    refused(isogloss("table", "toy", "--store", store, "--oracle"), "nothing is chosen", "--choose auxiliary")
