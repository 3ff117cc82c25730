"""Tables of targets in two languages: contexts in rows, questions in columns."""

from __future__ import annotations

import csv
import io
import json
import statistics
from pathlib import Path

import polars as pl
import pytest

from evaluation.make import facts, predictions, scores
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.frame import stack
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.rebuild import block_text, keep
from isogloss.evaluation.render import render
from isogloss.evaluation.table import tables
from isogloss.evaluation.tabular import Cell, Table
from isogloss.languages import cell, cells

LANGUAGES = ("en", "de", "zh")


def value(language: str, seed: int = 0) -> float:
    first, second = cell(language)
    return 10.0 * LANGUAGES.index(first) + LANGUAGES.index(second or first) + 40 + seed


def frame(
    languages: tuple[str, ...] = cells(LANGUAGES), variants: tuple[str, ...] = ("zero_shot",), **more: object
) -> pl.DataFrame:
    rows = []
    for variant in variants:
        for seed in range(2):
            for language in languages:
                first, second = cell(language)
                about = {
                    "language": first,
                    "second_language": second,
                    "role": "source" if language == "en" else "unseen",
                }
                score = {"metric": "mlqa_f1", "value": value(language, seed), "n": 9}
                rows.append({**facts(variant, seed, **more), **about, **score})
    return stack([pl.DataFrame(rows, infer_schema_length=None)])


def at(table: Table, name: str, **keys: str) -> Cell:
    """Return the cell of the one row in which columns say `keys`."""
    names = [column.name for column in table.columns]
    (row,) = (row for row in table.rows if all(row[names.index(key)].value == said for key, said in keys.items()))
    return row[names.index(name)]


def test_a_grid_is_a_table_of_contexts_and_questions() -> None:
    """Red when the two languages are taken for one another."""
    first, grid = tables(frame())
    assert [column.name for column in first.columns[:5]] == ["variant", "en", "de", "zh", "unseen mean"]
    assert [column.name for column in grid.columns] == ["variant", "context", *LANGUAGES, "mean"]
    for language in cells(LANGUAGES):
        context, question = cell(language)
        found = at(grid, question or context, context=context)
        assert found.value == value(language) + 0.5
        assert found.marks == (("seen",) if language == "en" else ())
    assert "by language of the context (rows) and of the question (columns)" in grid.title
    assert "stand in the next table" in first.footnotes[-1]


def test_means_of_a_grid_are_over_the_targets_of_the_mean() -> None:
    """Red when the cell that was trained on counts."""
    first, grid = tables(frame())
    unseen = [each for each in cells(LANGUAGES) if each != "en"]
    for context in LANGUAGES:
        own = [value(each) + 0.5 for each in unseen if cell(each)[0] == context]
        assert at(grid, "mean", context=context).value == pytest.approx(statistics.fmean(own))
    for question in LANGUAGES:
        own = [value(each) + 0.5 for each in unseen if (cell(each)[1] or cell(each)[0]) == question]
        assert at(grid, question, context="mean").value == pytest.approx(statistics.fmean(own))
    whole = at(grid, "mean", context="mean").value
    assert whole == pytest.approx(at(first, "unseen mean", variant="zero_shot").value)


def test_what_is_unseen_in_all_rows_holds_cells_too() -> None:
    """Red when only the targets that have a column are counted."""
    seen = pl.when(pl.col("language") == "de").then(pl.lit("auxiliary")).otherwise("role")
    both = stack([frame(), frame(variants=("xla_maml",)).with_columns(seen.alias("role"))])
    first = tables(both)[0]
    own = [value(each) + 0.5 for each in cells(LANGUAGES) if each != "en" and cell(each)[0] != "de"]
    for variant in ("zero_shot", "xla_maml"):
        assert at(first, f"mean of {len(own)} unseen in all rows", variant=variant).value == statistics.fmean(own)


def test_a_few_cells_beside_plain_languages_are_columns() -> None:
    (made,) = tables(frame(("en", "de", "zh", "de/en")))
    assert [column.name for column in made.columns[1:5]] == ["en", "de", "zh", "de/en"]


def test_a_grid_with_holes_has_dashes_and_no_mean_is_made_up() -> None:
    grid = tables(frame(("en/de", "de/en", "zh/en")))[1]
    assert [column.name for column in grid.columns] == ["variant", "context", "en", "de", "mean"]
    assert at(grid, "en", context="en").value is None
    assert at(grid, "mean", context="zh").value == value("zh/en") + 0.5
    some = stack([frame(variants=("whole",)), frame(("en", "de", "de/en"), variants=("part",))])
    grid = tables(some)[1]
    assert at(grid, "zh", variant="part", context="de").value is None
    assert at(grid, "mean", variant="part", context="zh").value is None
    assert at(grid, "mean", variant="whole", context="zh").value is not None


def test_languages_are_apart_in_every_format() -> None:
    parts = stack([frame(variants=("a", "b"), **{"axis.auxiliary": name}) for name in ("hi", "ar")])
    made = tables(parts)
    rows = list(csv.DictReader(io.StringIO(render(made[1:], "csv"))))
    assert {(row["variant"], row["auxiliary"], row["context"]) for row in rows} >= {
        ("b", "ar", "zh"),
        ("a", "hi", "en"),
    }
    assert len(rows) == 4 * 4
    assert {row["de"] for row in rows if row["context"] == "zh"} == {"61.5"}
    plain = json.loads(render(made, "json"))[1]["rows"]
    assert plain[0] | {"en": 0} == plain[0] | {"context": "en", "de": 41.5, "en": 0}
    assert "| a | hi | zh | 60.50 | 61.50 | 62.50 |" in render(made, "md")
    assert "a & hi & zh & 60.50 & 61.50 & 62.50 &" in render(made, "latex")
    for text in (render(made, form) for form in ("text", "md", "latex", "csv")):
        assert "de/zh" not in text


def test_decided_tests_are_marked_in_their_cells() -> None:
    languages = cells(LANGUAGES)
    predicted = predictions({"pooled": 0.5, "meta": 0.9}, languages=languages, seeds=range(5))
    roles = dict.fromkeys(languages, "unseen")
    own = scores(predicted, roles=roles)
    first, grid, mean, by_language = tables(own, compare(own, Outcomes.from_predictions(predicted)))
    assert at(grid, "zh", variant="meta", context="de").marks == ("better",)
    assert at(grid, "zh", variant="pooled", context="de").marks == ()
    assert any(line.startswith("▲ better") for line in grid.footnotes)
    assert at(first, "de", variant="meta").marks == ("better",)
    assert "mean over unseen targets" in mean.title
    assert len(by_language.rows) == len(languages)


def test_a_block_of_a_document_has_the_grid_too(tmp_path: Path) -> None:
    languages = cells(LANGUAGES)
    predicted = predictions({"pooled": 0.5, "meta": 0.9}, languages=languages, seeds=range(2))
    own = scores(predicted, roles=dict.fromkeys(languages, "unseen"))
    keep(tmp_path, "grid", own, compare(own, Outcomes.from_predictions(predicted)))
    text = block_text("grid show=scores", tmp_path)
    assert "| variant | en | de | zh |" in text
    assert "| variant | context | en | de | zh | mean |" in text
    assert "Difference" not in text
