"""A table as HTML: text stays text, numbers are those of the other formats."""

from __future__ import annotations

import re

from isogloss.evaluation.html import html
from isogloss.evaluation.tabular import Cell, Column, Group, Table

COLUMNS = (Column("<i>variant"), Column("n", "integer"), Column("sw", "number"), Column("95 %", "interval"))
ROW = (Cell("<script>alert(1)</script>", ("oracle",)), Cell(1200), Cell(-41.666666, ("seen", "better")), Cell((-1, 2)))
ONE = Table('a & "b"', COLUMNS, (ROW,), notes=("<b>",), footnotes=("x < y",))


def test_everything_is_text() -> None:
    shown = html(ONE, sortable=True)
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    for text in ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;i&gt;variant", "a &amp; &quot;b&quot;", "x &lt; y"):
        assert text in shown


def test_text_in_a_column_of_numbers_is_text_too() -> None:
    assert "&lt;img&gt;" in html(Table("t", (Column("a"), Column("n", "number")), ((Cell("x"), Cell("<img>")),)))


def test_numbers_are_written_as_elsewhere_and_sorted_at_full_precision() -> None:
    shown = html(ONE, sortable=True)
    assert re.findall(r'data-value="([^"]+)">([^<]+)<', shown) == [
        ("1200", "1,200"),
        ("-41.666666", "−41.67"),
        ("0.5", "[−1.00, +2.00]"),
    ]
    assert "<button" not in html(ONE)
    assert "data-value" not in html(ONE)


def test_marks_say_what_they_mean() -> None:
    assert re.findall(r'<abbr class="(\w+)" title="([^"]+)">(.)<', html(ONE)) == [
        ("oracle", "oracle", "‡"),
        ("seen", "trained on", "†"),
        ("better", "better", "▲"),
    ]


def test_a_cell_without_a_value_has_nothing_to_sort_by() -> None:
    shown = html(Table("t", COLUMNS[:2], ((Cell("a"), Cell()),)), sortable=True)
    assert "–" in shown
    assert "data-value" not in shown


def test_text_from_right_to_left_turns_nothing_round() -> None:
    shown = html(Table("t", (Column("label"),), ((Cell("طقس"),), (Cell("天気"),))))
    assert "<bdi>طقس</bdi>" in shown
    assert "<bdi>天気" not in shown


def test_a_text_says_its_language_and_finds_its_direction() -> None:
    columns = (Column("id"), Column("language"), Column("text"))
    shown = html(Table("t", columns, ((Cell("1"), Cell("ur"), Cell("پودے")), (Cell("2"), Cell("de/en"), Cell("ja")))))
    assert re.findall(r'<td[^>]* lang="(\w+)" dir="auto">(.)', shown) == [("ur", "پ"), ("de", "j")]


def test_groups_have_headings_and_are_not_sorted_apart() -> None:
    columns = (Column("a"), Column("n", "number", group="near"))
    rows = tuple((Cell(name), Cell(1.5)) for name in "pqr")
    shown = html(Table("t", columns, rows, groups=(Group("<first>", 1), Group("", 2))), sortable=True)
    assert "near: n" in shown
    assert "data-sortable" not in shown
    bodies = [re.findall(r'<th scope="(\w+)"[^>]*>([^<]*)<', body) for body in shown.split("<tbody>")[1:]]
    assert bodies == [[("row", "p")], [("rowgroup", "&lt;first&gt;"), ("row", "q")], [("row", "r")]]
