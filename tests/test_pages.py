"""Every page of docs/: its blocks are run, here or by a test of its own, and what is only shown can be given."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from isogloss.analysis.document import rebuild
from isogloss.evaluation.comparison import MEANS, read_comparisons
from isogloss.recipe.load import load_recipe
from isogloss.recipe.plan import make_plan
from isogloss.recipe.source import shipped
from isogloss.run.resources import Resources
from page import LANGUAGES, ROOT, Page, given, page, toml

NAMES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
# Pages whose blocks are run by tests of their own, which know more of what should come out.
OWN = {
    "add_a_kind": "test_add_a_kind.py",
    "add_a_method": "test_add_a_method.py",
    "add_a_pairing": "test_add_a_pairing.py",
    "add_an_objective": "test_add_an_objective.py",
    "confidence": "cli/test_confidence_page.py",
    "lora": "test_lora.py",
    "own_data": "test_own_data.py",
    "question_answering": "test_question_answering.py",
    "report": "test_report_page.py",
    "tables": "cli/test_tables_page.py",
}
# Pages that are carried out here as they stand, in seconds.
LOOKING = ("completion", "distances", "reproduce", "which_method")
# Pages that are carried out here with some words changed, to be small: what they train takes a while all the same.
TRAINING = {
    "add_a_task": {},
    "auxiliary": {},
    "cluster": {"examples = 1000": "examples = 100", "examples = 300": "examples = 40"},
    "few_shot": {
        "examples = 300": "examples = 40",
        'target = [["sw"], ["th"]]': 'target = [["sw"]]',
        "draw = [0, 1, 2]": "draw = [0, 1]",
        "epochs = 3": "steps = 4",
        "per_label = 2": "per_label = 1",
        "epochs = 10": "epochs = 1",
    },
    "gpu": {},
    "python": {"examples = 2000": "examples = 100", "examples = 300": "examples = 40"},
    "why_thai": {"examples = 2000": "examples = 100", "examples = 300": "examples = 40", "epochs = 3": "epochs = 1"},
}
SAID = {
    "add_a_task": ("sw",),
    "auxiliary": (),
    "completion": ("_ISOGLOSS_COMPLETE",),
    "cluster": ("shared: accuracy in percent",),
    "distances": (),
    "few_shot": (" source_only ", " few "),
    "gpu": ("what is here", "torch"),
    "python": ("2 done, 0 found", " probe ", "wie wird das Wetter morgen", "embeddings"),
    "reproduce": ("liu2021-table7", "meta_optimizer"),
    "which_method": ("source_only", "meta_optimizer", "maml"),
    "why_thai": ("tokens a word", "thai: accuracy in percent", "ECE", "syntactic"),
}
COMMANDS = [
    pytest.param(line, id=f"{name}: {line[:60]}") for name in NAMES for line in page(name).commands if "…" not in line
]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_run_by_a_test(name: str) -> None:
    """Red when a page has blocks that nothing runs, or is run twice."""
    known = page(name)
    assert known.text.count("```") == 2 * len(known.fences)
    assert {language for language, _ in known.fences} <= set(LANGUAGES)
    runs = bool(known.blocks("bash") or known.blocks("python"))
    assert runs == (sum(name in tried for tried in (OWN, LOOKING, TRAINING)) == 1)
    if name in OWN:
        test = (ROOT / "tests" / OWN[name]).read_text(encoding="utf-8")
        assert f'page("{name}")' in test or f"{name}.md" in test


@pytest.mark.parametrize("line", COMMANDS)
def test_what_is_only_shown_can_be_given(line: str) -> None:
    given(line)


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_settings_can_be_read(name: str) -> None:
    assert all(isinstance(toml(block), dict) for block in page(name).blocks("toml"))


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page(name).text)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("name", LOOKING)
def test_pages_that_look(name: str, tmp_path: Path) -> None:
    printed = page(name).carry_out(tmp_path)
    assert [words for words in SAID[name] if words not in printed] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINING)
def test_pages_that_train(name: str, tmp_path: Path) -> None:
    printed = page(name).carry_out(tmp_path, TRAINING[name])
    assert [words for words in SAID[name] if words not in printed] == []


@pytest.mark.parametrize("name", ["few_shot", "which_method"])
def test_tables_are_those_of_the_frames_that_are_kept(name: str, tmp_path: Path) -> None:
    """Red when a number in a table is typed."""
    copy = Path(shutil.copy(page(name).path, tmp_path))
    assert not rebuild(copy, ROOT / "docs" / "results")
    assert "<!-- " in copy.read_text(encoding="utf-8")


def test_nothing_but_more_languages_beats_pooled_fine_tuning_over_seeds() -> None:
    """docs/which_method.md says so, of all comparisons that are kept: red when one is kept that says otherwise."""
    better = set()
    for path in (ROOT / "docs" / "results").glob("*.comparisons.csv"):
        rows = read_comparisons(path).filter(pl.col("scope").is_in(list(MEANS)), verdict="better")
        over_seeds = rows.filter(pl.col("baseline").str.starts_with("pooled"), pl.col("conditional") != "1 seed")
        better |= set(over_seeds["variant"])
    assert better == {"pooled_pair"}


def test_the_source_phase_is_trained_once_for_all_draws_and_targets(tmp_path: Path) -> None:
    """docs/few_shot.md says so: red when its source phase is a subset, which would be drawn anew."""
    page("few_shot").save(tmp_path)
    recipe = load_recipe(tmp_path / "few.toml")
    plan = make_plan(recipe, Resources(recipe, tmp_path / "bags", {}, offline=True))
    assert Counter(planned.phase.name for planned in plan.phases.values()) == {"source": 1, "few": 6}


def test_recipes_of_papers_are_on_the_page_about_them() -> None:
    of_papers = {name for name in shipped() if re.match(r"(xu|liu|philippy)\d{4}-(table|figure)|xmaml", name)}
    assert set(re.findall(r"`([\w-]+-(?:table|figure)[\w-]*|xmaml)`", page("reproduce").text)) == of_papers


def test_the_front_page_leads_to_every_question() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    asked = re.findall(
        r"^      - .*: (\w+\.md)$", nav.partition("- Questions:")[2].partition("- How it")[0], re.MULTILINE
    )
    front = page("index").text
    assert len(asked) > 10
    assert [name for name in asked if f"({name})" not in front] == []


def test_what_is_broken_is_seen(tmp_path: Path) -> None:
    """The runner stops at a block that fails, and refuses a change that changes nothing."""
    (tmp_path / "x.md").write_text("Save this as `a.txt`:\n\n```text\nhere\n```\n\n```bash\ncat a.txt\n```\n")
    broken = Page(tmp_path / "x.md")
    assert broken.carry_out(tmp_path, {"here": "there"}) == "there\n"
    with pytest.raises(AssertionError, match="no longer says nowhere"):
        broken.carry_out(tmp_path, {"nowhere": "there"})
    (tmp_path / "y.md").write_text("```bash\nfalse\necho late\n```\n")
    with pytest.raises(AssertionError, match="false"):
        Page(tmp_path / "y.md").carry_out(tmp_path)
