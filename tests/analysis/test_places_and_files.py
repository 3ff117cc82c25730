"""Kilometres, distances out of files, and what encoders had read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isogloss.analysis.distance_file import read_distances
from isogloss.analysis.kilometres import great_circle
from isogloss.analysis.pretraining import Reading, known_encoders, reading
from isogloss.analysis.typology import distances
from isogloss.errors import Mistakes
from isogloss.languages import languages


def test_great_circle_by_the_law_of_cosines() -> None:
    keys = ("en", "sw", "ja", "qu")
    places = {key: np.radians([languages()[key].latitude, languages()[key].longitude]) for key in keys}
    found = great_circle(keys)
    for i, first in enumerate(keys):
        for j, second in enumerate(keys):
            (a, x), (b, y) = places[first], places[second]
            cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(x - y)
            assert found.values[i, j] == pytest.approx(6371.0088 * np.arccos(min(cosine, 1.0)), abs=0.1)
    assert found.settings["unit"] == "km"
    assert found.coverage is None


def write(folder: Path, text: str, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_long_file_in_one_direction_is_symmetric(tmp_path: Path) -> None:
    found = read_distances(write(tmp_path, "language,second_language,value\nen,de,0.5\nen,sw,\n"))
    assert (found.kind, found.languages) == ("mine", ("en", "de", "sw"))
    assert found.values[1, 0] == found.values[0, 1] == 0.5
    assert np.isnan(found.values).sum() == 7
    assert found.without_data == ("sw",)
    assert found.notes == ("each pair is given in one direction: taken to be symmetric",)


def test_a_long_file_in_both_directions_is_kept_as_it_is(tmp_path: Path) -> None:
    text = "language,second_language,value\nen,de,0.5\nde,en,0.25\nde,sw,1\n"
    found = read_distances(write(tmp_path, text))
    assert (found.values[0, 1], found.values[1, 0]) == (0.5, 0.25)
    assert np.isnan(found.values[2, 1])
    assert found.notes[0].startswith("not symmetric: 2 pairs differ by direction (en, de 0.5; de, en 0.25)")


def test_a_square_keeps_its_asymmetry_and_says_so(tmp_path: Path) -> None:
    found = read_distances(write(tmp_path, "x,en,de,sw\nde,1,0,–\nen,0,2,3\nsw,3,NA,0\n"))
    assert found.languages == ("de", "en", "sw")
    assert found.values.tolist() == pytest.approx(np.array([[0, 1, np.nan], [2, 0, 3], [np.nan, 3, 0]]), nan_ok=True)
    assert found.notes == (
        "not symmetric: 1 pairs differ by direction (de, en 1; en, de 2); kept as they are, "
        "the row is the first language",
    )


def test_a_frame_that_was_written_is_read_again(tmp_path: Path) -> None:
    made = distances(("en", "ur", "th"), "inventory")
    path = write(tmp_path, made.frame().write_csv())
    again = read_distances(path)
    assert again.languages == made.languages
    assert np.array_equal(again.values, made.values)
    assert again.notes == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("language,second_language,value\nen,german,1\n", 'mine.csv:2: no language has the key "german"; write "de"'),
        ("language,second_language,value\nen,de,near\n", 'mine.csv:2: "near" is no distance; write a number of 0'),
        ("language,second_language,value\nen,de,-1\n", 'mine.csv:2: "-1" is no distance'),
        ("language,second_language,value\nen,de,inf\n", 'mine.csv:2: "inf" is no distance'),
        ("language,second_language,value\nen,de,1\nen,de,1\n", "mine.csv:3: en, de is there twice, first in"),
        ("x,en,de\nen,0,1\nen,0,1\nde,1,0\n", "mine.csv:3: en, en is there twice, first in"),
        ("x,en,de\nen,0,1\nsw,1,0\n", "mine.csv: neither long nor square: de, sw in rows or in columns only"),
        ("language,second_language,value,kind\nen,de,1,a\nen,de,2,b\n", "mine.csv: holds 2 kinds of distances (a, b)"),
        ("language,second_language,value\n", "mine.csv: holds no rows"),
    ],
)  # fmt: skip
def test_bad_files_end_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(Mistakes) as refused:
        read_distances(write(tmp_path, text))
    lines = [said.removeprefix(f"{tmp_path}/") for said in str(refused.value).splitlines()]
    assert any(said.startswith(line) for said in lines), lines


def test_some_of_the_languages_in_another_order() -> None:
    whole = distances(("en", "ur", "th"), "phonological")
    part = whole.among(("th", "ur"))
    assert part.languages == ("th", "ur")
    assert part.without_data == ("ur",)
    assert part.values[0, 0] == 0
    assert part.coverage is not None
    assert part.coverage[0, 0] == 26
    with pytest.raises(Mistakes, match="no distances of sw; has: en, ur, th"):
        whole.among(("en", "sw"))


@pytest.mark.parametrize(
    ("encoder", "language", "found"),
    [
        ("mini", "sw", Reading("yes")),
        ("mini", "af", Reading("unknown")),
        ("xlm-roberta-base", "sw", Reading("yes", 1.6)),
        ("FacebookAI/xlm-roberta-large@abc", "en", Reading("yes", 300.8)),
        ("xlm-roberta-base", "zh-Hant", Reading("yes", 16.6)),
        ("xlm-roberta-base", "yo", Reading("no")),
        ("bert-base-multilingual-cased", "yo", Reading("yes")),
        ("bert-base-multilingual-cased", "th", Reading("yes")),  # only the cased release has it
        ("bert-base-multilingual-cased", "am", Reading("no")),
        ("somebody/encoder", "en", Reading("unknown")),
    ],
)
def test_what_encoders_had_read(encoder: str, language: str, found: Reading) -> None:
    assert reading(encoder, language) == found


def test_the_table_of_encoders_has_every_language() -> None:
    assert all(isinstance(reading(name, key), Reading) for name in known_encoders() for key in languages())
    counts = {name: sum(reading(name, key).seen == "yes" for key in languages()) for name in known_encoders()}
    assert (counts["bert-base-multilingual-cased"], counts["xlm-roberta-base"], counts["mini"]) == (68, 74, 25)
    with pytest.raises(Mistakes, match='no language has the key "xx"'):
        reading("mini", "xx")
