import gzip

import polars
import pytest

from isogloss.data.table import joined, read_lines, read_table
from isogloss.errors import Mistakes


def _rows(table):
    return [dict(zip(table.columns, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True)]


def test_tsv_is_split_on_tabs_and_nothing_else(write):
    odd = 'he said "so\u2028what\x85and'
    table = read_table(write("a.tsv.gz", f'id\ttext\tlabel\n1\t"NA\tx\n2\tNA\tnull\r\n3\t{odd}\t\n'))
    assert _rows(table) == [
        {"id": "1", "text": '"NA', "label": "x"},
        {"id": "2", "text": "NA", "label": "null"},
        {"id": "3", "text": odd, "label": ""},
    ]
    assert table.place(2).endswith("a.tsv.gz:4")


def test_csv_takes_a_mark_quotes_and_line_breaks_and_still_counts_lines(write):
    table = read_table(write("a.csv", '\ufefftext,label\r\n"one,\r\n""two""",x\r\n\r\nthree,y\r\n'))
    assert _rows(table) == [{"text": 'one,\n"two"', "label": "x"}, {"text": "three", "label": "y"}]
    assert [table.place(row).rpartition(":")[2] for row in range(2)] == ["2", "5"]


def test_a_spreadsheet_may_separate_by_semicolons(write):
    """Where commas are in numbers; a header of one column, or with commas, stays as it is."""
    table = read_table(write("a.csv", '\ufefftext;"label; or so"\n"1,5; 2\n3";x\n'))
    assert _rows(table) == [{"text": "1,5; 2\n3", "label; or so": "x"}]
    assert _rows(read_table(write("b.csv", "text,a;b\nx,y\n"))) == [{"text": "x", "a;b": "y"}]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.xlsx", b"PK", 'save it as "CSV UTF-8" there'),
        ("a.csv", "text;label\n".encode("utf-16"), "UTF-16, not UTF-8"),
        ("a.csv", "text\nä\n".encode("latin-1"), "a.csv:2: not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_no_table_is_ends_in_one_line(write, name, data, said):
    with pytest.raises(Mistakes) as found:
        read_table(write(name, data))
    assert said in str(found.value)


def test_json_lines_and_parquet_give_the_same_rows(write, tmp_path):
    lines = read_table(write("a.jsonl.gz", '{"text": "é\\n", "label": 1}\n\n{"label": 2, "text": "NA"}\n'))
    frame = polars.DataFrame({"text": ["é\n", "NA"], "label": [1, 2]})
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    assert _rows(lines) == _rows(read_table(tmp_path / "a.parquet")) == _rows(read_table(tmp_path / "b.parquet.gz"))
    assert list(lines.places) == [1, 3]


def test_the_hash_is_of_what_is_in_the_file_not_of_its_packing(write):
    text = "text\tlabel\na\tb\n"
    assert read_table(write("a.tsv", text)).sha256 == read_table(write("a.tsv.gz", text)).sha256
    assert read_table(write("b.tsv", text + "c\td\n")).sha256 != read_table(write("a.tsv", text)).sha256


def test_lines_end_at_line_feeds_only(write):
    assert read_lines(write("a.txt", "one\u2028still\n\nthree"))[0] == ["one\u2028still", "", "three"]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.tsv", "", "a.tsv: is empty"),
        ("a.tsv", "text\tlabel\n", "a.tsv: holds no rows"),
        ("a.jsonl", "", "a.jsonl: holds no rows"),
        ("a.tsv", "text\tlabel\na\tb\nc\n", "a.tsv:3: 1 columns where the header has 2"),
        ("a.tsv", "text\ttext\na\tb\n", r"a.tsv:1: columns named twice: \['text'\]"),
        ("a.csv", 'text,label\n"a\nb"x,y\n', "a.csv:2: not CSV"),
        ("a.csv", "text,label\na,b\nc,d,e\n", "a.csv:3: 3 columns where the header has 2"),
        ("a.csv", b"text,label\na,b\n\xff,c\n", "a.csv:3: not UTF-8"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "a.jsonl:2: not JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: not an object"),
        ("a.parquet", "no", "a.parquet: not Parquet"),
        ("a.docx", "no", 'a.docx: no table format ".docx"; known: .tsv, .csv'),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(write, name, data, told):
    with pytest.raises(Mistakes, match=told):
        read_table(write(name, data))


def test_a_missing_file_and_a_broken_gzip(write, tmp_path):
    with pytest.raises(Mistakes, match=r"none\.tsv: no such file"):
        read_table(tmp_path / "none.tsv")
    packed = write("a.tsv.gz", "text\tlabel\n" + "a\tb\n" * 99)
    for broken in (packed.read_bytes()[:-20], b"text\tlabel\n"):
        packed.write_bytes(broken)
        with pytest.raises(Mistakes, match=r"a\.tsv\.gz: cannot be read"):
            read_table(packed)


def test_an_unknown_column_names_the_nearest(write):
    with pytest.raises(Mistakes, match='no column "lable"; did you mean "label"'):
        read_table(write("a.tsv", "text\tlabel\na\tb\n")).column("lable")


def test_joined_tables_keep_the_places_of_their_rows(write):
    first = read_table(write("a.tsv", "text\tlabel\na\tx\nb\ty\n"))
    second = read_table(write("b.jsonl", '\n{"text": "c", "more": 1}\n{"text": "d"}\n'))
    both = joined([first, second])
    assert both.columns == {
        "text": ["a", "b", "c", "d"],
        "label": ["x", "y", None, None],
        "more": [None, None, 1, None],
    }
    assert list(both.positions) == [0, 1, 2, 3]
    kept = both.where([False, True, False, True])
    assert [kept.place(row).rpartition("/")[2] for row in range(2)] == ["a.tsv:3", "b.jsonl:3"]
    assert kept.place_beside(0, 1).endswith("a.tsv:3")
    assert kept.place_beside(1, 1) == "row 3"
    assert joined([first]) is first
