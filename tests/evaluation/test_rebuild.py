from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.make import predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.rebuild import keep, rebuild

PAGE = """# Results

<!-- table: toy show=scores,mean,languages,sentences -->
typed by hand
<!-- /table -->

Words between.

<!-- table: toy compare=xu2021-table1 source=no -->
<!-- /table -->
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    predicted = predictions({"pooled": 0.6, "meta": 0.8})
    frame = scores(predicted)
    comparisons = compare(frame, Outcomes.from_predictions(predicted))
    keep(tmp_path, "toy", frame, comparisons, {"encoder": "mini"})
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


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("none", "no such file"),
        ("toy compere=x", 'did you mean "compare"'),
        ("toy show=score", 'did you mean "scores"'),
    ],
)
def test_a_wrong_block_is_refused(page: Path, head: str, message: str) -> None:
    page.write_text(f"<!-- table: {head} -->\n<!-- /table -->\n")
    with pytest.raises(Mistakes, match=message):
        rebuild(page, page.parent)


def test_the_published_results_are_what_their_frames_say(tmp_path: Path) -> None:
    docs = Path(__file__).parents[2] / "docs"
    copy = tmp_path / "results.md"
    copy.write_text((docs / "results.md").read_text(encoding="utf-8"), encoding="utf-8")
    rebuild(copy, docs / "results")
    assert copy.read_text(encoding="utf-8") == (docs / "results.md").read_text(encoding="utf-8")
