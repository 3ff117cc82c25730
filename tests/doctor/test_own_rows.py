"""One's own rows that nobody has split, some without labels: looked at once, whatever the folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isogloss.doctor.examine import examine_recipe
from isogloss.recipe.load import load_recipe
from isogloss.store import Store
from learner import tiny

RECIPE = """
name = "mine"
encoder = "{encoder}"
max_length = 16
languages = {{ source = ["en"], target = "all", unlabelled = ["am"] }}
axes = {{ fold = [0, 1, 2] }}
variants = [{{ name = "probe", set = {{ simple = "probe" }} }}]
phases = [{{ name = "train", epochs = 1 }}]

[task]
name = "files"
path = "."
languages = ["en", "sw", "en+sw", "am"]
files = {{ all = {{ pattern = "mine.csv", language = "lang" }} }}
split = {{ folds = 3 }}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for language, count in (("en", 300), ("sw", 30), ("en+sw", 9), ("am", 20)):
        low = 0 if language == "am" else 10  # w0 to w3 are no words of the tokenizer
        words = [" ".join(f"w{n}" for n in rng.integers(low, 4 if low == 0 else 40, 4)) for _ in range(count)]
        rows += [
            f"{text} {number},{'' if low == 0 else 'ab'[number % 2]},{language}" for number, text in enumerate(words)
        ]
    rows += [rows[number] for number in range(8)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label,lang", *rows]) + "\n", encoding="utf-8")
    tiny.save_encoder(tmp_path / "encoder", "bert")
    (tmp_path / "mine.toml").write_text(RECIPE.format(encoder=tmp_path / "encoder"), encoding="utf-8")
    return tmp_path


def test_rows_are_looked_at_once_and_repetitions_and_uncovered_languages_told(mine: Path) -> None:
    report = examine_recipe(load_recipe(mine / "mine.toml"), Store(mine / "runs"), offline=True, probe=False)
    checks = {one.check: one for one in report.examinations}
    assert "with 347 rows" in checks["rows"].looked  # 339 and 8 repeated; three folds are the same rows
    [repeated] = checks["duplicates"].findings
    assert (repeated.severity, repeated.count) == ("warning", 8)
    [unread] = [one for one in checks["coverage"].findings if one.where == "language am"]
    assert unread.severity == "warning"  # no run is refused for a language that is not scored
    assert checks["translations across splits"].findings == ()
    [table] = checks["intervals"].tables
    assert {row[0].value: row[2].value for row in table.rows} == {"en": 308, "sw": 30, "en+sw": 9}
    assert report.worst == "warning"
