from __future__ import annotations

import csv
import io
import json
import statistics
import subprocess
import sys

import polars as pl
import pytest

from evaluation.make import facts, predictions, scores
from isogloss.errors import Mistakes
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.comparison_table import verdict
from isogloss.evaluation.frame import failed_run, stack
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.render import render
from isogloss.evaluation.table import table, tables
from isogloss.evaluation.tabular import Cell, Column, Group, Table

PREDICTED = predictions({"pooled": 0.6, "meta": 0.8}, seeds=range(5))
OUTCOMES = Outcomes.from_predictions(PREDICTED)


def column(made: Table, name: str) -> list[object]:
    at = [each.name for each in made.columns].index(name)
    return [row[at].value for row in made.rows]


def marks(made: Table, name: str) -> list[tuple[str, ...]]:
    at = [each.name for each in made.columns].index(name)
    return [row[at].marks for row in made.rows]


def test_scores_means_and_spread() -> None:
    frame = scores(PREDICTED)
    (made,) = tables(frame)
    assert [each.name for each in made.columns[:5]] == ["variant", "en", "el", "sw", "th"]
    by_seed = {
        seed: part.filter(pl.col("role") == "unseen")["value"].mean()
        for (seed,), part in frame.filter(pl.col("variant") == "meta").group_by(["seed"])
    }
    assert column(made, "unseen mean")[1] == pytest.approx(statistics.fmean(by_seed.values()))
    assert column(made, "sd")[1] == pytest.approx(statistics.stdev(by_seed.values()))
    assert column(made, "seeds") == [5, 5]
    assert column(made, "examples seen") == [640, 640]


def test_the_source_comes_first_or_not_at_all() -> None:
    turned = predictions({"pooled": 0.6}, languages=["sw", "en", "th", "el"])
    (made,) = tables(scores(turned))
    assert [each.name for each in made.columns if each.many] == ["en", "sw", "th", "el"]
    (made,) = tables(scores(turned), source=False)
    assert [each.name for each in made.columns if each.many] == ["sw", "th", "el"]


def test_seen_languages_and_decided_tests_are_marked() -> None:
    frame = scores(PREDICTED)
    made = tables(frame, compare(frame, OUTCOMES))[0]
    assert marks(made, "el") == [("seen",), ("seen", "better")]
    assert marks(made, "sw")[0] == ()
    assert marks(made, "unseen mean") == [(), ("better",)]
    assert any(line.startswith("† trained on") for line in made.footnotes)


def test_what_is_undecided_says_what_it_could_have_shown() -> None:
    predicted = predictions({"pooled": 0.6, "meta": 0.61})
    frame = scores(predicted)
    compared = compare(frame, Outcomes.from_predictions(predicted))
    first, mean, languages = tables(frame, compared)
    assert not any(mark in ("better", "worse") for row in first.rows for cell in row for mark in cell.marks)
    minimum = compared.filter(pl.col("scope") == "unseen")["minimum"][0]
    assert column(mean, "verdict") == [f"undecided, could have shown ≥ {minimum:.1f}"]
    assert all("undecided" in str(verdict) for verdict in column(languages, "verdict"))
    assert any("conditional on the 3 seeds" in line for line in mean.footnotes)


def test_a_difference_that_cannot_be_is_not_named() -> None:
    row = {"verdict": "undecided", "seeds": 2, "unit": "seed", "p_given_seeds": 0.4, "difference": 1.0}
    assert verdict({**row, "minimum": 471.4}) == "undecided, could have shown nothing"
    assert verdict({**row, "minimum": 99.9}) == "undecided, could have shown ≥ 99.9"


def test_another_metric_than_that_of_the_tests_is_told_apart() -> None:
    """Red when F1 stands beside differences of accuracy, and nothing says so."""
    frame = scores(PREDICTED)
    both = stack([frame, frame.with_columns(metric=pl.lit("macro_f1"))])
    shown, mean, each = tables(both, compare(both, OUTCOMES), metric="macro_f1")
    assert "Tests are of accuracy, and not of macro_f1." in shown.footnotes
    assert mean.title == "Difference from pooled in points of accuracy, mean over unseen targets"
    assert each.title == "Difference from pooled in points of accuracy, by language"
    shown, mean, _ = tables(both, compare(both, OUTCOMES), metric="accuracy")
    assert not any("Tests are of" in line for line in shown.footnotes)
    assert mean.title == "Difference from pooled in points, mean over unseen targets"


def test_where_the_first_variant_failed_the_next_is_the_baseline_and_that_is_said() -> None:
    """Red when nothing is compared, or another baseline is taken without a word."""
    frame = stack([failed_run(facts("zero", 0)), scores(PREDICTED)])
    compared = compare(frame, OUTCOMES)
    assert set(compared["baseline"]) == {"pooled"}
    shown = tables(frame, compared)[0]
    said = "Differences are from pooled in place of zero, the first variant, whose runs all failed."
    assert said in shown.footnotes
    whole = scores(PREDICTED, failed=[("zero", 0)])  # not the first
    assert not any("in place of" in line for line in tables(whole, compare(whole, OUTCOMES))[0].footnotes)


def test_a_failed_run_is_never_dropped() -> None:
    (made,) = tables(scores(PREDICTED, failed=[("meta", 5), ("frozen", 0)]))
    assert column(made, "variant") == ["pooled", "meta", "frozen"]
    assert column(made, "failed") == [0, 1, 1]
    assert column(made, "seeds") == [5, 5, 0]
    assert any("meta, seed 5" in line for line in made.footnotes)
    assert "frozen" in table(scores(PREDICTED, failed=[("frozen", 0)]), OUTCOMES)


def test_rows_with_different_unseen_targets_have_a_mean_in_common() -> None:
    parts = []
    for auxiliary in ("el", "sw"):
        roles = {"en": "source", "el": "unseen", "sw": "unseen", "th": "unseen", auxiliary: "auxiliary"}
        parts.append(scores(predictions({"pooled": 0.6}), roles=roles, **{"axis.auxiliary": auxiliary}))
    frame = stack(parts)
    (made,) = tables(frame)
    assert column(made, "auxiliary") == ["el", "sw"]
    assert column(made, "mean of 1 unseen in all rows") == [pytest.approx(value) for value in column(made, "th")]


def test_the_papers_own_mean_holds_seen_languages_too() -> None:
    languages = ["en", "fr", "es", "de", "ar", "ur", "bg", "sw", "th", "tr", "vi", "zh", "ru", "el", "hi"]
    roles = dict.fromkeys(languages, "unseen") | {"en": "source", "el": "auxiliary"}
    frame = scores(predictions({"pooled": 0.6}, languages=languages, premises=5), roles=roles)
    frame = frame.with_columns(recipe=pl.lit("xu2021-table1"))
    (made,) = tables(frame)
    own = frame.filter(pl.col("language") != "en").group_by("seed").agg(pl.col("value").mean())
    assert column(made, "paper's mean (14)")[0] == pytest.approx(own["value"].mean())
    assert len([each for each in made.columns if each.many]) == 15


def test_printed_numbers_stand_beside_ours_with_the_differences_in_setting() -> None:
    """Red when the seeds are those of the first call, to which later ones have added."""
    frame = scores(predictions({"pooled": 0.6, "meta": 0.8}, seeds=range(4)), **{"axis.auxiliary": "el+ur"})
    settings = {"encoder": "mini", "task": "xnli", "seeds": {"together": 3, "by_phase": {}}}
    (made,) = tables(frame, compare="xu2021-table1", settings=settings)
    names = column(made, "variant")
    at = names.index("meta_optimizer (printed)", names.index("meta_optimizer (printed)") + 3)
    assert column(made, "auxiliary")[at] == "el+ur"
    assert column(made, "sw")[at] == 51.51
    assert column(made, "paper's mean (14)")[at] == 66.61
    assert column(made, "unseen mean")[at] == pytest.approx((51.51 + 49.89) / 2)
    assert marks(made, "el")[at] == ("seen",)
    assert ("oracle",) in marks(made, "variant")
    assert "encoder: mini here, bert-base-multilingual-cased printed" in made.notes
    assert "seeds: 4 here, 5 printed" in made.notes
    assert not any(note.startswith("task") for note in made.notes)


def answered(n: int) -> pl.DataFrame:
    """Scores of two variants in question answering, on as many rows as printed but for Vietnamese."""
    rows = {"ar": 5335, "de": 4517, "vi": n}
    parts = [
        {
            **facts(variant, 0),
            "language": language,
            "role": "unseen",
            "metric": metric,
            "value": value,
            "n": rows[language],
        }
        for variant in ("pooled", "xla_maml")
        for language in rows
        for metric, value in (("mlqa_f1", 40.0), ("mlqa_exact_match", 30.0))
    ]
    return stack([pl.DataFrame(parts)])


def test_the_metric_asked_for_is_the_one_printed_beside() -> None:
    """Red when printed F1 stands beside our exact match."""
    for metric, value in ((None, 62.28), ("mlqa_f1", 62.28), ("mlqa_exact_match", 50.28)):
        (made,) = tables(answered(5495), metric=metric, compare="liu2021-table4-zero-shot")
        assert column(made, "variant")[-1] == "XLA-MAML hi (printed)"
        assert column(made, "vi")[-1] == value
        assert "paper's mean" not in " ".join(each.name for each in made.columns)  # it prints none
    with pytest.raises(Mistakes, match='prints no "accuracy"'):
        tables(scores(PREDICTED), compare="liu2021-table4-zero-shot")


def test_other_test_rows_than_the_papers_are_told_above_the_table() -> None:
    """With and without the recipe's setting: what a split is called says nothing of its rows."""
    told = "rows tested on: vi 255 here; vi 5,495 printed"
    for settings in (None, {"encoder": "mini"}):
        (same,), (other,) = (
            tables(answered(n), compare="liu2021-table4-zero-shot", settings=settings) for n in (5495, 255)
        )
        assert (told in same.notes, told in other.notes) == (False, True)
    assert "a part of the development set, cut by article" in other.notes[0]


def test_unknown_names_are_refused() -> None:
    frame = scores(PREDICTED)
    with pytest.raises(Mistakes, match='did you mean "xu2021-table1"'):
        tables(frame, compare="xu2021-tabel1")
    with pytest.raises(Mistakes, match='no run has the metric "f1"'):
        tables(frame, metric="f1")
    with pytest.raises(Mistakes, match="no run to make a table of"):
        table(frame.clear(), OUTCOMES)
    with pytest.raises(Mistakes, match="no run to make a table of"):
        table(frame.clear())


def test_tests_of_accuracy_do_not_mark_another_metric() -> None:
    frame = scores(PREDICTED)
    both = stack([frame, frame.with_columns(metric=pl.lit("macro_f1"))])
    made = tables(both, compare(frame, OUTCOMES), metric="macro_f1")[0]
    assert not any(mark in ("better", "worse") for row in made.rows for cell in row for mark in cell.marks)


NASTY = Table(
    "50 % of a|b & c",
    (Column("=name"), Column("x_1", "number"), Column("d", "interval")),
    (
        (Cell("=1+1"), Cell(-1.234, ("seen", "better")), Cell((-1.0, 2.0))),
        (Cell("a|b_c\\d <i>\n#"), Cell(None), Cell(None)),
    ),
    ("note with `code`",),
    ("foot & note",),
)


def test_markdown_escapes_what_would_break_a_table() -> None:
    lines = render([NASTY], "md").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert rows[2] == "| =1+1 | −1.23†▲ | \\[−1.00, +2.00\\] |"
    assert rows[3] == r"| a\|b\_c\\d \<i\> # | – | – |"


def test_latex_escapes_specials() -> None:
    text = render([NASTY], "latex")
    assert r"a\textbar{}b\_c\textbackslash{}d \textless{}i\textgreater{} \#" in text
    assert r"\textbf{$-$1.23}\rlap{\textsuperscript{$\dagger$}}" in text
    assert r"{[$-$1.00, +2.00]}" in text
    assert r"foot \& note" in text
    assert text.count(r"\\") == 3
    assert text.startswith(r"% needs \usepackage{booktabs,amssymb}")


GROUPED = Table(
    "t",
    (Column("name"), Column("a", "number", group="near"), Column("b", "number", group="near"), Column("n", "integer")),
    tuple((Cell(name), Cell(1.5, ("better",)), Cell(0.25, ("worse",)), Cell(1200)) for name in ("p", "q", "[r]")),
    groups=(Group("first & only", 1), Group("", 2)),
)


def test_rows_and_columns_in_groups() -> None:
    """Red when a row stands under another heading, or a heading over another column."""
    assert render([GROUPED], "md").splitlines()[2:] == [
        "| name | near: a | near: b | n |",
        "|---|---:|---:|---:|",
        "| p | 1.50▲ | 0.25▼ | 1,200 |",
        "| *first & only* | | | |",
        "| q | 1.50▲ | 0.25▼ | 1,200 |",
        "| \\[r\\] | 1.50▲ | 0.25▼ | 1,200 |",
    ]
    assert list(csv.reader(io.StringIO(render([GROUPED], "csv"))))[:3] == [
        ["group", "name", "near: a", "near: a mark", "near: b", "near: b mark", "n"],
        ["", "p", "1.5", "better", "0.25", "worse", "1200"],
        ["first & only", "q", "1.5", "better", "0.25", "worse", "1200"],
    ]
    tex = render([GROUPED], "latex").splitlines()
    cells = r" & \textbf{1.50} & 0.25\rlap{\textsuperscript{$\scriptscriptstyle\blacktriangledown$}} & 1,200 \\"
    assert tex[tex.index(r"\toprule") + 1 : tex.index(r"\bottomrule")] == [
        r"\multicolumn{1}{c}{} & \multicolumn{2}{c}{near} & \multicolumn{1}{c}{} \\",
        r"\cmidrule(lr){2-3}",
        r"name & a & b & n \\",
        r"\midrule",
        "p" + cells,
        r"\midrule",
        r"\multicolumn{4}{l}{\emph{first \& only}} \\",
        "q" + cells,
        r"\midrule",
        "{[r]}" + cells,
    ]
    (made,) = json.loads(render([GROUPED], "json"))
    assert made["groups"] == [{"heading": "first & only", "first": 1}, {"heading": "", "first": 2}]
    text = render([GROUPED], "text").splitlines()
    assert [line.split()[0] for line in text if line and "──" not in line] == ["t", "name", "p", "first", "q", "[r]"]


def test_a_long_heading_above_numbers_is_stacked() -> None:
    columns = (
        Column("a long heading of text"),
        Column("mean & of 12 unseen", "number"),
        Column("95 % interval", "interval"),
    )
    line = render([Table("t", columns, ())], "latex").splitlines()[6]
    assert line == r"a long heading of text & \shortstack[r]{\strut mean \& of 12 \\ unseen} & 95 \% interval \\"


def test_a_count_among_scores_has_no_decimals() -> None:
    made = Table("t", (Column("a", "number"),), ((Cell(64.0),), (Cell(29340),)))
    assert [line for line in render([made], "md").splitlines() if line[:3] in ("| 6", "| 2")] == [
        "| 64.00 |",
        "| 29,340 |",
    ]


def test_csv_is_read_back_as_numbers_and_never_as_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(render([NASTY], "csv"))))
    assert rows[0] == ["'=name", "x_1", "x_1 mark", "d low", "d high"]
    assert rows[1] == ["'=1+1", "-1.234", "seen better", "-1.0", "2.0"]
    assert rows[2] == ["a|b_c\\d <i>\n#", "", "", "", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_text_that_a_spreadsheet_would_run_is_quoted(start: str) -> None:
    made = Table("t", (Column("a"),), ((Cell(f"{start}cmd"),),))
    assert list(csv.reader(io.StringIO(render([made], "csv"), newline="")))[1] == [
        "'" + start.replace("\r", "\n") + "cmd"
    ]


def test_json_keeps_full_precision() -> None:
    (made,) = json.loads(render([NASTY], "json"))
    assert made["rows"][0]["x_1"] == {"value": -1.234, "marks": ["seen", "better"]}
    assert made["rows"][1]["x_1"] is None
    assert made["rows"][0]["d"] == [-1.0, 2.0]


def test_a_wide_table_is_folded_by_languages_and_loses_nothing() -> None:
    frame = scores(PREDICTED)
    (made,) = tables(frame)
    narrow = render([made], "text", width=50)
    wide = render([made], "text", width=200)
    assert wide.count("continued") == 0
    assert narrow.count("continued") >= 1
    assert "…" not in narrow + wide
    for row in made.rows:
        for cell in row:
            if isinstance(cell.value, float):
                assert f"{cell.value:.2f}" in narrow
    assert max(len(line) for line in narrow.splitlines()) <= 50


def test_nothing_here_imports_torch() -> None:
    modules = "paired, outcomes, comparison, table, describe, rebuild"
    code = f"import sys; from isogloss.evaluation import {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
