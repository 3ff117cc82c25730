"""The commands as functions: what they return is what the commands print."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from isogloss import Mistakes
from isogloss.api import Tables, load, predict, recipe, run, table
from isogloss.evaluation.tabular import Cell, Column, Table

FILE = "text\nw7 w30 w8\nw33 w12\n"


def test_a_run_is_found_again_and_tabled_as_by_the_command(carried: Path, isogloss: Callable) -> None:
    asked = recipe(carried / "tiny.toml")
    first, again = (run(asked, store=carried / "runs", offline=True, progress=False) for _ in range(2))
    assert (again.done, again.found, again.failed) == (0, first.done + first.found, [])
    shown = table("tiny", store=carried / "runs")
    assert shown.to("md") == isogloss("table", "tiny", "--format", "md", "--store", str(carried / "runs")).out
    assert str(shown).startswith("tiny: ")
    assert set(shown.scores["recipe"]) == {"tiny"}


def test_predictions_are_those_of_the_command(carried: Path, isogloss: Callable) -> None:
    (carried / "rows.tsv").write_text(FILE, encoding="utf-8")
    address = "tiny/pooled@0"
    told = isogloss("predict", address, str(carried / "rows.tsv"), "--store", str(carried / "runs"), "--offline")
    rows = list(csv.DictReader(io.StringIO(told.out), delimiter="\t"))
    found = predict(address, ["w7 w30 w8", "w33 w12"], store=carried / "runs", offline=True)
    assert found["predicted_label"].to_list() == [row["predicted_label"] for row in rows]
    assert found["text"].to_list() == [row["text"] for row in rows]
    learner = load(address, store=carried / "runs", offline=True)
    assert learner.labels == ("high", "low")


def test_a_notebook_shows_the_tables_and_not_their_markup() -> None:
    one = Table("a & b", (Column("<i>variant"),), ((Cell("<script>"),),))
    html = Tables(None, (one, one))._repr_html_()  # type: ignore[arg-type]
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == html.count("a &amp; b</p>") == 2


def test_mistakes_are_raised(carried: Path) -> None:
    with pytest.raises(Mistakes, match="row 1 has 2 texts"):
        predict("tiny/pooled@0", ["a", ("b", "c")], store=carried / "runs")
    with pytest.raises(Mistakes, match="no runs of this recipe"):
        table("tinny", store=carried / "runs")
