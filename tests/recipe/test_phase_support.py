"""`support` of a phase: rows of its own for supports, held to everything that `on` is held to, and part of the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from isogloss.recipe.planned import Plan
from recipe.support import EPISODES, SMALL, SUPPORT, load, mistakes, plan


def swapped(support: str, pairing: str = "roles") -> str:
    return EPISODES.replace(SUPPORT, support).replace('"roles"', f'"{pairing}"')


def meta(planned: Plan) -> str:
    [key] = {phase.key for phase in planned.phases.values() if phase.name == "meta"}
    return key


def key_of(folder: Path, support: str, pairing: str = "roles", *, changed: str = "", draw: int = 0) -> str:
    return meta(plan(folder, swapped(support, pairing), changed=changed, sets=(f"draw={draw}",)))


# -- what it means


def test_it_names_rows_as_on_does(tmp_path: Path) -> None:
    planned = plan(tmp_path, swapped('support = { task = "mnli", languages = ["en"], per_label = 8 }'))
    phase = planned.phases[meta(planned)]
    assert phase.support is not None
    assert (phase.support.task.name, phase.support.on.split, phase.support.languages) == ("mnli", "train", ("en",))
    assert phase.languages == ("el", "ur")
    assert phase.trained == ("el", "en", "ur")
    assert [rows.languages for rows in phase.rows] == [("el", "ur"), ("en",)]


def test_without_it_supports_come_from_the_rows_of_the_phase(tmp_path: Path) -> None:
    planned = plan(tmp_path, swapped("", "within"))
    phase = planned.phases[meta(planned)]
    assert phase.support is None
    assert phase.trained == phase.languages == ("el", "ur")


@pytest.mark.parametrize(("languages", "role"), [('"sw"', "seen"), ('["target"]', "seen"), ('"source"', "unseen")])
def test_languages_of_supports_are_seen(tmp_path: Path, languages: str, role: str) -> None:
    """Few-shot: a target that supports are drawn from is marked as one that was trained on."""
    pairing = "across" if "target" in languages else "roles"
    [cell] = plan(tmp_path, swapped(f'support = {{ split = "validation", languages = {languages} }}', pairing)).cells
    assert cell.role("sw") == role
    assert cell.role("el") == "auxiliary"


def test_a_variant_can_take_it_out_and_change_it(tmp_path: Path) -> None:
    variants = """
[[variants]]
name = "pooled"
unset = ["phases.meta.support"]
set."phases.meta.method" = "finetune"
[[variants]]
name = "few"
set."phases.meta.support.languages" = ["sw"]
set."phases.meta.support.per_label" = 8
[[variants]]
name = "all"
"""
    cells = {cell.variant: cell for cell in plan(tmp_path, EPISODES + variants).cells}
    assert cells["pooled"].effective.phase("meta").support is None
    few = cells["few"].effective.phase("meta").support
    assert few is not None
    assert (few.languages, few.per_label, few.split) == (("sw",), 8, "validation")
    assert len({cell.final for cell in cells.values()}) == 3


def test_a_new_subset_takes_the_place_of_the_old(tmp_path: Path) -> None:
    text = swapped(SUPPORT.replace(" }", ", examples = 90 }"))
    recipe = load(tmp_path, text, sets=("phases.meta.support.share=0.5",))
    support = recipe.phase("meta").support
    assert support is not None
    assert (support.examples, support.share) == (None, 0.5)
    assert recipe.phase("meta").steps == 9


def test_tasks_of_supports_are_found_from_the_recipes_folder(tmp_path: Path) -> None:
    recipe = load(tmp_path, swapped('support = { task = { name = "mnli", path = "rows" }, languages = "source" }'))
    support = recipe.phase("meta").support
    assert support is not None
    assert support.task["path"] == str(tmp_path / "rows")


# -- content keys


def test_what_matters_of_a_support_is_part_of_the_key(tmp_path: Path) -> None:
    asked = [
        (SUPPORT, "roles"),
        (SUPPORT.replace('"source"', '["en", "fr"]'), "roles"),
        (SUPPORT.replace("validation", "train"), "roles"),
        (SUPPORT.replace("{ ", '{ task = "mnli", '), "roles"),
        (SUPPORT.replace(" }", ", examples = 90 }"), "roles"),
        (SUPPORT.replace(" }", ", per_label = 90 }"), "roles"),
        (SUPPORT, "across"),
        (SUPPORT.replace('"source"', '"auxiliary"'), "across"),
        ("", "across"),
    ]
    assert len({key_of(tmp_path, *one) for one in asked}) == len(asked)


@pytest.mark.parametrize("changed", ["xnli/en/validation", "xnli/el/validation"])
def test_changed_rows_on_either_side_change_the_key(tmp_path: Path, changed: str) -> None:
    assert key_of(tmp_path, SUPPORT) != key_of(tmp_path, SUPPORT, changed=changed)


def test_a_draw_matters_where_a_subset_is_drawn(tmp_path: Path) -> None:
    few = SUPPORT.replace(" }", ", per_label = 8 }")
    assert key_of(tmp_path, few) != key_of(tmp_path, few, draw=1)
    assert key_of(tmp_path, SUPPORT) == key_of(tmp_path, SUPPORT, draw=1)


def test_the_version_of_the_pairing_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isogloss.methods.pairings.roles import Roles

    before = plan(tmp_path, EPISODES)
    monkeypatch.setattr(Roles, "version", Roles.version + 1)
    after = plan(tmp_path, EPISODES)
    assert meta(before) != meta(after)
    assert len(before.phases.keys() & after.phases.keys()) == 1  # the source phase


def test_phases_without_a_support_keep_the_keys_that_they_had(tmp_path: Path) -> None:
    """Stored phases are found again: these are keys from before there was a support."""
    keys = ["ea5879db999c5883", "1de4aa63d449d8b9", "a4e58dba9967ffb4", "65cfd157e5fdcee9"]
    assert list(plan(tmp_path, SMALL).phases) == keys


# -- mistakes


@pytest.mark.parametrize(
    ("support", "pairing", "expected"),
    [
        (
            SUPPORT.replace("validation", "test"),
            "roles",
            'phases.meta.support.split: it trains on split "test" of "xnli", on which the recipe is tested',
        ),
        (
            SUPPORT.replace("validation", "dev"),
            "roles",
            'phases.meta.support.split: task "xnli" has no split "dev"; ',
        ),
        (
            SUPPORT.replace('"source"', '"sourc"'),
            "roles",
            'phases.meta.support.languages: no language has the key "sourc"; did you mean "source"?',
        ),
        (
            SUPPORT.replace('"source"', '"fi"'),
            "roles",
            'phases.meta.support.languages: task "xnli" has no language fi; known: ',
        ),
        (
            SUPPORT.replace('"source"', '"selection"'),
            "roles",
            "phases.meta.support.languages: no language plays selection; name languages",
        ),
        (
            SUPPORT.replace("{ ", '{ task = "massive", '),
            "roles",
            'phases.meta.support.task: task "massive" has labels ',
        ),
        (SUPPORT.replace("{ ", '{ task = "mnlu", '), "roles", 'phases.meta.support.task: no task is called "mnlu"'),
        (
            SUPPORT.replace(" }", ", share = 0.5, examples = 3 }"),
            "roles",
            "phases.meta.support: examples and share both choose a subset; give one of them",
        ),
        (
            SUPPORT.replace(" }", ", shar = 0.5 }"),
            "roles",
            'phases.meta.support.shar: unknown key "shar"; did you mean "share"?',
        ),
        ("support = 3", "across", "phases.meta.support: 3 is not a table; write support = { … }"),
        (
            SUPPORT.replace('"source"', '["en", "el"]'),
            "roles",
            "phases.meta.support.languages: el would play both roles, support and query; "
            'the pairing "roles" forbids it; give the phase a `support` of other languages, ',
        ),
        ("", "roles", "phases.meta.on.languages: el, ur would play both roles, support and query; "),
        (
            SUPPORT,
            "within",
            'phases.meta.support.languages: supports from en and queries from el, ur are not "within" a language; ',
        ),
        ("", "witin", 'phases.meta.method.pairing: no pairing is called "witin"; did you mean "within"?'),
    ],
)
def test_one_mistake_is_one_line(tmp_path: Path, support: str, pairing: str, expected: str) -> None:
    found = mistakes(tmp_path, swapped(support, pairing))
    assert [line for line in found if line.startswith(f"small.toml: {expected}")] == found


@pytest.mark.parametrize("method", ['"finetune"\nsteps = 9', '"meta_optimizer"'])
def test_methods_that_draw_no_support_refuse_one(tmp_path: Path, method: str) -> None:
    text = EPISODES.replace('{ name = "maml", pairing = "roles" }\nsteps = 9', method)
    name = method.split('"')[1]
    assert mistakes(tmp_path, text) == [
        f'small.toml: phases.meta.support: the method "{name}" draws no support from rows of its own; '
        'take it out (in a variant: unset = ["phases.meta.support"])'
    ]


def test_a_surprise_language_needs_another(tmp_path: Path) -> None:
    text = EPISODES.replace(SUPPORT, "").replace('languages = "auxiliary"', 'languages = "ur"')
    text = text.replace(
        '{ name = "maml", pairing = "roles" }\nsteps = 9', '{ name = "meta_optimizer", meta_training = "surprise" }'
    )
    found = mistakes(tmp_path, text + '\n[[phases]]\nname = "last"\nmethod = "finetune"\nepochs = 1\n')
    assert found == [
        "small.toml: phases.meta.on.languages: one language (ur) leaves none to train on once it is the surprise "
        "language; give it two languages or more"
    ]


def test_a_step_is_not_chosen_on_rows_that_supports_were_drawn_from(tmp_path: Path) -> None:
    later = """
[[phases]]
name = "few"
after = "meta"
on = { split = "train", languages = "source" }
method = "finetune"
epochs = 1
select = { on = "source" }
"""
    found = mistakes(tmp_path, swapped('support = { split = "train", languages = "source" }') + later)
    assert any('were trained on in phase "meta"' in line for line in found)
    assert load(tmp_path, swapped(SUPPORT) + later).phase("few").select.on == "source"


def test_a_target_whose_rows_are_supports_may_choose_a_step(tmp_path: Path) -> None:
    """As one that is trained on: it is no unseen target any more."""
    text = swapped('support = { split = "train", languages = ["sw", "fr"] }') + 'select = { on = "selection" }\n'
    text = text.replace('source = ["en"]', 'source = ["en"]\nselection = ["sw"]')
    assert load(tmp_path, text).phase("meta").select.on == "selection"
    refused = mistakes(tmp_path, text.replace('["sw", "fr"]', '["fr"]'))
    assert any('the labels of "sw", which is an unseen target' in line for line in refused)
