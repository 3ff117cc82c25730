"""A recipe for a file of one's own: what a look finds, and that what is written loads and says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from isogloss.errors import Mistakes
from isogloss.recipe.load import load_recipe
from isogloss.recipe.resolve import evaluation_task, targets_of
from isogloss.recipe.starter import Columns, look, starter

MINE = Columns(("text",), "label", "lang", None)


def write(path: Path, rows: list[str], header: str = "text,label,lang", encoding: str = "utf-8") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


def rows(language: str, *counts: int, labels: str = "xyz") -> list[str]:
    return [f"t{n},{label},{language}" for label, count in zip(labels, counts, strict=False) for n in range(count)]


def test_what_is_found_is_what_is_written(tmp_path: Path) -> None:
    every = [*rows("English", 30, 20, 2), *rows("sw", 4, 4), *rows("English+sw", 5), "u,,id", "v,,id"]
    path = write(tmp_path / "mine.csv", every, encoding="utf-8-sig")
    looked = look(path, MINE)
    assert looked.source == "en"
    assert looked.labelled == {"en": 52, "sw": 8, "en+sw": 5}
    assert looked.unlabelled == {"id": 2}
    assert looked.labels == {"x": 39, "y": 24, "z": 2}
    (tmp_path / "new").mkdir()
    recipe_path = tmp_path / "new" / "recipe.toml"
    recipe_path.write_text(starter(looked, tmp_path / "new", "mine"), encoding="utf-8")
    recipe = load_recipe(recipe_path)
    task = evaluation_task(recipe)
    assert task.labels == ("x", "y", "z")
    assert task.codes == {"en": "English", "en+sw": "English+sw"}
    assert set(targets_of(recipe)) == {"en", "sw", "en+sw"}
    assert recipe.languages.unlabelled == ("id",)
    assert recipe.phases[0].class_weights == "balanced"  # 39 to 2
    assert [variant.name for variant in recipe.variants] == ["fine_tuned", "pooled", "probe", "tfidf", "majority"]
    assert recipe.axes["fold"] == (("0",), ("1",), ("2",), ("3",), ("4",))


def test_names_are_taken_as_they_are(tmp_path: Path) -> None:
    """Quotes, a backslash, a line of another script: red where they are pasted into TOML."""
    header = '"the ""text""\\n",нет,wer'
    body = [f'a,"say ""{label}""\\",k{n}' for label in ("ja", "nein") for n in range(10)]
    path = write(tmp_path / "ä b.csv", body, header)
    columns = Columns(('the "text"\\n',), "нет", None, "wer")
    recipe_path = tmp_path / "recipe.toml"
    recipe_path.write_text(starter(look(path, columns, source="de"), tmp_path, "n"), encoding="utf-8")
    task = evaluation_task(load_recipe(recipe_path))
    assert task.labels == ('say "ja"\\', 'say "nein"\\')
    assert task.texts == columns.texts
    assert task.group is not None
    assert task.group.column == "wer"
    assert task.languages == ("de",)
    assert "pooled" not in [variant.name for variant in load_recipe(recipe_path).variants]


@pytest.mark.parametrize(
    ("every", "said"),
    [
        (["t,x,Klingon"], 'mine.csv:2: column "lang": "Klingon" is no language that we know'),
        (["t,x,"], 'column "lang": says no language'),
        ([*rows("en", 9, 9), *rows("eng", 1)], 'calls en both "en" and "eng"'),
        ([*rows("en", 9, 9), "t,,en"], 'mine.csv:20: no label in column "label", where 18 other rows in en have one'),
        (rows("en", 30), 'column "label" has 1 different labels'),
        (rows("en", 4, 4), "8 rows with a label in en"),
        (["t,,en"], 'column "label" has 0 different labels'),
        ([*rows("en", 9, 9), *rows("sw", 2, 1)], '3 rows with a label in "sw", fewer than the 5 folds'),
        ([*rows("en+sw", 9, 9), *rows("sw+en", 1)], 'calls en+sw both "en+sw" and "sw+en"'),
    ],
)
def test_mistakes_name_the_row(tmp_path: Path, every: list[str], said: str) -> None:
    with pytest.raises(Mistakes) as found:
        look(write(tmp_path / "mine.csv", every), MINE)
    assert said in str(found.value)


def test_mistakes_name_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", rows("en", 9, 9))
    with pytest.raises(Mistakes, match="--source en"):
        look(path, Columns(("text",), "label", None, None))
    with pytest.raises(Mistakes, match='"tlh" is no language'):
        look(path, Columns(("text",), "label", None, None), source="tlh")
    with pytest.raises(Mistakes, match='no row in "sw" has a label'):
        look(path, MINE, source="sw")
    assert look(path, Columns(("text",), "label", None, None), source="English").source == "en"
    with pytest.raises(Mistakes, match='column "label" is named twice'):
        look(path, Columns(("label",), "label", "lang", None))
    with pytest.raises(Mistakes, match="3 text columns"):
        look(path, Columns(("a", "b", "c"), "label", "lang", None))
    with pytest.raises(Mistakes, match="braces or a line break"):
        look(path.with_name("{language}.csv"), MINE)
    with pytest.raises(Mistakes, match='no column "body"'):
        look(path, Columns(("body",), "label", "lang", None))
