"""Adapters in a recipe: for all phases or one, in the keys only where they are given, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from isogloss.learner.adapters import Adapters
from isogloss.recipe import keys as recipe_keys
from isogloss.recipe.keys import settings_content
from isogloss.recipe.planned import Plan
from recipe.support import SMALL, load, mistakes, plan

FOUR = Adapters(rank=4)


def keys(planned: Plan) -> dict[str, set[str]]:
    names = {phase.name for phase in planned.phases.values()}
    return {name: {key for key, phase in planned.phases.items() if phase.name == name} for name in names}


def adapters(planned: Plan) -> dict[str, Adapters | None]:
    return {phase.name: phase.adapters for phase in planned.phases.values()}


def test_those_of_the_recipe_are_those_of_every_phase_that_says_nothing_else(tmp_path: Path) -> None:
    assert set(adapters(plan(tmp_path)).values()) == {None}
    everywhere = plan(tmp_path, sets=("adapters={rank=4}", "phases.adapt.adapters={rank=2}"))
    assert adapters(everywhere) == {"source": FOUR, "meta": FOUR, "adapt": Adapters(rank=2)}
    one = plan(tmp_path, sets=("phases.adapt.adapters.rank=4",))
    assert adapters(one) == {"source": None, "meta": None, "adapt": FOUR}


def test_a_variant_may_set_them(tmp_path: Path) -> None:
    text = SMALL.replace('name = "learned"', 'name = "learned"\nset.adapters = { rank = 4, modules = "query" }')
    planned = plan(tmp_path, text)
    one, other = planned.cells
    assert {planned.phases[key].adapters for key in one.phases} == {None}
    assert {planned.phases[key].adapters for key in other.phases} == {Adapters(rank=4, modules=("query",))}
    assert len(keys(planned)["source"]) == 2
    text = SMALL.replace('name = "learned"', 'name = "learned"\nset."phases.adapt.adapters" = { rank = 4 }')
    assert len(keys(plan(tmp_path, text))["source"]) == 1  # shared still


def test_content_without_adapters_is_what_it_was_before_there_were_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed, content_key = [], recipe_keys.content_key
    monkeypatch.setattr(
        recipe_keys, "content_key", lambda content: hashed.append(repr(content)) or content_key(content)
    )
    plan(tmp_path, sets=("phases.adapt.adapters={rank=4}",))
    told = {"adapters" in content for content in hashed if "'settings'" in content and "'after': None" in content}
    assert told == {False}
    assert sum("'adapters'" in content for content in hashed) == 2  # the last phase, of two variants


def test_keys_know_of_them_only_where_they_are_given(tmp_path: Path) -> None:
    plain, one = keys(plan(tmp_path)), keys(plan(tmp_path, sets=("phases.adapt.adapters={rank=4}",)))
    assert (one["source"], one["meta"]) == (plain["source"], plain["meta"])
    assert not one["adapt"] & plain["adapt"]
    everywhere = keys(plan(tmp_path, sets=("adapters={rank=4}",)))
    assert all(not everywhere[name] & plain[name] for name in plain)
    each = [f"phases.{name}.adapters={{rank=4}}" for name in plain]
    assert keys(plan(tmp_path, sets=tuple(each))) == everywhere
    (phase,) = [phase for phase in load(tmp_path, sets=(each[0],)).phases if phase.adapters]
    assert "adapters" not in settings_content(phase)


@pytest.mark.parametrize("change", ["rank=5", "alpha=2.0", "dropout=0.1", 'modules=["key"]'])
def test_every_setting_is_part_of_a_key(tmp_path: Path, change: str) -> None:
    base = keys(plan(tmp_path, sets=("adapters={rank=4}",)))
    changed = keys(plan(tmp_path, sets=("adapters={rank=4}", f"adapters.{change}")))
    assert not base["source"] & changed["source"]


def test_the_order_of_modules_is_not(tmp_path: Path) -> None:
    one, other = (
        keys(plan(tmp_path, sets=(f"adapters={{modules={order}}}",)))
        for order in ('["key", "value"]', '["value", "key"]')
    )
    assert one == other


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("adapters = { rnk = 4 }", 'small.toml: adapters.rnk: unknown key "rnk"; did you mean "rank"?'),
        (
            "adapters = { rank = 0 }",
            "small.toml: adapters.rank: 0 will not do; it should be greater than or equal to 1",
        ),
        ("adapters = { dropout = 1.0 }", "small.toml: adapters.dropout: 1.0 will not do; it should be less than 1"),
        ("adapters = { alpha = -1 }", "small.toml: adapters.alpha: -1 will not do; it should be greater than 0"),
        ("adapters = 8", "small.toml: adapters: 8 is not a table; write adapters = { … }"),
        (
            "adapters = { modules = [] }",
            "small.toml: adapters.modules: [] will not do; the list should have at least 1",
        ),
        ("adapter = { rank = 8 }", 'small.toml: adapter: unknown key "adapter"; did you mean "adapters"?'),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, given: str, said: str) -> None:
    (line,) = mistakes(tmp_path, SMALL.replace('encoder = "mini"', f'encoder = "mini"\n{given}'))
    assert line.startswith(said)


def test_a_mistake_in_a_phase_names_the_phase(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, SMALL.replace("epochs = 2", "epochs = 2\nadapters = { rank = 1.5 }"))
    assert line.startswith("small.toml: phases.adapt.adapters.rank: 1.5 will not do; it should be a whole number")
