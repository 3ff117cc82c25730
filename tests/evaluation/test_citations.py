"""Whom to cite: every shipped task, method, pairing, recipe and encoder says it, and what they say is BibTeX."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from isogloss import registry
from isogloss.data.task import load_task, shipped_tasks
from isogloss.errors import Mistakes
from isogloss.evaluation.citations import Cited, bibtex, entry, tables, works
from isogloss.recipe.load import load_recipe, profiles
from isogloss.recipe.source import shipped

NOBODY = {
    "methods": {"finetune"},
    "pairings": {"pooled"},  # plain fine-tuning
    "objectives": {"cross_entropy"},
    "kinds": {"question_answering", "text_classification"},  # their metrics' rules say whose they are
    "simple": {"majority", "probe", "tfidf"},
}


def parsed(text: str) -> dict[str, dict[str, str]]:
    """A small reader of BibTeX: key → fields, whose braces must be balanced; what is outside of entries is no text."""
    found: dict[str, dict[str, str]] = {}
    place = 0
    while (start := text.find("@", place)) >= 0:
        head = re.compile(r"@(\w+)\{([\w.:-]+),").match(text, start)
        assert head is not None, text[start : start + 60]
        fields, place = {"type": head[1]}, head.end()
        while field := re.compile(r"\s*(\w+) = \{").match(text, place):
            depth, end = 1, field.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            assert field[1] not in fields
            fields[field[1]] = text[field.end() : end - 1]
            place = end + (text[end] == ",")
        assert text[place:].lstrip().startswith("}"), text[place : place + 60]
        assert head[2] not in found, f"{head[2]} twice"
        found[head[2]] = fields
    return found


def test_the_file_of_works_is_bibtex() -> None:
    """Read by other code than the library's own: the same keys, and in each what its type needs."""
    text = files("isogloss.evaluation").joinpath("works.bib").read_text(encoding="utf-8")
    found = parsed(text)
    assert list(found) == list(works())
    needed = {"inproceedings": {"booktitle"}, "article": {"journal", "volume"}, "misc": {"eprint", "archivePrefix"}}
    for key, fields in found.items():
        assert {"title", "author", "year", *needed[fields["type"]]} <= set(fields), key
        first = re.sub(r"\W", "", fields["author"].split(",")[0]).lower()
        assert key.startswith(first + fields["year"]), key
        assert re.fullmatch(r"\d+--\d+", fields.get("pages", "1--2")), key
        assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "10.1162/x")), key


def test_every_task_says_whom_to_cite() -> None:
    """All but one's own files; and the line for a reader is about the same paper."""
    for name in shipped_tasks():
        task = load_task(name)
        assert bool(task.cite) == (name != "files"), name
        if task.cite:
            fields = parsed(entry(task.cite[0], name))[task.cite[0]]
            assert re.sub(r"[{}]", "", fields["title"])[:30] in task.citation
            assert fields["author"].split(",")[0] in task.citation


@pytest.mark.parametrize("group", NOBODY)
def test_every_registered_class_says_whom_to_cite_or_is_nobodys(group: str) -> None:
    for name in registry.names(group):  # type: ignore[arg-type]
        known = registry.load(group, name)  # type: ignore[arg-type]
        cite = known(known.Settings()).cite if isinstance(getattr(known, "cite", ()), property) else ()
        cite = cite or getattr(known, "cite", ())
        assert bool(cite) == (name not in NOBODY[group]), name
        assert all(entry(work, name) for work in cite)


def test_what_maml_cites_follows_its_settings() -> None:
    maml = registry.load("methods", "maml")
    cites = {
        name: maml(maml.Settings(**settings)).cite
        for name, settings in {
            "plain": {},
            "rates": {"learn_inner_rates": True},
            "head": {"inner_groups": ("head",)},
        }.items()
    }
    assert cites == {
        "plain": ("finn2017maml",),
        "rates": ("finn2017maml", "li2017metasgd"),
        "head": ("finn2017maml", "raghu2020anil"),
    }


def test_every_shipped_recipe_and_its_encoders_are_in_the_table() -> None:
    assert set(tables()["recipes"]) == set(shipped())
    assert [name for name, known in tables()["recipes"].items() if not known] == ["massive-quickstart"]
    used = {load_recipe(name, profile=profile).encoder for name in shipped() for profile in (None, *profiles(name))}
    assert used <= set(tables()["encoders"])
    named = {work for table in tables().values() for known in table.values() for work in known}
    assert named <= set(works())


def test_no_work_is_there_for_nothing() -> None:
    cited = {work for table in tables().values() for known in table.values() for work in known}
    cited |= {work for name in shipped_tasks() for work in load_task(name).cite}
    sources = "".join(path.read_text(encoding="utf-8") for path in (files("isogloss.methods")).rglob("*.py"))  # type: ignore[attr-defined]
    assert [key for key in works() if key not in cited and f'"{key}"' not in sources and key != "hu2022lora"] == []


def test_a_work_is_printed_once_with_all_that_it_is_cited_for() -> None:
    own = "@misc{me2026,\n  title = {Mine},\n}"
    text = bibtex(
        [
            Cited("method a", ("xu2021soft",)),
            Cited("pairing b", ("xu2021soft", own)),
            Cited("encoder e", (), "see its card"),
            Cited("kind k", ()),
            Cited("data odd\n@misc{x,}", ("hu2022lora",)),
        ]
    )
    assert set(parsed(text)) == {"xu2021soft", "me2026", "hu2022lora"}
    assert "% method a, pairing b\n@inproceedings{xu2021soft," in text
    assert text.endswith("% encoder e: see its card")
    assert "kind k" not in text


def test_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(Mistakes, match="xu2021soft"):
        entry("xu2021sofft", "method mine")
