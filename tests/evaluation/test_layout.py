from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from evaluation.make import predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.frame import stack
from isogloss.evaluation.latex import latex
from isogloss.evaluation.layout.lines import line_of
from isogloss.evaluation.layout.read import LayoutFile, read_layout, shipped_layouts
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.rebuild import again, block_text
from isogloss.evaluation.render import render
from isogloss.evaluation.table import table, tables
from isogloss.evaluation.tabular import Cell, Table

RESULTS = Path(__file__).parents[2] / "docs" / "results"
RIGHT = {"pooled": 0.6, "near": 0.61, "meta": 0.8, "more": 0.82, "source_only": 0.45}
PREDICTED = predictions(RIGHT, seeds=range(5), premises=30)
SCORES = scores(PREDICTED)
COMPARED = compare(SCORES, Outcomes.from_predictions(PREDICTED))

Read = Callable[[str], LayoutFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str) -> LayoutFile:
        (tmp_path / "layout.toml").write_text(text, encoding="utf-8")
        return read_layout(str(tmp_path / "layout.toml"))

    return read


def refusals(asked: Callable[[], object]) -> list[str]:
    """What is refused, without the folder of the file."""
    with pytest.raises(Mistakes) as caught:
        asked()
    return [re.sub(r"^\S*/", "", str(mistake)) for mistake in caught.value.mistakes]


def shown(layout: LayoutFile) -> Table:
    return tables(SCORES, COMPARED, layout=layout)[0]


def first(made: Table) -> list[object]:
    return [row[0].value for row in made.rows]


def names(made: Table) -> list[str]:
    return [column.name for column in made.columns]


def cells(made: Table) -> dict[tuple[object, object], Cell]:
    return {
        (row[0].value, column.name): cell
        for row in made.rows
        for column, cell in zip(made.columns[1:], row[1:], strict=True)
    }


LAID_OUT = """
languages = ["th", "sw"]
columns = ["seeds", "mean"]
digits = 1
show = ["scores", "mean"]
names.variants = { pooled = "Pooled", meta = "Meta (ours)" }
names.languages = { sw = "Swahili" }
names.columns = { mean = "avg", variant = "method" }
groups = [{ heading = "Clever", rows = ["more", "meta"] }, { heading = "Simple", rows = ["pooled"] }]
left_out = { rows = ["near"], languages = ["en"] }
"""


def test_order_names_and_groups(read: Read) -> None:
    """Red when a column keeps the numbers of the one that stood in its place."""
    made = shown(read(LAID_OUT))
    assert names(made) == ["method", "th", "Swahili", "el", "seeds", "avg"]
    assert first(made) == ["more", "Meta (ours)", "Pooled", "source_only"]  # what no group names comes last
    assert [(group.heading, group.first) for group in made.groups] == [("Clever", 0), ("Simple", 2), ("", 3)]
    plain, laid = cells(tables(SCORES, COMPARED)[0]), cells(made)
    for variant, name in (("more", "more"), ("meta", "Meta (ours)"), ("pooled", "Pooled")):
        assert laid[name, "th"] == plain[variant, "th"]
        assert laid[name, "Swahili"] == plain[variant, "sw"]
        assert laid[name, "avg"] == plain[variant, "unseen mean"]
    assert {column.digits for column in made.columns if column.kind == "number"} == {1}


def test_what_is_left_out_is_named_and_what_is_counted_is_said(read: Read) -> None:
    """Red when an arm, a language or the number of seeds is gone without a word."""
    below = shown(read(LAID_OUT)).footnotes
    assert "Left out of this table: near; en." in below
    assert "Left out of this table: near." in shown(read('left_out.rows = ["near"]')).footnotes
    assert "Examples seen: 640." in below
    assert not any("sd: its spread" in line for line in below)
    assert any("worse than Pooled by the paired test" in line for line in below)
    assert "Seeds: 5." in shown(read('columns = ["mean", "sd"]')).footnotes
    everything = shown(read(""))
    assert cells(everything) == cells(tables(SCORES, COMPARED)[0])
    assert everything.footnotes == tables(SCORES, COMPARED)[0].footnotes


def test_columns_that_are_left_out_are_named(read: Read) -> None:
    """Red when a mean, an interval or a verdict is gone without a word."""
    scored, mean, each = tables(SCORES, COMPARED, layout=read('columns = []\ndifferences = ["difference"]'))
    assert names(mean) == ["variant", "difference"]
    assert "Not shown: unseen mean." in scored.footnotes
    assert "Not shown: targets; 95 % interval; p; equal within; verdict." in mean.footnotes
    assert "Not shown: 95 % interval; p (Holm); verdict." in each.footnotes
    kept = tables(SCORES, COMPARED, layout=read('columns = ["mean"]'))
    assert not any(line.startswith("Not shown") for made in kept for line in made.footnotes)


def test_an_axis_that_is_left_out_is_named_unless_groups_tell_it(read: Read) -> None:
    one = with_axis().filter(pl.col("axis.auxiliary") == "el")
    assert "Not shown: auxiliary." in tables(one, layout=read('columns = ["mean"]'))[0].footnotes
    assert "Not shown: auxiliary." in tables(with_axis(), layout=read(CELLS))[0].footnotes  # one has no heading
    headed = read(CELLS.replace('where.auxiliary = "sw"', 'heading = "Swahili"\nwhere.auxiliary = "sw"'))
    assert not any(line.startswith("Not shown") for line in tables(with_axis(), layout=headed)[0].footnotes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('names.columns.difference = "p"', '"p" is the name of another column'),
        ('columns = ["sd"]\nnames.columns.sd = "mean"', '"mean" is the name of another column'),
        ('left_out.languages = ["sw"]\nnames.languages.th = "sw"', '"sw" is the name of another language'),
        ('left_out.rows = ["meta"]\nnames.variants.pooled = "meta"', '"meta" is the name of another row'),
        ('names.columns = { difference = "x", p = "x" }', 'two rows or columns would be called "x"'),
        ("show = []", "at least 1 item"),
        (
            'transpose = true\ncolumns = ["seeds"]\nleft_out.languages = ["en", "el", "sw", "th"]',
            "no column of scores is left to turn",
        ),
    ],
)
def test_what_would_hide_or_show_nothing_is_refused(read: Read, text: str, said: str) -> None:
    """Red when one column bears another's name, or a table is empty or ends in a traceback."""
    (refused,) = refusals(lambda: shown(read(text)))
    assert said in refused
    assert "layout.toml" in refused


def test_what_is_left_out_is_named_once_where_scores_are_not_shown(read: Read) -> None:
    made = tables(SCORES, COMPARED, layout=read(LAID_OUT.replace('"scores", "mean"', '"mean", "languages"')))
    assert ["Left out of this table: near; en." in each.footnotes for each in made] == [True, False]


def test_differences_follow(read: Read) -> None:
    scored, mean = tables(SCORES, COMPARED, layout=read(LAID_OUT))
    assert first(mean) == ["more", "Meta (ours)", "source_only"]
    assert mean.title.startswith("Difference from Pooled in points")
    assert [group.heading for group in mean.groups] == ["Clever", ""]
    layout = read(LAID_OUT.replace('"mean"]\nnames', '"languages"]\nnames') + 'differences = ["p", "difference"]')
    _, by_language = tables(SCORES, COMPARED, layout=layout)
    assert names(by_language) == ["method", "language", "p (Holm)", "difference"]
    assert [row[1].value for row in by_language.rows] == ["th", "Swahili", "el"] * 3
    assert scored.groups[0] == by_language.groups[0]._replace(first=0)


def test_turned_it_keeps_every_number_and_every_mark(read: Read) -> None:
    plain = shown(read(""))
    made = shown(read("transpose = true"))
    assert names(made) == ["language", *RIGHT]
    assert first(made) == [name for name in names(plain) if name != "variant"]
    assert {(row, column): cell for (column, row), cell in cells(plain).items()} == cells(made)
    assert [group.first for group in made.groups] == [0, 4]
    assert "| examples seen | 640 |" in render([made], "md")
    assert any("trained on in that column" in line for line in made.footnotes)
    grouped = shown(read(LAID_OUT + "transpose = true"))
    assert [column.group for column in grouped.columns] == ["", "Clever", "Clever", "Simple", ""]
    assert grouped.columns[1].digits == 1


def in_bold(text: str) -> set[tuple[str, str]]:
    """Variant and language of the bold cells of a LaTeX table."""
    body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    heads = text.partition("\\toprule\n")[2].splitlines()[0].removesuffix(r" \\").split(" & ")
    rows = [line.removesuffix(r" \\").split(" & ") for line in body.splitlines() if " & " in line]
    return {
        (row[0].replace(r"\_", "_"), head)
        for row in rows
        for head, cell in zip(heads, row, strict=True)
        if r"\textbf" in cell
    }


def test_bold_is_what_the_corrected_test_shows_to_be_better(read: Read) -> None:
    """Red when the greatest number of a column is bold, which no test has compared with the second."""
    text = latex([shown(read(""))])
    better = COMPARED.filter(pl.col("p_adjusted") < 0.05, pl.col("difference") > 0)
    expected = {
        (variant, language if scope == "language" else "unseen mean")
        for variant, scope, language in better.select("variant", "scope", "language").iter_rows()
    }
    assert in_bold(text) == expected
    assert {variant for variant, _ in expected} == {"meta", "more"}  # of which one only is the greatest
    assert r"\noindent \textbf{Bold}: better" in text
    worse = COMPARED.filter(verdict="worse").height
    assert text.partition(r"\bottomrule")[0].count(r"\blacktriangledown") == worse > 0
    alike = predictions({"pooled": 0.6, "near": 0.61}, premises=20)
    undecided = scores(alike)
    assert not in_bold(table(undecided, Outcomes.from_predictions(alike), format="latex", layout=read("")))


def with_axis() -> pl.DataFrame:
    parts = []
    for auxiliary in ("el", "sw"):
        roles = {"en": "source", "el": "unseen", "sw": "unseen", "th": "unseen", auxiliary: "auxiliary"}
        predicted = predictions({"pooled": 0.6, "meta": 0.8}, premises=10)
        parts.append(scores(predicted, roles=roles, **{"axis.auxiliary": auxiliary}))
    return stack(parts)


CELLS = """
columns = ["mean"]
names.values = { el = "Greek" }
[[groups]]
heading = "Greek"
where = { auxiliary = "el" }
rows = ["meta", "pooled", { name = "Elsewhere", source = "Doe 2020, table 3", values = { th = 51.25 } }]
[[groups]]
where.auxiliary = "sw"
rows = ["pooled", "meta"]
"""


def test_rows_of_a_cell_and_rows_given_in_the_file(read: Read) -> None:
    (made,) = tables(with_axis(), layout=read(CELLS))
    assert names(made) == ["variant", "en", "el", "sw", "th", "unseen mean"]
    assert first(made) == ["meta", "pooled", "Elsewhere", "pooled", "meta"]
    assert [row[4].value for row in made.rows][2] == 51.25
    assert made.rows[2][1:4] == (Cell(None),) * 3
    assert "Elsewhere: Doe 2020, table 3." in made.footnotes
    plain = {(row[0].value, row[1].value): row[2:6] for row in tables(with_axis())[0].rows}
    assert [row[1:5] for row in made.rows if row[0].value != "Elsewhere"] == [
        plain[arm] for arm in (("meta", "el"), ("pooled", "el"), ("pooled", "sw"), ("meta", "sw"))
    ]
    (turned,) = tables(with_axis(), layout=read('transpose = true\nnames.values = { el = "Greek" }'))
    assert names(turned) == ["language", "pooled (Greek)", "meta (Greek)", "pooled (sw)", "meta (sw)"]


def test_rows_that_could_not_be_told_apart_are_refused(read: Read) -> None:
    (refused,) = refusals(lambda: tables(with_axis(), layout=read('columns = ["mean"]')))
    assert 'two rows or columns would be called ": pooled"' in refused
    (refused,) = refusals(lambda: shown(read('names.languages = { sw = "X", th = "X" }')))
    assert 'would be called "X"' in refused


def test_printed_rows_stand_where_the_layout_puts_them(read: Read) -> None:
    layout = read("""
compare = "xu2021-table1"
names.variants = { "wu2019-freeze-best (printed)" = "Wu & Dredze" }
groups = [{ rows = ["wu2019-freeze-best (printed)", "meta"] }]
""")
    made = shown(layout)
    assert first(made)[:3] == ["Wu & Dredze", "meta", "pooled"]
    assert cells(made)["Wu & Dredze", "sw"].value == 49.4
    assert "Printed numbers, not measured here: Wu & Dredze." in made.footnotes
    assert made.notes[0].startswith("Printed: Xu, Haider, Krone & Mansour 2021")


BAD = """
digts = 2
languages = [
  "th",
  "ws",
]
show = ["scores", "men"]

[[groups]]
rows = ["pooled"]

[[groups]]
heading = 3
rows = [7, { name = "a", sorce = "b", values = { th = 1 } }]
[latex]
size = "tiny"
"""


def test_every_mistake_of_a_file_is_told_at_once_with_its_line(read: Read) -> None:
    assert refusals(lambda: read(BAD)) == [
        'layout.toml:2: unknown key "digts"; did you mean "digits"?',
        "layout.toml:7: 'men' is no choice here; did you mean \"mean\"?",
        "layout.toml:13: 3 will not do; it should be a text in quotes",
        'layout.toml:14: 7 is no row; write its name, or { name = "…", source = "…", values = { … } }',
        'layout.toml:14: "source" is missing; add source = …',
        'layout.toml:14: unknown key "sorce"; did you mean "source"?',
        "layout.toml:16: 'tiny' is no choice here; known: footnotesize, scriptsize, small",
    ]
    assert refusals(lambda: read("a = [")) == [
        "layout.toml:1: Invalid value; see https://toml.io; texts stand in quotes, lists in [ ], truth values are true "
        "and false"
    ]
    (refused,) = refusals(lambda: read_layout("xu2021-tabel1"))
    assert refused.startswith('--layout: no layout is called "xu2021-tabel1"; did you mean "xu2021-table1"?')
    assert 'did you mean "xu2021-table1"' in refusals(lambda: read('\ncompare = "xu2021-tabel1"'))[0]


UNKNOWN = """
languages = [
  "th",
  "swa",
]
columns = ["mean", "seads"]
left_out.rows = ["neer"]

[names.variants]
pooled = "Pooled"
poold = "Pooled"

[[groups]]
rows = ["pooled"]

[[groups]]
where.auxiliary = "el"
rows = [
  "pooled",
  "mata",
  { name = "a", source = "b", values = { xx = 1 } },
]
"""


def test_every_name_that_is_not_there_is_told_at_once_with_its_line(read: Read) -> None:
    layout = read(UNKNOWN)
    assert refusals(lambda: shown(layout)) == [
        'layout.toml:4: no language is called "swa"; did you mean "sw"?',
        'layout.toml:6: no column is called "seads"; did you mean "seeds"?',
        'layout.toml:7: no row is called "neer"; did you mean "near"?',
        'layout.toml:11: no row is called "poold"; did you mean "pooled"?',
        'layout.toml:17: no axis is called "auxiliary"; leave `where` out: there are no axes',
        'layout.toml:19: "pooled" is in two groups; leave one out',
        'layout.toml:20: no row is called "mata"; did you mean "meta"?',
        'layout.toml:21: no column is called "xx"; known: '
        "common mean, draws, el, en, examples seen, failed, mean, paper's mean, sd, sd of draws, seeds, sw, th",
    ]


def test_a_variant_of_the_recipe_without_a_run_is_no_mistake(read: Read) -> None:
    layout = read('groups = [{ rows = ["meta", "later"] }]\nnames.variants.later = "Later"')
    assert ['no row is called "later"' in refused for refused in refusals(lambda: shown(layout))] == [True, True]
    settings = {"variants": [{"name": name} for name in (*RIGHT, "later")]}
    made = tables(SCORES, COMPARED, layout=layout, settings=settings)[0]
    assert "No run of Later." in made.footnotes
    assert "Later" not in first(made)


def test_a_test_with_one_seed_says_so_where_no_differences_are_shown(read: Read) -> None:
    predicted = predictions(RIGHT, seeds=[0], premises=30)
    frame = scores(predicted)
    compared = compare(frame, Outcomes.from_predictions(predicted))
    said = "With 1 seed, interval and p-value are conditional on it: another seed could differ."
    alone, with_means = (
        tables(frame, compared, layout=read(f"show = {show}"))[0] for show in ('["scores"]', '["scores", "mean"]')
    )
    assert (said in alone.footnotes, said in with_means.footnotes) == (True, False)


def test_names_are_escaped_in_every_format(read: Read) -> None:
    layout = read("""
show = ["scores"]
names.variants = { meta = '=A|B_c & 50 % <i> \\x{}' }
groups = [{ heading = '*all* & <b>', rows = ["meta"] }]
""")
    text = table(SCORES, Outcomes.from_predictions(PREDICTED), format="md", layout=layout)
    assert r"| =A\|B\_c & 50 % \<i\> \\x{} |" in text
    assert r"| *\*all\* & \<b\>* |" in text
    text = table(SCORES, Outcomes.from_predictions(PREDICTED), format="latex", layout=layout)
    assert r"=A\textbar{}B\_c \& 50 \% \textless{}i\textgreater{} \textbackslash{}x\{\} &" in text
    assert r"\emph{{*all* \& \textless{}b\textgreater{}}}" in text
    rows = list(csv.reader(io.StringIO(table(SCORES, format="csv", layout=layout))))
    assert rows[1][:2] == ["*all* & <b>", r"'=A|B_c & 50 % <i> \x{}"]


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (("a",), 1),
        (("list", "two"), 4),
        (("list", "three"), 2),  # that of the list, where it is not to be told
        (("t", "u", "k"), 8),
        (("groups", 1, "rows"), 13),
        (("groups", 1, "heading"), 12),
        (("groups", 0, "dotted key"), 10),
    ],
)
def test_lines(steps: tuple[str | int, ...], line: int) -> None:
    text = """a = 1 # "two"
list = [
  "one",
  "two",
]
[t]
x = "k"
u.k = 2
[[groups]]
"dotted key" = 1
rows = []
[[groups]]
rows = ["heading in a text"]
"""
    assert line_of(text, steps) == line


@pytest.mark.parametrize("name", ["xu2021-table1", "liu2021-table3-zero-shot"])
def test_shipped_layouts_fit_the_kept_results(name: str) -> None:
    layout = read_layout(name)
    assert name in shipped_layouts()
    rows = list(csv.reader(io.StringIO(again(RESULTS, name, layout, "csv"))))
    at = rows[0].index("avg")
    heads = [head for head in rows[0][2:at] if not head.endswith("mark")]
    assert heads == [*layout.layout.languages, "unseen"]
    assert len([row for row in rows if row[:1] == [rows[1][0]]]) > 2
    text = again(RESULTS, name, layout, "latex")
    assert r"\usepackage{booktabs,amssymb,graphicx}" in text.splitlines()[0]
    assert block_text(f"{name} layout={name}", RESULTS) == again(RESULTS, name, layout, "md")
    assert block_text(f"{name} layout={name} format=latex", RESULTS) == f"```latex\n{text}```\n"


def test_the_papers_order_of_languages() -> None:
    order = "fr es de ar ur bg sw th tr vi zh ru el hi"
    assert read_layout("xu2021-table1").layout.languages == tuple(order.split())
