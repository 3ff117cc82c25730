"""The page: what it says is what the store holds, and all of it is text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from isogloss.cli import main
from isogloss.evaluation.tabular import Table
from isogloss.report.judged import judged
from isogloss.report.material import Material
from isogloss.report.page import page
from isogloss.report.provenance import provenance
from isogloss.report.words import lead, sentences
from isogloss.report.write import page_html
from report.conftest import Make, again
from report.make import NAME

TITLES = ("Hardest", "Who is right", "Where a variant")
EVIL = '<script>alert("x")</script>'


class Read(HTMLParser):
    """The page as a browser sees it: tags, titles of tables, and their cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.within = tag

    def handle_endtag(self, tag: str) -> None:
        self.within = "" if tag == self.within else self.within

    def handle_data(self, data: str) -> None:
        if self.within:
            self.tables[-1][-1][-1] += data


def test_sections_stand_in_order(material: Make, no_figures: None) -> None:
    made = page(material())
    assert [section.title for section in made.sections] == [
        "What came of it",
        "By language",
        "Hard examples",
        "What was run",
    ]
    assert made.title == NAME
    html = page_html(made)
    assert re.findall(r"<h2>(.*?)</h2>", html) == [
        "What came of it",
        "By language",
        "Figures",
        "Hard examples",
        "What was run",
    ]
    assert "pip install 'isogloss[report]'" in html.replace("&#39;", "'")
    assert re.findall(r'href="#(\S+)"', html) == re.findall(r'<section id="(\S+)"', html)


def test_numbers_are_those_of_the_table(material: Make, no_figures: None, capsys: pytest.CaptureFixture[str]) -> None:
    made = material(variants={"pooled": 0.5, "meta": 0.7, "other": 0.4})
    assert main(["table", NAME, "--format", "json", "--store", str(made.store.root)]) == 0
    scores, means, each = json.loads(capsys.readouterr().out)
    shown = Read(page_html(page(made))).tables
    by_language = next(table for table in shown if table[0][:2] == ["language", "name"])
    for row in scores["rows"]:
        for language, *cells in by_language[1:]:
            expected = row[language]
            value = expected["value"] if isinstance(expected, dict) else expected
            mark = "†" if "seen" in (expected["marks"] if isinstance(expected, dict) else []) else ""
            cell = cells[1 + ["pooled", "meta", "other"].index(row["variant"])]
            assert cell.rstrip("▲▼") == f"{value:.2f}{mark}", language
    for told_table, mean in ((means, True), (each, False)):
        heads = [column["name"] for column in told_table["columns"]]
        (table,) = [table for table in shown if table[0] == heads]
        assert len(table) - 1 == len(told_table["rows"]) == (2 if mean else 8)
        for row, cells in zip(told_table["rows"], table[1:], strict=True):
            assert cells[heads.index("difference")] == f"{row['difference']:+.2f}".replace("-", "−")
            assert cells[heads.index("verdict")] == row["verdict"]
            low, high = row["95 % interval"]
            assert cells[heads.index("95 % interval")] == f"[{low:+.2f}, {high:+.2f}]".replace("-", "−")


def hostile(material: Make) -> str:
    """Return a page of runs in which every text that somebody may choose is a script."""
    made = material(
        variants={EVIL + "a": 0.5, EVIL + "b": 0.6},
        labels=(EVIL + "yes", EVIL + "no"),
        languages=("en", "el", "sw", EVIL),
        ids=EVIL + "{}",
        failed=[(EVIL + "b", 1)],
    )
    for path in made.store.root.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        evil = json.dumps(EVIL)[1:-1]
        text = text.replace("the loss is not finite", f"{evil}error").replace('"made up"', f'"{evil}about"')
        text = text.replace('"encoder": "mini"', f'"encoder": "{evil}encoder"').replace("a way called", evil)
        text = text.replace('"task": "made-up"', f'"task": "{evil}task"').replace('"adapt"', f'"{evil}phase"')
        path.write_text(text, encoding="utf-8")
    for path in made.store.root.rglob("scores.parquet"):
        pl.read_parquet(path).with_columns(recipe=pl.lit(EVIL)).write_parquet(path)
    for path in made.store.root.rglob("run.json"):
        known = json.loads(path.read_text(encoding="utf-8"))
        about = {"recipe": EVIL, "provenance": {"versions": {EVIL: EVIL}, "device": EVIL}}
        path.write_text(json.dumps(known | about), encoding="utf-8")
    return page_html(page(again(made)))


def test_every_text_is_text(material: Make, no_figures: None) -> None:
    html = hostile(material)
    read = Read(html)
    assert read.tags.count("script") == 1  # ours
    cells = {cell for table in read.tables for row in table for cell in row}
    for text in (EVIL, EVIL + "yes", EVIL + "b", f"{EVIL}phase", f"{EVIL} {EVIL}b"):
        assert text in cells, text
    assert any(cell.startswith(EVIL) and cell[len(EVIL) :].isdigit() for cell in cells)  # an id
    escaped = "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;"
    for where in ("<h1>{}</h1>", "<title>{}</title>", '<p class="about">{}about</p>', "<dd>{}encoder</dd>", "{}error"):
        assert where.format(escaped) in html, where


def test_the_policy_names_the_scripts_and_forbids_the_rest(material: Make, no_figures: None) -> None:
    html = page_html(page(material()))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe-eval" not in policy
    assert not re.search(r"script-src[^;]*unsafe", policy)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", html)


def test_of_one_variant_nothing_is_compared(material: Make, no_figures: None) -> None:
    html = page_html(page(material(variants={"alone": 0.5})))
    assert "One variant alone was run" in html
    assert "Difference from" not in html


@pytest.mark.parametrize(
    ("asked", "against", "said"),
    [
        ({"failed": [("b", 0), ("b", 1)]}, None, 'Every run of "b" failed: there is nothing that "a" could be'),
        ({"failed": [("a", 0), ("a", 1)]}, "a", 'No run of "a" has finished'),
        ({"failed": [("a", 0), ("b", 1)]}, None, 'No variant shares a run with "a"'),
        ({"variants": {"a": 0.5}}, None, "One variant alone was run"),
        ({"variants": {"a": 0.3, "b": 0.9}, "languages": ("en", "sw"), "examples": 300}, None, '"b" is the one to use'),
        ({"variants": {"a": 0.3, "b": 0.9}, "languages": ("en",)}, None, "No target language beside the source"),
    ],
)
def test_why_nothing_was_compared_is_told(
    material: Make, asked: dict[str, Any], against: str | None, said: str
) -> None:
    """Red when one case is told as another: one variant alone, say, where the other failed."""
    made = material(**{"variants": {"a": 0.5, "b": 0.6}, **asked})
    (told,) = lead(replace(made, against=against))
    assert told.startswith(said)


def test_a_failed_variant_keeps_its_place_and_another_is_the_baseline(material: Make, no_figures: None) -> None:
    """Red when the order of runs that failed, and so the baseline, depends on how frames were put together."""
    variants = {"a": 0.7, "b": 0.5, "c": 0.55}
    made = material(variants=variants, failed=[("a", 0), ("a", 1)])
    assert made.scores["variant"].unique(maintain_order=True).to_list() == ["a", "b", "c"]
    assert '"b" is the baseline in place of "a", which has no finished run.' in sentences(made)
    assert "Differences are from b in place of a" in page_html(page(made))


def test_with_folds_a_failed_one_does_not_make_its_variant_the_baseline(material: Make) -> None:
    """Red when failed folds are put first: the second variant would be the baseline."""
    made = material(axes={"fold": [["0"], ["1"]]}, failed=[("meta_optimizer", 1)])
    for run in made.done:
        path = made.store.run(run.key).path / "predictions.parquet"
        pl.read_parquet(path).with_columns(id=pl.format("{}-{}", pl.lit(run.axes["fold"][0]), "id")).write_parquet(path)
    whole = again(made, '"task": "made-up"', '"task": "massive"')
    assert whole.comparisons is not None
    assert set(whole.comparisons["baseline"]) == {"pooled"}
    assert not [line for line in sentences(whole) if "is the baseline" in line]
    assert whole.scores["variant"].unique(maintain_order=True).to_list() == ["pooled", "meta_optimizer"]


def test_a_page_in_another_metric_says_what_the_tests_are_of(material: Make, no_figures: None) -> None:
    html = page_html(page(replace(material(), metric="macro_f1")))
    assert "Tests, and all points said here, are of accuracy; the scores shown are macro_f1." in html
    assert "Difference from pooled in points of accuracy, mean over unseen targets" in html


def test_where_every_run_failed_the_page_says_why(material: Make, no_figures: None) -> None:
    html = page_html(page(material(failed=[(v, s) for v in ("pooled", "meta_optimizer") for s in (0, 1)])))
    assert "Every run failed: there is nothing to compare." in html
    assert html.count("failed in adapt: the loss is not finite") == 4


def test_few_seeds_are_a_condition(material: Make, no_figures: None) -> None:
    html = page_html(page(material()))
    assert "With 2 seeds, intervals are conditional on these" in html


def table_of(material: Material, title: str) -> Table:
    """Return the table of hard examples whose title begins so."""
    (section,) = [one for one in page(material).sections if one.name == "examples"]
    (table,) = [one for one in section.tables if one.title.startswith(title)]
    return table


def column(table: Table, name: str) -> list[Any]:
    place = [one.name for one in table.columns].index(name)
    return [row[place].value for row in table.rows]


def test_hardest_examples_are_two_a_language_those_that_most_get_wrong_first(material: Make, no_figures: None) -> None:
    table = table_of(material(), "Hardest")
    assert sorted(column(table, "language")) == sorted(2 * ["en", "el", "sw", "th"])
    wrong = column(table, "wrong")
    assert wrong == sorted(wrong, reverse=True)
    assert set(column(table, "of runs")) == {4}


def test_who_is_right_where_counts_every_example_once(material: Make, no_figures: None) -> None:
    table = table_of(material(), "Who is right")
    counts = [column(table, name) for name in ("both right", "only the variant", "only the baseline", "neither")]
    assert [sum(row) for row in zip(*counts, strict=True)] == column(table, "examples") == [60] * 4


def test_disagreements_are_told_for_both_sides(material: Make, no_figures: None) -> None:
    table = table_of(material(), "Where a variant")
    assert set(column(table, "variants")) == {"meta_optimizer and pooled"}
    ours, theirs = column(table, "first right in %"), column(table, "second right in %")
    assert [one > other for one, other in zip(ours, theirs, strict=True)] == 5 * [True] + 5 * [False]
    said = zip(column(table, "label"), column(table, "the first says"), ours, strict=True)
    assert all(first == label for label, first, right in said if right == 100)


def test_a_label_is_sure_with_the_probability_that_it_was_given(material: Make) -> None:
    made = material(seeds=(0,))
    found = judged(made)
    assert found is not None
    assert found.filter(right=1)["sure"].to_list() == pytest.approx([0.7] * found.filter(right=1).height)
    assert found.filter(right=0)["sure"].max() == pytest.approx(0.15)
    assert set(found["label"]) == {"high", "low", "none"}


def test_answers_have_no_labels_and_their_texts_stay_out(material: Make, no_figures: None) -> None:
    made = material()
    for path in made.store.root.rglob("predictions.parquet"):
        frame = pl.read_parquet(path)
        value = (pl.col("label") == pl.col("prediction")).cast(pl.Float64) * 100
        answers = frame.select("language", "id", "group", "run", value=value, answer=pl.lit("a secret of the rows"))
        answers.write_parquet(path)
    html = page_html(page(made))
    assert "secret" not in html
    assert "label" not in [one.name for one in table_of(made, "Hardest").columns]
    assert "label" not in [one.name for one in table_of(made, "Where a variant").columns]


def test_what_counts_as_a_right_answer_is_told_and_means_of_f1_are_called_so(material: Make, no_figures: None) -> None:
    made = material(seeds=(0,))
    names = [one.name for one in table_of(made, "Where a variant").columns]
    assert names[-2:] == ["first right in %", "second right in %"]
    assert not any("F1" in note for title in TITLES for note in table_of(made, title).footnotes)
    for path in made.store.root.rglob("predictions.parquet"):
        frame = pl.read_parquet(path)
        value = pl.when(pl.col("label") == pl.col("prediction")).then(51.0).otherwise(50.0)
        frame.select("language", "id", "group", "run", value=value).write_parquet(path)
    made = again(made)
    table = table_of(made, "Where a variant")
    assert [one.name for one in table.columns][-2:] == ["first's F1", "second's F1"]
    assert set(column(table, "first's F1")) == {50.0, 51.0}
    for title, note in zip(TITLES, ("Wrong: an F1 of 50 or less", "Right: an F1 above 50", "a higher F1"), strict=True):
        assert any(note in one for one in table_of(made, title).footnotes), title
    assert sum(column(table_of(made, "Who is right"), "both right")) > 0


def test_folds_are_one_arm(material: Make, no_figures: None) -> None:
    made = material(axes={"fold": [["0"], ["1"]]})
    for run in made.runs:
        path = made.store.run(run.key).path / "predictions.parquet"
        pl.read_parquet(path).with_columns(id=pl.format("{}-{}", pl.lit(run.axes["fold"][0]), "id")).write_parquet(path)
    whole = again(made, '"task": "made-up"', '"task": "massive"')
    found = judged(whole)
    assert found is not None
    assert set(found["arm"]) == {"pooled", "meta_optimizer"}
    assert found.height == 2 * 4 * 2 * 60
    table = next(table for table in provenance(whole).tables if table.title.startswith("Which labels"))
    assert [row[0].value for row in table.rows] == ["pooled", "meta_optimizer"]
    assert {row[-1].value for row in table.rows} == {"sw, th"}


def test_what_was_chosen_on_labels_is_told(material: Make, no_figures: None) -> None:
    html = page_html(page(material()))
    assert "No training step was chosen on the labels of a zero-shot target." in html
    assert "oracle" not in html
    assert "the last step" in html
    assert "labels that chose a step" not in html


def test_labels_that_chose_a_step_are_not_called_unseen(material: Make, no_figures: None) -> None:
    html = page_html(page(again(material(select="selection"), '"selection": []', '"selection": ["sw"]')))
    assert "since their labels chose a step: sw." in html
    assert "No training step was chosen" not in html
    assert "the best on held-out rows (10 %) of the selection languages, of every 5 steps" in html


def test_time_of_shared_phases_counts_once(material: Make, no_figures: None) -> None:
    html = page_html(page(material(steps=1200, seeds=(0,))))
    # source, shared by both, and adapt of either: 3 phases of 600 s; two runs tested for 2 s each
    assert "30.1 min of device time: 30.0 min of training" in html


@pytest.mark.parametrize("place", ["/a/private/place/", "../private/", "~/private/"])
def test_paths_of_encoders_are_nobodys_business(material: Make, no_figures: None, place: str) -> None:
    html = page_html(page(again(material(), '"encoder": "mini"', f'"encoder": "{place}mine"')))
    assert "<dd>FOLDER</dd>" in html
    assert "private" not in html


def test_paths_that_variants_set_and_phases_were_trained_on_are_nobodys_business(
    material: Make, no_figures: None
) -> None:
    made = material(task="../private/tested.toml")
    for path in [*made.store.root.rglob("run.json"), *made.store.root.rglob("phase.json")]:
        known = json.loads(path.read_text(encoding="utf-8"))
        if path.name == "run.json":
            changes = {"encoder": "../private/mine", "phases.source.on.task": "/private/trained.toml"}
            for variant in known["settings"]["variants"]:
                variant |= {"description": "", "set": changes}
        else:
            known["task"] = known["settings"]["on"]["task"] = "/private/trained.toml"
        path.write_text(json.dumps(known), encoding="utf-8")
    html = page_html(page(again(made)))
    assert "encoder = FOLDER; phases.source.on.task = trained.toml" in html
    assert "of train of trained.toml" in html
    assert "<dd>tested.toml</dd>" in html
    assert "private" not in html


def test_cells_of_two_languages_count_as_what_they_are(material: Make, no_figures: None) -> None:
    made = page(material(languages=("en", "en/el", "el/en", "sw/th")))
    told = dict(made.facts)
    assert (told["source"], told["targets never trained on"]) == ("en", "3")
    (table,) = [table for table in made.sections[-1].tables if table.title.startswith("Which labels")]
    assert {row[-1].value for row in table.rows} == {"en/el, el/en, sw/th"}
