from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from evaluation.make import predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.rebuild import block_text, keep, rebuild

PAGE = """# Results

<!-- table: toy show=scores,mean,languages,sentences -->
typed by hand
<!-- /table -->

Words between.

<!-- table: toy compare=xu2021-table1 source=no -->
<!-- /table -->
"""

DOCS = Path(__file__).parents[2] / "docs"
PUBLISHED = sorted(page for page in DOCS.glob("results*.md") if "<!-- table: " in page.read_text(encoding="utf-8"))
PREDICTED = predictions({"pooled": 0.6, "meta": 0.8, "frozen": 0.7}, seeds=range(5))
OUTCOMES = Outcomes.from_predictions(PREDICTED)


def keep_against(folder: Path, baseline: str, scored: pl.DataFrame, outcomes: Outcomes) -> None:
    keep(folder, "toy", scored, compare(scored, outcomes, baseline=baseline), against=baseline)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    frame = scores(PREDICTED)
    keep(tmp_path, "toy", frame, compare(frame, OUTCOMES), {"encoder": "mini"})
    (tmp_path / "results.md").write_text(PAGE, encoding="utf-8")
    return tmp_path / "results.md"


def test_rebuilding_twice_changes_nothing(page: Path) -> None:
    assert rebuild(page, page.parent)
    once = page.read_text(encoding="utf-8")
    assert not rebuild(page, page.parent)
    assert page.read_text(encoding="utf-8") == once


def test_blocks_are_replaced_and_words_are_kept(page: Path) -> None:
    rebuild(page, page.parent)
    text = page.read_text(encoding="utf-8")
    assert "typed by hand" not in text
    assert text.index("# Results") < text.index("| meta |") < text.index("Words between.")
    first, second = text.split("Words between.")
    assert "by language" in first
    assert "by language in points" not in second
    assert "meta\\_optimizer el+ur (printed)" in second
    assert "encoder: mini here" in second
    assert text.count("<!-- /table -->") == 2


def test_a_number_changed_in_the_frame_changes_the_page(page: Path) -> None:
    """Red when a page is not written from its frames."""
    rebuild(page, page.parent)
    frame = page.parent / "toy.scores.csv"
    frame.write_text(frame.read_text().replace("unseen,accuracy,8", "unseen,accuracy,9", 1))
    assert rebuild(page, page.parent)


def compared(text: str, baseline: str) -> list[str]:
    """Return the variants of a table of differences from a baseline."""
    (table,) = (part for part in text.split("**Difference from ")[1:] if part.startswith(baseline))
    return [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")][1:]


def test_comparisons_with_another_variant_have_a_file_and_an_option_of_their_own(page: Path) -> None:
    """Red when they take the place of those with the first variant."""
    before = (page.parent / "toy.comparisons.csv").read_bytes()
    keep_against(page.parent, "meta", scores(PREDICTED), OUTCOMES)
    assert (page.parent / "toy.comparisons.csv").read_bytes() == before
    assert (page.parent / "toy.against-meta.comparisons.csv").is_file()
    assert compared(block_text("toy show=mean", page.parent), "pooled in") == ["meta", "frozen"]
    other = block_text("toy show=scores,mean,sentences against=meta", page.parent)
    assert compared(other, "meta in") == ["pooled", "frozen"]
    assert "worse than meta by the paired test" in other
    assert "Variants are compared with meta" in other


def test_a_variant_of_several_recipes_is_a_file_in_the_same_folder(page: Path) -> None:
    """Its name holds a slash there."""
    twice = pl.concat([PREDICTED, PREDICTED.with_columns(recipe=pl.lit("other"))])
    scored = pl.concat([scores(PREDICTED), scores(PREDICTED).with_columns(recipe=pl.lit("other"))])
    keep_against(page.parent, "other/meta", scored, Outcomes.from_predictions(twice))
    assert (page.parent / "toy.against-other%2Fmeta.comparisons.csv").is_file()
    assert "toy/pooled" in compared(block_text("toy show=mean against=other/meta", page.parent), "other/meta in")


def test_some_variants_only(page: Path) -> None:
    text = block_text("toy show=scores,mean,sentences only=frozen", page.parent)
    assert compared(text, "pooled in") == ["frozen"]
    assert [word for word in ("\nmeta changes", "\nfrozen changes") if word in text] == ["\nfrozen changes"]
    assert "\n| meta | " in text  # its scores are still there


@pytest.mark.parametrize(
    ("head", "remedy"),
    [
        ("none", "isogloss table none --keep"),
        ("none.chosen", "isogloss table none --choose AXIS --keep"),
        ("toy against=meta", "isogloss table toy --against meta --keep"),
        ("toy against=../toy", "isogloss table toy --against ../toy --keep"),
    ],
)
def test_a_missing_frame_names_the_command_that_keeps_it(page: Path, head: str, remedy: str) -> None:
    with pytest.raises(Mistakes) as caught:
        block_text(head, page.parent)
    (mistake,) = caught.value.mistakes
    assert mistake.what == "no such file"
    assert Path(mistake.where).parent == page.parent
    assert remedy in mistake.remedy


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("none", "no such file"),
        ("toy compere=x", 'did you mean "compare"'),
        ("toy show=score", 'did you mean "scores"'),
        ("toy layout=xu2021-tabel1", 'did you mean "xu2021-table1"'),
        ("toy layout=xu2021-table1 format=pdf", 'no format "pdf" in a page'),
        ("toy only=frozen,mata", 'no row of "mata"; did you mean "meta"'),
    ],
)
def test_a_wrong_block_is_refused(page: Path, head: str, message: str) -> None:
    page.write_text(f"<!-- table: {head} -->\n<!-- /table -->\n")
    with pytest.raises(Mistakes, match=message):
        rebuild(page, page.parent)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda page: page.stem)
def test_the_published_results_are_what_their_frames_say(published: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(published, tmp_path))
    rebuild(copy, DOCS / "results")
    assert copy.read_text(encoding="utf-8") == published.read_text(encoding="utf-8")
